import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo.layers import PlanarAction
from scale_zoo.methods import Fpn, Plain

from ..models import weights
from ..ops import reference

SMALL = {
    "cnn": {"input_shape": (28, 28, 1), "width": 0.1, "kernel_size": 3, "pyramid_filters": 4},
    "resnet14": {"input_shape": (64, 96, 3), "width": 0.02, "pyramid_filters": 4},
}
# Heights, widths and channels of stages, no multiples of each other.
STAGES = [(11, 12, 2), (9, 7, 3), (5, 4, 4), (2, 3, 5)]
POOLS = {"max": np.max, "avg": np.mean}


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _model(name, **arguments):
    options = SMALL[name.rpartition("_")[2]] | {"include_top": False} | arguments
    if name.startswith("plain"):
        options.pop("pyramid_filters")
    return scale_zoo.create_model(name, **options)


def _images(*shape):
    return np.random.default_rng(0).uniform(size=(2, *shape)).astype(np.float32)


def _pyramid(stages=STAGES, **options):
    """A model from the stages to the levels, finest first, and to what the head sees."""
    inputs = [keras.Input(stage) for stage in stages]
    neck = Fpn(**{"pyramid_filters": 6} | options)
    neck.check(len(inputs))
    outputs = neck(Plain(), inputs)
    model = keras.Model(inputs, outputs)
    names = [f"pyramid{n}" for n in range(len(stages) + 1 - neck.pyramid_levels, len(stages) + 1)]
    model = keras.Model(inputs, [*(model.get_layer(name).output for name in names), outputs])
    weights.randomize(model)
    return model


