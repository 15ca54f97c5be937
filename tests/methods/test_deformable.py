import keras
import numpy as np
import pytest

from scale_zoo import layers, methods, models

from ..models import weights

METHODS = {
    "deformable": (methods.Deformable, methods.Plain, layers.DeformableConv2D),
    "modulated": (methods.ModulatedDeformable, methods.Plain, layers.DeformableConv2D),
    "scale-space": (methods.DeformableDss, methods.Dss, layers.DeformableScaleConv2D),
}


@pytest.fixture(params=METHODS.values(), ids=METHODS.keys())
def case(request):
    return request.param


def _cnn(method, **options):
    skeleton = models.Cnn(**{"width": 0.25, "kernel_size": 3} | options)
    return skeleton.build(method, classifier_activation=None)


def _resnet(method):
    skeleton = models.ResNet50(width=0.05, stem="small")
    return skeleton.build(method, input_shape=(32, 32, 3), classes=10)


def _deforming(model, kind):
    return [layer.name for layer in model.layers if isinstance(layer, kind)]


def test_the_stages_named_deform_and_no_other(case):
    deformable, _, layer = case
    assert _deforming(_cnn(deformable(deformable_stages=[1, 3])), layer) == [
        "conv1_conv",
        "conv3_conv",
    ]


def test_in_a_resnet_the_3x3_convolutions_of_the_last_stage_deform():
    model = _resnet(methods.Deformable())
    truth = [f"conv5_block{block}_2_conv" for block in (1, 2, 3)]
    assert _deforming(model, layers.DeformableConv2D) == truth


def test_in_a_modulated_resnet_those_of_the_last_three_stages_deform():
    model = _resnet(methods.ModulatedDeformable())
    found = _deforming(model, layers.DeformableConv2D)
    assert len(found) == 4 + 6 + 3
    assert {name.split("_")[0] for name in found} == {"conv3", "conv4", "conv5"}
    assert all(model.get_layer(name).modulated for name in found)


def test_convolutions_have_the_options_of_the_method(case):
    deformable, _, _ = case
    model = _cnn(deformable(deformable_stages=[2], offset_kernel_size=3, offset_rate=0.1))
    layer = model.get_layer("conv2_conv")
    assert tuple(layer.offset_kernel.shape[-4:-2]) == (3, 3)
    assert layer.offset_rate == 0.1


def test_groups_have_offsets_of_their_own():
    method = methods.Deformable(deformable_stages=[3], deformable_groups=4)
    model = _cnn(method, width=0.5, kernel_size=7)
    assert model.get_layer("conv3_conv").offset_kernel.shape[-1] == 4 * 2 * 49


def test_scale_convolutions_that_deform_have_the_scale_space_of_the_method():
    options = {"interaction": 2, "base": 1.5, "dilation_mode": "floor"}
    model = _cnn(methods.DeformableDss(deformable_stages=[3], n_scales=3, **options))
    config = model.get_layer("conv3_conv").get_config()
    assert {key: config[key] for key in options} == options


def test_a_new_network_with_undeformed_weights_computes_the_undeformed_network(case):
    deformable, undeformed, _ = case
    plain, model = _cnn(undeformed()), _cnn(deformable(deformable_stages=[1, 2, 3]))
    weights.randomize(plain)
    for source in weights.weighted_layers(plain):
        target = model.get_layer(source.name)
        values = source.get_weights()
        # An offset branch comes after what the layer shares with the undeformed one.
        target.set_weights(values + target.get_weights()[len(values) :])
    images = np.random.default_rng(0).uniform(size=(2, 28, 28, 1)).astype(np.float32)
    truth = plain(images).numpy()
    np.testing.assert_allclose(model(images), truth, 1e-4, 1e-5 * np.abs(truth).max())


def test_training_moves_kernels_and_offsets(case):
    deformable, _, _ = case
    keras.utils.set_random_seed(0)
    model = _cnn(deformable(deformable_stages=[3], offset_kernel_size=1))
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(True))
    before = {weight.name: weight.numpy() for weight in model.get_layer("conv3_conv").weights}
    images = np.random.default_rng(0).uniform(size=(4, 28, 28, 1)).astype(np.float32)
    model.fit(images, np.arange(4), epochs=1, verbose=0)
    for weight in model.get_layer("conv3_conv").weights:
        assert np.any(before[weight.name] != weight.numpy()), weight.name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"deformable_stages": []}, r"`deformable_stages`.*from 1.*\[\]"),
        ({"deformable_stages": 3}, "`deformable_stages`.*from 1.*3"),
        ({"deformable_stages": [0]}, r"`deformable_stages`.*from 1.*\[0\]"),
        ({"offset_rate": 0}, "`offset_rate`.*above 0.*Received 0"),
        ({"offset_kernel_size": 2}, "`offset_kernel_size`.*odd.*Received 2"),
    ],
)
def test_an_option_out_of_range_is_named(case, options, message):
    with pytest.raises(ValueError, match=message):
        case[0](**options)


def test_stages_that_the_network_has_not_are_named(case):
    with pytest.raises(ValueError, match=r"`deformable_stages`.*from 1 to 3.*4"):
        _cnn(case[0](deformable_stages=[4]))
