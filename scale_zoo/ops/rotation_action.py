"""The action of quarter turns on orientation features."""

import tensorflow as tf


def rotation_action(features: tf.Tensor, quarter_turns: int) -> tf.Tensor:
    """Turns orientation features as the image is turned, by quarter turns.

    Every map is turned, and orientations shift cyclically by a quarter of their number for each
    quarter turn (Bekkers et al. 2018, "Roto-Translation Covariant Convolutional Networks for
    Medical Image Analysis", section 2.1).

    Args:
        features: `[batch, orientation, height, width, channels]`.
        quarter_turns: number of counterclockwise turns by 90 degrees, any whole number.

    Returns:
        `[batch, orientation, height, width, channels]`; odd numbers of turns exchange height and
        width.

    Raises:
        ValueError: if the features are not of rank 5 or 4 does not divide their orientations.

    Example:
    >>> features = np.arange(8, dtype="float32").reshape(1, 4, 1, 2, 1)
    >>> scale_zoo.ops.rotation_action(features, 1)[0, 1, ..., 0].numpy().tolist()
    [[1.0], [0.0]]
    """
    features = tf.convert_to_tensor(features)
    if features.shape.rank != 5:
        raise ValueError(
            "`features` must be [batch, orientation, height, width, channels]. "
            f"Received shape {features.shape}."
        )
    n_orientations = features.shape[1]
    if n_orientations is None or n_orientations % 4:
        raise ValueError(
            "`features` must have a number of orientations that 4 divides. "
            f"Received {n_orientations}."
        )
    folded = tf.reshape(features, tf.concat([[-1], tf.shape(features)[2:]], axis=0))
    turned = tf.image.rot90(folded, quarter_turns % 4)
    shape = tf.concat([[-1, n_orientations], tf.shape(turned)[1:]], axis=0)
    return tf.roll(tf.reshape(turned, shape), quarter_turns * n_orientations // 4, axis=1)
