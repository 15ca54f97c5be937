"""The action of scaling on pyramid features."""

from collections.abc import Sequence

import tensorflow as tf

from scale_zoo.ops.rescale import rescale
from scale_zoo.ops.scale_action import level_shift


def pyramid_action(levels: Sequence[tf.Tensor], factor: float, base: float) -> list[tf.Tensor]:
    """Scales pyramid features: shifts levels, each centred on its new canvas.

    Where the image is shrunk by `base**d`, level k sees what level `k + d` saw, at the same
    distance from the centre in pixels of the level. So level `k + d` is centred on the canvas of
    level k, zero outside. Where d is not whole, two levels are blended linearly: the finer shrunk
    and the coarser enlarged to the scale between them. Where there is no such level the outputs are
    zero; `common_levels` returns the others.

    Args:
        levels: pyramid features, a list of `[batch, height_k, width_k, channels]`, finest first.
        factor: scale factor of the image, above 0; below 1 shrinks.
        base: ratio of scale between neighbouring levels, above 1.

    Returns:
        A list of the shapes of `levels`.

    Example:
    >>> levels = [np.ones([1, 8, 8, 1], "float32"), np.ones([1, 4, 4, 1], "float32")]
    >>> finest, _ = scale_zoo.ops.pyramid_action(levels, factor=1 / 2, base=2.0)
    >>> finest[0, 4, :, 0].numpy().tolist()
    [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    """
    lower, fraction = divmod(level_shift(factor, base), 1)
    outputs = []
    for place, level in enumerate(levels):
        finer = place + int(lower)
        # Each with its distance in levels to the scale between them.
        sources = [(finer, fraction), (finer + 1, fraction - 1)][: 2 if fraction else 1]
        if all(0 <= source < len(levels) for source, _ in sources):
            canvas = [level.shape[axis] or tf.shape(level)[axis] for axis in (1, 2)]
            terms = [
                (1 - abs(distance)) * rescale(levels[source], base**-distance, size=canvas)
                for source, distance in sources
            ]
            outputs.append(tf.ensure_shape(sum(terms[1:], terms[0]), level.shape))
        else:
            outputs.append(tf.zeros_like(level))
    return outputs
