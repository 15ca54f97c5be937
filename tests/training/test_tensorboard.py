import io
import json
import re

import keras
import numpy as np
import pytest
from PIL import Image

from scale_zoo import data, ops, zoo
from scale_zoo.training import tensorboard as tensorboard_callbacks

pytest.importorskip("tensorboard")

LOGS = {
    "loss": 2.0,
    "val_loss": 3.0,
    "learning_rate": 0.1,
    "accuracy_at_0.50": 0.25,
    "equivariance_error_at_0.50": 7.0,
    "images_per_second": 100.0,
}


@pytest.fixture(scope="module")
def examples():
    return data.load_source("digits").validation


@pytest.fixture(scope="module")
def folder(tmp_path_factory, examples):
    """What a run of two epochs writes, stopped in the second and gone on with."""
    folder = tmp_path_factory.mktemp("runs") / "run" / "tensorboard"
    model = zoo.create_model("dss_cnn", width=0.1, n_scales=2)
    model.compile("sgd", "sparse_categorical_crossentropy")
    for epoch in (0, 1):
        callbacks = keras.callbacks.CallbackList(
            [
                tensorboard_callbacks.NetworkGraphs(folder),
                tensorboard_callbacks.ExampleImages(folder, examples.images[:8], (1.0, 0.5)),
                tensorboard_callbacks.Curves(folder),
            ],
            model=model,
        )
        callbacks.on_train_begin()
        callbacks.on_epoch_begin(epoch)
        callbacks.on_test_begin()
        callbacks.on_test_end({"loss": 3.0})
        callbacks.on_epoch_end(epoch, {name: value + epoch for name, value in LOGS.items()})
        callbacks.on_train_end()
    return folder


@pytest.fixture(scope="module")
def get(folder):
    """Asks TensorBoard's plugins what its pages show, from the run's work directory."""
    from tensorboard.backend import application
    from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.graph.graphs_plugin import GraphsPlugin
    from tensorboard.plugins.image.images_plugin import ImagesPlugin
    from tensorboard.plugins.scalar.scalars_plugin import ScalarsPlugin
    from werkzeug.test import Client

    workdir = str(folder.parent)
    events = plugin_event_multiplexer.EventMultiplexer()
    events.AddRunsFromDirectory(workdir).Reload()
    provider = data_provider.MultiplexerDataProvider(events, workdir)
    context = base_plugin.TBContext(data_provider=provider, logdir=workdir)
    pages = {
        plugin.plugin_name: Client(application.TensorBoardWSGI([plugin(context)]))
        for plugin in (GraphsPlugin, ImagesPlugin, ScalarsPlugin)
    }

    def get(plugin, route, **query):
        answer = pages[plugin].get(f"/data/plugin/{plugin}/{route}", query_string=query or None)
        assert answer.status_code == 200
        return answer

    return get


def test_charts_over_scale_share_a_panel_and_nothing_is_shown_twice(get):
    shown = {run: set(tags) for run, tags in get("scalars", "tags").json.items() if tags}
    assert shown == {
        "tensorboard/train": {
            "epoch_loss",
            "epoch_learning_rate",
            "epoch_speed/images_per_second",
        },
        "tensorboard/validation": {
            "epoch_loss",
            "epoch_accuracy_over_scale/at_0.50",
            "epoch_equivariance_error_over_scale/at_0.50",
        },
    }


def test_a_curve_goes_on_where_the_run_does(get):
    chart = get("scalars", "scalars", run="tensorboard/train", tag="epoch_loss").json
    # Files are read by name, and names count seconds: both sessions may fall in one.
    assert sorted((step, value) for _, step, value in chart) == [(0, 2.0), (1, 3.0)]


def test_examples_are_shown_at_every_size(get, examples):
    shown = get("images", "tags").json["tensorboard"]
    assert set(shown) == {"examples/at_1.00", "examples/at_0.50"}
    query = {"run": "tensorboard", "tag": "examples/at_0.50", "sample": 0}
    entry = get("images", "images", **query).json[-1]
    png = get("images", f"individualImage?{entry['query']}").data
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size == (4 * 28, 2 * 28)
        fifth = np.asarray(picture.convert("L"))[28:, :28]
    expected = ops.rescale(data.float_images(examples.images[4:5]), 0.5)[0, ..., 0]
    np.testing.assert_allclose(fifth / 255, np.asarray(expected), atol=1 / 255)


def test_the_op_graph_is_the_network_by_the_names_of_its_layers(get):
    assert set(get("graphs", "info").json) == {"tensorboard"}
    query = {"run": "tensorboard", "conceptual": "false", "limit_attr_size": 1024}
    graph = get("graphs", "graph", **query, large_attrs_key="_too_large_attrs").text
    # Keras 3 numbers the calls.
    assert re.search('name: "dss_cnn(_1)?/conv1_conv(_1)?/', graph)
    # Nothing of the training step.
    assert "gradient_tape/" not in graph


def test_the_conceptual_graph_has_the_layers_in_their_order(get):
    query = {"run": "tensorboard", "tag": "keras", "conceptual": "true"}
    graph = get("graphs", "graph", **query).text
    names = [json.loads(line.split(": ")[1]) for line in graph.splitlines() if "  name: " in line]
    assert names.index("dss_cnn/conv1_conv") < names.index("dss_cnn/conv2_conv")
