import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture(scope="session")
def small_tfds(tmp_path_factory):
    """A TFDS data directory with a set of 200 grey and one of 200 colour images."""
    import tensorflow_datasets as tfds

    folder = tmp_path_factory.mktemp("tfds")

    def write(name, size, channels, splits):
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(size, size, channels)),
                "label": tfds.features.ClassLabel(names=["a", "b"]),
            }
        )
        rng = np.random.default_rng(0)
        tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            # That of the registered builder of MNIST.
            version="3.0.1",
            data_dir=str(folder),
            features=features,
            split_datasets={
                split: tf.data.Dataset.from_tensor_slices(
                    {
                        "image": rng.integers(1, 256, (count, size, size, channels), np.uint8),
                        "label": np.arange(count) % 2,
                    }
                )
                for split, count in splits.items()
            },
        )

    write("mnist", 28, 1, {"train": 150, "test": 50})
    write("cifar10_jpeg", 32, 3, {"train": 150, "test": 50})
    write("three_splits", 8, 3, {"train": 20, "validation": 10, "test": 6})
    return str(folder)
