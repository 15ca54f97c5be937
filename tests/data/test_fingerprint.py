import dataclasses

import numpy as np

from scale_zoo import data


def _examples(seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 255, (4, 5, 5, 1), np.uint8)
    return data.Examples(images, rng.integers(0, 2, 4).astype(np.int32))


SOURCE = data.Source("mine", ("cat", "dog"), _examples(0), _examples(1), _examples(2))


def _changes(**change):
    changed = dataclasses.replace(SOURCE, **change)
    return data.changes(data.fingerprint(SOURCE), data.fingerprint(changed))


def test_equal_data_have_not_changed():
    assert _changes(train=_examples(0)) == []


def test_what_has_changed_is_named():
    images = SOURCE.test.images.copy()
    images[3, 2, 1, 0] ^= 1
    assert _changes(
        class_names=("bird", "cat"),
        train=_examples(0)[:3],
        test=data.Examples(images, SOURCE.test.labels),
    ) == [
        "classes ('dog' is gone, 'bird' is new)",
        "train (3 images instead of 4)",
        "test (other images or labels)",
    ]
    assert _changes(class_names=("dog", "cat")) == ["classes (in another order)"]
