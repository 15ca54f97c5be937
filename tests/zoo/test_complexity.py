import keras
import pytest

import scale_zoo
from scale_zoo.zoo import complexity


def _model(size=8):
    inputs = keras.Input((size, size, 3))
    features = keras.layers.Conv2D(5, 3, padding="same", use_bias=False)(inputs)
    features = keras.layers.BatchNormalization(center=False, scale=False)(features)
    return keras.Model(inputs, features)


def test_weights_that_train_are_counted():
    assert complexity.count_parameters(_model()) == 3 * 3 * 3 * 5


def test_a_multiplication_and_an_addition_are_two():
    inputs = keras.Input((8, 6, 3))
    outputs = keras.layers.Conv2D(5, 3, padding="same", use_bias=False)(inputs)
    assert complexity.count_flops(keras.Model(inputs, outputs)) == 2 * 8 * 6 * 27 * 5


def test_a_deformable_convolution_costs_its_product_and_its_branch():
    inputs = keras.Input((8, 6, 3))
    conv = scale_zoo.layers.DeformableConv2D(5, 3, padding="same", use_bias=False)
    flops = complexity.count_flops(keras.Model(inputs, conv(inputs)))
    products = 2 * 8 * 6 * 27 * (5 + 18)
    # Besides the products: the branch's bias, and reading between pixels.
    assert products <= flops < 1.4 * products


def test_the_size_may_be_that_of_a_flexible_network():
    model = scale_zoo.create_model("plain_cnn", (None, None, 1), include_top=False, width=0.1)
    small, large = (complexity.count_flops(model, (size, size)) for size in (28, 56))
    assert large == pytest.approx(4 * small, rel=0.01)


def test_a_flexible_network_without_a_size_is_refused():
    model = scale_zoo.create_model("plain_cnn", (None, None, 1), include_top=False, width=0.1)
    with pytest.raises(ValueError, match="`image_size` must name height and width"):
        complexity.count_flops(model)