def _enlarge(features, height, width):
    rows = [y * features.shape[1] // height for y in range(height)]
    columns = [x * features.shape[2] // width for x in range(width)]
    return features[:, rows][:, :, columns]


def _top_down(model, stages, numbers):
    """The levels, coarsest first."""
    weights_of = lambda name: model.get_layer(name).get_weights()  # noqa: E731
    merged, levels = None, []
    for number in reversed(numbers):
        features = stages[number - 1]
        kernel, bias = weights_of(f"pyramid{number}_lateral")
        lateral = features @ kernel[0, 0] + bias
        if merged is not None:
            lateral = lateral + _enlarge(merged, *features.shape[1:3])
        merged = lateral
        kernel, bias = weights_of(f"pyramid{number}_conv")
        levels.append(reference.dilated_conv2d(merged, kernel, 1) + bias)
    return levels


def _pool(features, height, width, mode):
    """Pools window by window."""
    outputs = np.zeros([len(features), height, width, features.shape[3]])
    for y, x in np.ndindex(height, width):
        rows, columns = [
            slice(place * size // new_size, -(-(place + 1) * size // new_size))
            for place, size, new_size in [
                (y, features.shape[1], height),
                (x, features.shape[2], width),
            ]
        ]
        outputs[:, y, x] = POOLS[mode](features[:, rows, columns], axis=(1, 2))
    return outputs


@pytest.mark.parametrize("levels", [1, 3, 4])
def test_levels_are_the_top_down_path_over_the_last_stages(levels):
    model = _pyramid(pyramid_levels=levels)
    stages = [_random(2, *stage) for stage in STAGES]
    truth = _top_down(model, stages, range(5 - levels, 5))[::-1]
    *found, _ = model(stages)
    for level, expected in zip(found, truth, strict=True):
        np.testing.assert_allclose(level, expected, 1e-4, 1e-4)


def test_levels_of_unknown_sizes_are_the_same():
    known = _pyramid()
    flexible = _pyramid([(None, None, stage[2]) for stage in STAGES])
    stages = [_random(2, *stage) for stage in STAGES]
    for level, expected in zip(flexible(stages), known(stages), strict=True):
        np.testing.assert_allclose(level, expected, 1e-5, 1e-5)


@pytest.mark.parametrize("mode", POOLS)
def test_the_head_sees_all_levels_pooled_to_the_coarsest_s_size(mode):
    model = _pyramid(level_pooling=mode)
    *levels, combined = model([_random(2, *stage) for stage in STAGES])
    truth = np.concatenate([_pool(np.asarray(level), 2, 3, mode) for level in levels], axis=-1)
    np.testing.assert_allclose(combined, truth, 1e-5, 1e-5)


@pytest.mark.parametrize(
    ("skeleton", "shapes"),
    [
        ("cnn", {"pyramid1": (14, 14), "pyramid2": (7, 7), "pyramid3": (2, 2)}),
        (
            "resnet14",
            {"pyramid2": (16, 24), "pyramid3": (8, 12), "pyramid4": (4, 6), "pyramid5": (2, 3)},
        ),
    ],
)
def test_levels_are_planar_stages_of_the_sizes_of_theirs(skeleton, shapes):
    model = _model(f"fpn_{skeleton}")
    levels = [layer for layer in model.layers if layer.name in shapes]
    assert {layer.name: tuple(layer.output.shape) for layer in levels} == {
        name: (None, *size, 4) for name, size in shapes.items()
    }
    assert {layer.action for layer in levels} == {PlanarAction()}
    *_, coarsest = shapes.values()
    assert tuple(model.output_shape) == (None, *coarsest, 4 * len(shapes))


@pytest.mark.parametrize("skeleton", SMALL)
def test_stages_with_the_planar_weights_have_the_planar_features(skeleton):
    planar, pyramid = _model(f"plain_{skeleton}"), _model(f"fpn_{skeleton}")
    weights.randomize(planar)
    weights.copy_by_name(planar, pyramid)
    images = _images(*SMALL[skeleton]["input_shape"])
    for stage in ("stage1", "stage2", "stage3"):
        truth, features = (
            keras.Model(model.input, model.get_layer(stage).output)(images).numpy()
            for model in (planar, pyramid)
        )
        np.testing.assert_allclose(features, truth, rtol=0, atol=1e-6 * np.abs(truth).max())


def test_unknown_sizes_compute_what_known_ones_do():
    known = _model("fpn_resnet14", input_shape=(70, 53, 3))
    flexible = _model("fpn_resnet14", input_shape=(None, None, 3))
    weights.randomize(known)
    weights.copy_by_name(known, flexible)
    images = _images(70, 53, 3)
    truth = known(images).numpy()
    np.testing.assert_allclose(flexible(images), truth, rtol=0, atol=1e-5 * np.abs(truth).max())


def test_parameters_are_about_those_of_the_reference_network():
    model = scale_zoo.create_model("fpn_cnn")
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == 491_253


@pytest.mark.slow
def test_training_reaches_every_weight():
    keras.utils.set_random_seed(0)
    model = _model("fpn_cnn", include_top=True)
    weights.randomize(model)
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    before = [weight.numpy() for weight in model.trainable_weights]
    model.fit(_images(28, 28, 1), np.arange(2), epochs=1, verbose=0)
    changed = [np.any(b != a.numpy()) for b, a in zip(before, model.trainable_weights, strict=True)]
    assert all(changed)


def test_no_three_gradients_are_summed_in_no_order():
    model = _model("fpn_resnet14", width=0.01)
    from_a_stage = keras.Model(model.input, [model.get_layer("stage4").output, model.output])

    @tf.function(input_signature=[tf.TensorSpec([2, 64, 96, 3])], autograph=False)
    def slopes(images):
        features, outputs = from_a_stage(images)
        return tf.gradients(outputs, features)

    operations = slopes.get_concrete_function().graph.get_operations()
    sums = [len(operation.inputs) for operation in operations if operation.type == "AddN"]
    assert max(sums) == 2


def test_more_levels_than_stages_are_refused():
    with pytest.raises(ValueError, match=r"`pyramid_levels`.*at most.*4.*Received 5"):
        _pyramid(pyramid_levels=5)
