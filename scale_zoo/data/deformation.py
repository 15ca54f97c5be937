"""Random deformation of training images that leaves the sizes of objects as they are."""

import tensorflow as tf

from scale_zoo import ops

# Sine waves that bend each image, and the deviation of their wave numbers per radius.
WAVES = 3
WAVE_NUMBER = 1.5
# Deviation of a wave's amplitude, in shares of the strength.
AMPLITUDE = 0.4


def deform(images: tf.Tensor, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """Rotates, shears, stretches along one axis and bends each image at random, area kept.

    Everything is relative to the image's centre and radius of brightness, so that an object is
    deformed alike wherever it lies and however large it is: point u, from the centre in radii,
    reads the image at A u + Σ a_k sin(w_k · u + φ_k). A is of determinant 1, so that objects keep
    their area but for the bending, whose local changes cancel. Outside, images are zero.

    Args:
        images: `[batch, height, width, channels]`, float32, not negative.
        strength: deviation of the entries of A, without unit, in [0, 0.2].
        seed: `[batch, 2]` integers: what is drawn depends on each image's seed alone.

    Returns:
        `[batch, height, width, channels]`.
    """
    points = tf.cast(tf.stack(tf.meshgrid(*_axes(images), indexing="ij"), axis=-1), tf.float32)
    weights = tf.reduce_sum(images, axis=-1)[..., None] + 1e-6
    weights /= tf.reduce_sum(weights, axis=(1, 2), keepdims=True)
    centre = tf.reduce_sum(weights * points, axis=(1, 2), keepdims=True)
    distances = tf.reduce_sum((points - centre) ** 2, axis=-1, keepdims=True)
    radius = tf.sqrt(tf.reduce_sum(weights * distances, axis=(1, 2), keepdims=True))
    places = (points - centre) / radius

    def draw(one_seed):
        return tf.random.stateless_truncated_normal([4 + 5 * WAVES], one_seed)

    drawn = tf.map_fn(draw, seed, fn_output_signature=tf.float32)
    matrices = tf.eye(2) + strength * tf.reshape(drawn[:, :4], [-1, 2, 2])
    matrices /= tf.sqrt(tf.linalg.det(matrices))[:, None, None]
    amplitudes, numbers, phases = tf.split(
        tf.reshape(drawn[:, 4:], [-1, WAVES, 5]), [2, 2, 1], axis=-1
    )
    angles = tf.einsum("bhwd,bkd->bhwk", places, WAVE_NUMBER * numbers)
    # The deviation of a phase is a turn: as good as uniform.
    waves = tf.sin(angles + 6.3 * phases[:, None, None, :, 0])
    bent = tf.einsum("bhwk,bkd->bhwd", waves, AMPLITUDE * strength * amplitudes)
    moved = tf.einsum("bhwd,bed->bhwe", places, matrices) + bent
    with ops.use_sampler("gather"):
        return ops.bilinear_sample(images, centre + radius * moved)


def _axes(images):
    shape = tf.shape(images)
    return tf.range(shape[1]), tf.range(shape[2])
