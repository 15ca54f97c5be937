import keras
import numpy as np
import pytest

from scale_zoo import data
from scale_zoo.equivariance.by_size import measure_by_size

# Right and wrong answers for objects of two classes: a row for each object, a column for each size.
HITS = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [1, 1, 0]])
SIZES = (0.5, 1.0, 2.0)


def _classifier(channels=1, factors=None, name="channel_logits"):
    """A network whose logits of each scale channel are an image's pixels, a row for a channel."""
    images = keras.Input((channels, 2, 1))
    logits = keras.layers.Reshape((channels, 2), name=name)(images)
    model = keras.Model(images, keras.layers.GlobalMaxPooling1D()(logits))
    if factors is not None:
        model.get_layer(name).factors = factors
    return model


def _examples(hits=HITS, sizes=SIZES):
    """Images whose brighter pixel is that of the label for a hit, of the other class for a miss."""
    hits = np.ravel(hits)
    labels = np.repeat(np.arange(len(hits) // len(sizes)) % 2, len(sizes))
    answers = np.where(hits, labels, 1 - labels)
    images = np.zeros([len(hits), 1, 2, 1], np.uint8)
    images[np.arange(len(hits)), 0, answers] = 255
    all_sizes = np.tile(np.array(sizes, np.float32), len(hits) // len(sizes))
    return data.Examples(images, labels.astype(np.int32), all_sizes)


@pytest.fixture(scope="module")
def plain():
    return _classifier(name="logits")


def test_accuracy_is_the_share_of_hits_at_each_size(plain):
    measured = measure_by_size(plain, _examples(), np.array([1.0]))
    assert [row.size for row in measured.rows] == [0.5, 1, 2]
    assert [row.trained for row in measured.rows] == [False, True, False]
    assert [row.images for row in measured.rows] == [4, 4, 4]
    means = [row.accuracy.mean for row in measured.rows]
    assert means == [1, 0.75, 0.25]
    # Of a share p of n images: sqrt(p (1 - p) / (n - 1)).
    errors = [row.accuracy.standard_error for row in measured.rows]
    assert errors == pytest.approx([0, 0.25, 0.25])
    assert measured.worst.size == 2
    assert measured.selection is None


def test_the_mean_over_unseen_sizes_leaves_out_those_of_training(plain):
    unseen = measure_by_size(plain, _examples(), np.array([1.0, 1.0])).unseen
    # Means of the objects: 1/2, 1/2, 1, 1/2.
    assert unseen.mean == 0.625
    assert unseen.standard_error == pytest.approx(0.125)


def test_without_unseen_sizes_the_mean_is_over_all(plain):
    unseen = measure_by_size(plain, _examples(), np.array(SIZES)).unseen
    assert unseen.mean == pytest.approx(HITS.mean())
    by_object = HITS.mean(axis=1)
    assert unseen.standard_error == pytest.approx(by_object.std(ddof=1) / 2)


def test_images_of_independent_objects_add_their_variances(plain):
    examples = _examples()[np.random.default_rng(0).permutation(12)]
    unseen = measure_by_size(plain, examples, np.array([0.5])).unseen
    assert unseen.mean == 0.5
    assert unseen.standard_error == pytest.approx(np.sqrt(0.25**2 + 0.25**2) / 2)


def test_batches_do_not_change_the_measures(plain):
    seen = []
    batched = measure_by_size(plain, _examples(), np.array([1.0]), 5, progress=seen.append)
    assert batched == measure_by_size(plain, _examples(), np.array([1.0]))
    assert seen == [5, 10, 12]


def test_many_sizes_are_joined_at_steps_of_a_fourth_of_an_octave(plain):
    sizes = np.exp2(np.linspace(-1, 0, 202))
    examples = _examples(np.ones(202), sizes)
    measured = measure_by_size(plain, examples, sizes)
    assert [row.size for row in measured.rows] == pytest.approx(2.0 ** (np.arange(-4, 1) / 4))
    assert sum(row.images for row in measured.rows) == 202
    assert all(row.trained for row in measured.rows)


def test_the_chosen_channel_has_the_highest_logit_of_the_answer():
    images = np.zeros([4, 3, 2, 1], np.uint8)
    # The answer is class 1, of channel 2; class 0 is higher in channel 0 but no answer.
    images[:2, 2, 1], images[:2, 0, 0] = 200, 150
    images[2, 0, 0] = 100
    images[3, 1, 0] = 100
    sizes = np.array([1, 1, 2, 2], np.float32)
    examples = data.Examples(images, np.zeros(4, np.int32), sizes)
    model = _classifier(3, factors=[0.5, 1.0, 2.0])
    selection = measure_by_size(model, examples, np.array([1.0])).selection
    assert selection.factors == [0.5, 1, 2]
    assert selection.shares == [[0, 0, 1], [0.5, 0.5, 0]]


@pytest.mark.parametrize("factors", [None, [1.0], [1.0, 2.0, 4.0]])
def test_scale_channels_without_a_factor_each_are_refused(factors):
    with pytest.raises(ValueError, match=r"'channel_logits' must have .* `factors`.*Received"):
        measure_by_size(_classifier(2, factors), _examples(), np.array([1.0]))


def test_examples_without_sizes_are_refused(plain):
    examples = data.Examples(np.zeros([2, 1, 2, 1], np.uint8), np.zeros(2, np.int32))
    with pytest.raises(ValueError, match="`examples` must have sizes"):
        measure_by_size(plain, examples, np.array([1.0]))
