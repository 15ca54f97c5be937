import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.ops import bilinear_lift


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _matrix(size, out_size, antialias):
    """The weights of all pixels in each pixel of a line that is resized, pixel by pixel."""
    shrinkage = size / out_size
    width = shrinkage if antialias else 1
    matrix = np.zeros([out_size, size])
    for output in range(out_size):
        position = (output + 0.5) * shrinkage - 0.5
        if not antialias:
            position = min(max(position, 0), size - 1)
        weights = np.maximum(0, 1 - np.abs(np.arange(size) - position) / width)
        matrix[output] = weights / weights.sum()
    return matrix


def _lift(images, sizes, antialias):
    return [
        np.einsum(
            "yi,bijc,xj->byxc",
            _matrix(images.shape[1], height, antialias),
            images.astype(np.float64),
            _matrix(images.shape[2], width, antialias),
        )
        for height, width in sizes
    ]


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize(
    ("base", "sizes"),
    [
        (2.0, [(21, 28), (10, 14), (5, 7)]),
        (1.3, [(21, 28), (16, 22), (12, 17)]),
        (3.0, [(21, 28), (7, 9), (2, 3)]),
    ],
)
def test_every_level_is_the_bilinear_interpolation_of_the_image(base, sizes, antialias):
    images = _random(2, 21, 28, 3)
    levels = bilinear_lift(images, 3, base, antialias=antialias)
    assert [tuple(level.shape[1:3]) for level in levels] == sizes
    for level, truth in zip(levels, _lift(images, sizes, antialias), strict=True):
        np.testing.assert_allclose(level, truth, 1e-4, 1e-5)


@pytest.mark.parametrize("antialias", [False, True])
def test_the_finest_level_is_the_image(antialias):
    images = _random(2, 9, 8, 1)
    np.testing.assert_array_equal(bilinear_lift(images, 2, antialias=antialias)[0], images)


def test_without_antialiasing_a_half_is_the_mean_of_squares_of_four():
    images = _random(2, 8, 6, 2)
    truth = images.reshape(2, 4, 2, 3, 2, 2).mean((2, 4))
    np.testing.assert_allclose(bilinear_lift(images, 2)[1], truth, 1e-5, 1e-6)


def test_antialiasing_keeps_the_mean_of_what_vanishes_at_the_border():
    images = np.zeros([1, 32, 32, 1], np.float32)
    images[:, 8:24, 8:24] = _random(1, 16, 16, 1)
    coarsest = bilinear_lift(images, 3, antialias=True)[2]
    assert np.mean(coarsest) == pytest.approx(images.mean(), abs=1e-6)


@pytest.mark.parametrize("antialias", [False, True])
def test_gradient_is_the_adjoint(antialias):
    images, sizes = tf.constant(_random(2, 9, 12, 2)), [(9, 12), (6, 8), (4, 5)]
    gradients = [_random(2, *size, 2, seed=1) for size in sizes]
    with tf.GradientTape() as tape:
        tape.watch(images)
        levels = bilinear_lift(images, 3, 1.5, antialias=antialias)
    truth = sum(
        np.einsum(
            "yi,byxc,xj->bijc", _matrix(9, size[0], antialias), g, _matrix(12, size[1], antialias)
        )
        for g, size in zip(gradients, sizes, strict=True)
    )
    np.testing.assert_allclose(tape.gradient(levels, images, gradients), truth, 1e-4, 1e-5)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("base", [1.3, 1.5, 2.0])
@pytest.mark.parametrize("size", [(7, 10), (25, 20), (13, 14)])
def test_unknown_sizes_give_the_same(size, base, antialias):
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 2])], autograph=False)
    def lift_any(images):
        return bilinear_lift(images, 3, base, antialias=antialias)

    images = _random(2, *size, 2)
    sizes = [(round(size[0] / base**k), round(size[1] / base**k)) for k in range(3)]
    for level, truth in zip(lift_any(images), _lift(images, sizes, antialias), strict=True):
        np.testing.assert_allclose(level, truth, 1e-4, 1e-5)


