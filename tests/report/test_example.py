import json

import numpy as np
import pytest
from PIL import Image

import scale_zoo
from scale_zoo import data, ops, report
from scale_zoo.report.example import choose_example, examine, save_steps
from tests.finished_runs import OPTIONS, finish

FACTORS = [1.0, 0.5]


def _networks(folder, *seeds, **config):
    """Networks that differ in more than the seed."""
    for seed in seeds:
        if not (folder / str(seed)).exists():
            finish(folder / str(seed), seed, epochs=10 + seed, **config)
    return report.gather([str(folder / str(seed)) for seed in seeds])


def _contains(examples, image):
    return (examples.images == image).all(axis=(1, 2, 3)).any()


@pytest.fixture
def picture(tmp_path):
    """A bright square on black, in a file of another size than networks take."""
    pixels = np.zeros([56, 56], np.uint8)
    pixels[16:40, 16:40] = 200
    Image.fromarray(pixels).save(tmp_path / "square.png")
    return str(tmp_path / "square.png")


def test_the_image_is_the_first_test_image_of_the_runs(tmp_path):
    example = choose_example(_networks(tmp_path, 3))
    source = data.load_source("digits", seed=3)
    np.testing.assert_array_equal(example.largest, source.test.images[0])
    assert example.label == source.class_names[source.test.labels[0]]
    assert example.name == "the first test image of digits, split of seed 3"


def test_no_run_was_trained_on_the_image(tmp_path):
    seeds = (0, 1, 2)
    sources = [data.load_source("digits", seed=seed) for seed in seeds]
    # Without a look at the splits, it would be one that others were trained on.
    assert not all(_contains(each.test, sources[0].test.images[0]) for each in sources)
    example = choose_example(_networks(tmp_path, *seeds))
    for source in sources:
        assert _contains(source.test, example.largest)
        assert not _contains(source.train, example.largest)


def test_runs_without_a_common_test_image_need_one_named(tmp_path, monkeypatch):
    def load(name, data_dir, seed, *reading):
        images = np.full([4, 28, 28, 1], seed, np.uint8)
        examples = data.Examples(images, np.zeros(4, np.int32))
        return data.Source(name, ("cat", "dog"), examples, examples, examples)

    monkeypatch.setattr(data, "load_source", load)
    with pytest.raises(ValueError, match=r"`image` must be given: no image of digits is .* 0, 1"):
        choose_example(_networks(tmp_path, 0, 1))


def test_runs_of_different_data_need_an_image_named(tmp_path, picture):
    finish(tmp_path / "other", data="scale_mnist")
    networks = [*_networks(tmp_path, 0), *report.gather([str(tmp_path / "other")])]
    with pytest.raises(ValueError, match=r"`image` must be given .* digits .*, scale_mnist"):
        choose_example(networks)
    assert choose_example(networks, picture).label is None


def test_data_that_cannot_be_had_are_told_with_what_helps(tmp_path):
    networks = _networks(tmp_path, 0, data="folder:missing")
    with pytest.raises(ValueError, match=r"data cannot be loaded: .*missing.* another `image`"):
        choose_example(networks)


def test_the_data_directory_is_that_of_the_runs_unless_another_is_named(tmp_path, monkeypatch):
    asked = []

    def load(name, data_dir, seed, *reading):
        asked.append(data_dir)
        raise ValueError("None.")

    monkeypatch.setattr(data, "load_source", load)
    networks = _networks(tmp_path, 0, data_dir="/theirs")
    for data_dir in (None, "/mine"):
        with pytest.raises(ValueError, match="cannot be loaded"):
            choose_example(networks, data_dir=data_dir)
    assert asked == ["/theirs", "/mine"]


@pytest.mark.parametrize("content", [None, b"no image"])
def test_a_file_that_is_no_image_is_refused(tmp_path, content):
    path = tmp_path / "image.png"
    if content:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"image\.png"):
        report.write_report([str(_run(tmp_path))], tmp_path / "out", image=str(path))
    assert not (tmp_path / "out").exists()


def _run(folder):
    finish(folder / "run")
    return folder / "run"


def test_an_image_is_fitted_to_what_each_network_takes(tmp_path, picture):
    finish(tmp_path / "small")
    config = json.loads((tmp_path / "small" / "config.json").read_text())
    config |= {"input_shape": [14, 14, 3]}
    (tmp_path / "small" / "config.json").write_text(json.dumps(config))
    networks = [*_networks(tmp_path, 0), *report.gather([str(tmp_path / "small")])]
    example = choose_example(networks, picture)
    assert {image.shape for image in example.images.values()} == {(28, 28, 1), (14, 14, 3)}
    assert example.largest.shape == (28, 28, 1)
    assert example.largest[14, 14, 0] == 200
    assert example.largest[2, 2, 0] == 0


def test_answers_are_those_of_the_network_to_the_scaled_image(tmp_path):
    (network,) = _networks(tmp_path, 0)
    example = choose_example([network])
    found = examine(network.runs[0], example, FACTORS)
    model = scale_zoo.create_model("plain_cnn", **OPTIONS)
    model.load_weights(tmp_path / "0" / "saved_model" / "model.weights.h5")
    for factor, answer in zip(FACTORS, found.answers, strict=True):
        image = example.largest[None].astype(np.float32) / 255
        (probabilities,) = model.predict(ops.rescale(image, factor), verbose=0)
        assert answer.class_name == str(probabilities.argmax())
        assert answer.probability == pytest.approx(probabilities.max(), rel=1e-4)
        assert answer.right == (answer.class_name == example.label)


def test_no_answer_is_right_or_wrong_where_the_class_is_not_told(tmp_path, picture):
    (network,) = _networks(tmp_path, 0)
    found = examine(network.runs[0], choose_example([network], picture), FACTORS)
    assert [answer.right for answer in found.answers] == [None, None]
    html, _ = report.write_report([str(tmp_path / "0")], tmp_path / "out", image=picture)
    text = html.read_text("utf-8")
    assert "its class is not told" in text
    assert "✓" not in text


def test_steps_show_the_image_and_the_image_shrunk(tmp_path, picture):
    example = choose_example(_networks(tmp_path, 0), picture)
    pictures = []
    for path, size in save_steps(example, FACTORS, tmp_path):
        with Image.open(path) as image:
            assert image.size == size == (84, 84)
            pictures.append(np.asarray(image).astype(float))
    whole, half = pictures
    np.testing.assert_array_equal(whole, np.kron(example.largest[..., 0], np.ones([3, 3])))
    # A square of half the side holds a quarter of the light.
    assert half.sum() / whole.sum() == pytest.approx(0.25, rel=0.02)
    assert half[42, 42] == 200


def test_a_large_image_is_shown_smaller_than_it_is(tmp_path):
    pixels = np.zeros([300, 300, 3], np.uint8)
    example = report.example.Example("large", {pixels.shape: pixels})
    ((path, size),) = save_steps(example, [1.0], tmp_path)
    assert size == (126, 126)
    with Image.open(path) as image:
        assert image.size == (300, 300)
