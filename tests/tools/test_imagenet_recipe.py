"""The recipe for ImageNet, on a set of its structure: JPEGs of many sizes in shards, not held."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from scale_zoo.training.metrics import read_metrics

CLASSES = ["n01440764", "n01443537", "n01484850"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Three classes of colours, told apart by one channel."""
    import tensorflow_datasets as tfds

    folder, rng = tmp_path_factory.mktemp("tfds"), np.random.default_rng(0)

    def images(count):
        for number in range(count):
            height, width = rng.integers(40, 90, 2)
            pixels = rng.integers(0, 80, (height, width, 3))
            pixels[..., number % 3] += 150
            content = io.BytesIO()
            Image.fromarray(pixels.astype(np.uint8)).save(content, "JPEG")
            name = f"{CLASSES[number % 3]}_{number}.JPEG"
            yield {"image": content.getvalue(), "label": number % 3, "file_name": name}

    def encoded(count):
        spec = {
            "image": tf.TensorSpec([], tf.string),
            "label": tf.TensorSpec([], tf.int64),
            "file_name": tf.TensorSpec([], tf.string),
        }
        return tf.data.Dataset.from_generator(lambda: images(count), output_signature=spec)

    tfds.dataset_builders.store_as_tfds_dataset(
        name="imagenet_like",
        version="5.1.0",
        data_dir=str(folder),
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(encoding_format="jpeg"),
                "label": tfds.features.ClassLabel(names=CLASSES),
                "file_name": tfds.features.Text(),
            }
        ),
        split_datasets={"train": encoded(300), "validation": encoded(60)},
    )
    return folder


@pytest.mark.slow
def test_the_recipe_trains_on_data_of_the_structure_of_imagenet(data_dir, tmp_path, run_tool):
    done = run_tool(
        "train",
        "--flagfile=recipes/plain_resnet50.imagenet2012.flags",
        "--data=tfds:imagenet_like",
        f"--data_dir={data_dir}",
        f"--workdir={tmp_path}/run",
        "--cache=none",
        "--image_size=32",
        "--option=width=0.125",
        "--batch_size=30",
        "--epochs=6",
        "--warmup_epochs=1",
    )
    assert done.returncode == 0, done.stderr
    metrics = read_metrics(tmp_path / "run")
    assert metrics.training_images == 270
    # A colour is learned in minutes, if images and labels belong together.
    assert metrics.test.accuracy.mean > 0.9