@pytest.mark.parametrize("antialias", [False, True])
def test_half_precision_stays(antialias):
    images = _random(1, 12, 12, 1).astype(np.float16)
    _, level = bilinear_lift(images, 2, antialias=antialias)
    assert level.dtype == tf.float16
    truth = _lift(images, [(6, 6)], antialias)[0]
    np.testing.assert_allclose(level, truth, atol=5e-3)


@pytest.mark.parametrize(
    ("size", "base", "workable"), [((28, 40), 1.3, 3), ((40, 28), 2.0, 1), ((224, 15), 2.0, 1)]
)
def test_levels_that_would_vanish_name_the_largest_number_that_works(size, base, workable):
    bilinear_lift(tf.zeros([1, *size, 1]), workable, base, min_size=16)
    message = f"`n_scales` must be at most {workable}.*16 pixels. Received {workable + 1}"
    with pytest.raises(ValueError, match=message):
        bilinear_lift(tf.zeros([1, *size, 1]), workable + 1, base, min_size=16)


@pytest.mark.parametrize("known_width", [28, None])
def test_of_unknown_sizes_vanishing_levels_are_found_when_running(known_width):
    @tf.function(input_signature=[tf.TensorSpec([None, None, known_width, 1])], autograph=False)
    def lift_any(images):
        return bilinear_lift(images, 3, 1.3, min_size=16)

    assert tuple(lift_any(tf.zeros([1, 28, 28, 1]))[2].shape) == (1, 17, 17, 1)
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        lift_any(tf.zeros([1, 21, 28, 1]))
    for part in ("`n_scales` must be at most", "[2]", "[21 28]", "[16]", "[3]"):
        assert part in str(error.value)


def test_a_known_size_that_is_too_small_is_found_though_the_other_is_unknown():
    @tf.function(input_signature=[tf.TensorSpec([None, None, 20, 1])], autograph=False)
    def lift_any(images):
        return bilinear_lift(images, 3, 1.3, min_size=16)

    with pytest.raises(ValueError, match=r"`n_scales` must be at most 1.*Received 3"):
        lift_any.get_concrete_function()


@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ((8, 8, 1), {"n_scales": 2}, "`images`.*8, 8, 1"),
        ((1, 8, 8, 1), {"n_scales": 0}, "`n_scales`.*Received 0"),
        ((1, 8, 8, 1), {"n_scales": 2, "base": 1.0}, "`base`.*1.0"),
        ((1, 8, 8, 1), {"n_scales": 2, "min_size": 0}, "`min_size`.*0"),
        ((1, 8, 8, 1), {"n_scales": None}, "`n_scales`.*Received None"),
        ((1, 8, 8, 1), {"n_scales": 2, "base": float("nan")}, "`base`.*nan"),
        ((1, 8, 8, 1), {"n_scales": 2, "base": float("inf")}, "`base`.*inf"),
        ((1, 8, 8, 1), {"n_scales": 2, "base": "x"}, "`base`.*x"),
        ((1, 0, 8, 1), {"n_scales": 1}, r"`images` must have a height and width.*\(0, 8\)"),
        ((1, 8, 0, 1), {"n_scales": 2}, r"`images` must have a height and width.*\(8, 0\)"),
    ],
)
def test_an_argument_out_of_range_is_named(shape, arguments, message):
    with pytest.raises(ValueError, match=message):
        bilinear_lift(tf.zeros(shape), **arguments)


def test_integers_are_refused():
    with pytest.raises(ValueError, match=r"`images` must be of floating point. Received uint8"):
        bilinear_lift(tf.zeros([1, 8, 8, 1], tf.uint8), 2)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
@pytest.mark.parametrize("antialias", [False, True])
def test_half_precision_has_the_gradient_of_single_precision(dtype, antialias):
    gradients = []
    for each in (dtype, tf.float32):
        images = tf.cast(_random(1, 12, 12, 1), each)
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(bilinear_lift(images, 2, 1.5, antialias=antialias)[1])
        gradients.append(tf.cast(tape.gradient(total, images), tf.float32))
    np.testing.assert_allclose(*gradients, atol=2e-2)
