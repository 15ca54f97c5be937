"""A picture of where a deformable layer samples an image."""

import math
import pathlib
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers import DeformableConv2D, DeformableScaleConv2D
from scale_zoo.ops.footprint import level_paddings
from scale_zoo.plots import drawing


def deformable_layers(model: keras.Model) -> list[str]:
    """Returns the names of a model's deformable layers, from images to head."""
    kinds = (DeformableConv2D, DeformableScaleConv2D)
    return [layer.name for layer in model.layers if isinstance(layer, kinds)]


def sampled_places(
    model: keras.Model, images: tf.Tensor, layer: str | None = None, level: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Computes where in the images the taps of a deformable layer sample.

    If the layer's features are smaller than the images, a feature's position is the centre of the
    pixels that it covers. Of several deformable groups, or kernels of several levels, the first is
    taken.

    Args:
        model: a model with deformable layers.
        images: `[batch, height, width, channels]` in [0, 1].
        layer: name of a deformable layer; None takes the last.
        level: the scale level of the outputs, in scale-space layers.

    Returns:
        The sampling points, as (y, x) in pixels of the images, `[batch, out_height, out_width,
        taps, 2]`; those without offsets, of the same shape; and the mask, `[batch, out_height,
        out_width, taps]`, 1 if the layer has none.

    Raises:
        ValueError: if the model has no such layer or the layer has no such level.
    """
    known = deformable_layers(model)
    if not known or layer not in (None, *known):
        raise ValueError(
            f"`layer` must be a deformable layer of {model.name}: {', '.join(known) or 'none'}. "
            f"Received {layer!r}."
        )
    found = model.get_layer(layer or known[-1])
    features = keras.Model(model.inputs, found.input)(images, training=False)
    n_levels = features.shape[1] if isinstance(found, DeformableScaleConv2D) else 1
    if not 0 <= level < n_levels:
        raise ValueError(f"`level` must be in 0 to {n_levels - 1}. Received {level}.")
    if isinstance(found, DeformableScaleConv2D):
        offsets, mask = found.predict_offsets(features)[:, level], None
        dilations = found.dilations(n_levels)
        dilation = dilations[level]
        padding = level_paddings(found.padding, found.kernel_size, dilations)[level]
    else:
        offsets, mask = found.predict_offsets(features)
        dilation, padding = found.dilation_rate, found.padding
    taps = math.prod(found.kernel_size)
    offsets = offsets[..., :taps, :]
    mask = tf.ones(offsets.shape[:-1]) if mask is None else mask[..., :taps]
    share = np.array(images.shape[1:3]) / np.array(features.shape[-3:-1])

    def places(moves):
        points = ops.sampling_points(
            moves, found.kernel_size, found.strides, dilation, padding=padding
        )
        return (points.numpy() + 0.5) * share - 0.5

    return places(offsets), places(tf.zeros_like(offsets)), np.asarray(mask)


def plot_sampling(
    model: keras.Model,
    image: np.ndarray,
    path: str | pathlib.Path,
    factors: Sequence[float],
    layer: str | None = None,
    level: int = 0,
    at: Sequence[float] = (0.5, 0.5),
) -> pathlib.Path:
    """Draws the sampling points of one output of a deformable layer over the image at each size.

    Crosses are the taps without offsets, discs the taps with offsets; the area of a disc is the
    tap's mask. The output keeps its position on the object as this shrinks.

    Args:
        model: a model with deformable layers.
        image: `[height, width, channels]` in [0, 1], of a size that the model takes.
        path: the PNG file, written atomically.
        factors: scale factors of the image, one panel each.
        layer: name of a deformable layer; None takes the last.
        level: the scale level of the output, in scale-space layers.
        at: position of the output on the unscaled image, (y, x), each in [0, 1].

    Returns:
        The path.

    Raises:
        ValueError: if a position or factor is out of range, or there is no such layer or level.
    """
    if not factors or min(factors) <= 0:
        raise ValueError(f"`factors` must be numbers above 0. Received {list(factors)}.")
    if len(at) != 2 or not all(0 <= place <= 1 for place in at):
        raise ValueError(f"`at` must be (y, x), each in [0, 1]. Received {list(at)}.")
    images = ops.rescale(tf.stack([tf.cast(image, tf.float32)] * len(factors)), list(factors))
    places, kernel_places, mask = sampled_places(model, images, layer, level)

    figure, panels = drawing.new_figure(1, len(factors), (3 * len(factors), 3.7))
    drawn: list[list[np.ndarray]] = []
    for n, (factor, axes) in enumerate(zip(factors, panels, strict=True)):
        row, column = [
            min(int((0.5 + factor * (place - 0.5)) * size), size - 1)
            for place, size in zip(at, places.shape[1:3], strict=True)
        ]
        axes.imshow(np.clip(images[n].numpy(), 0, 1), cmap="gray")
        y, x = places[n, row, column].T
        kernel_y, kernel_x = kernel_places[n, row, column].T
        axes.plot([kernel_x, x], [kernel_y, y], c="orangered", linewidth=0.4, alpha=0.6)
        area = 14 * mask[n, row, column]
        axes.scatter(x, y, s=area, c="orangered", linewidths=0, label="kernel and offsets")
        axes.scatter(
            kernel_x, kernel_y, s=16, c="deepskyblue", marker="+", linewidths=0.9, label="kernel"
        )
        axes.set(xticks=[], yticks=[], facecolor="gainsboro")
        axes.set_title(f"factor {factor:.3g}")
        drawn += [[y, x], [kernel_y, kernel_x]]
    _show_all(panels, np.concatenate(drawn, axis=1), image.shape[:2])
    drawing.legend(figure, panels[0].get_legend_handles_labels()[0], 2)
    return drawing.save(figure, pathlib.Path(path))


def _show_all(panels, points: np.ndarray, shape: Sequence[int]) -> None:
    """Gives all panels the same square view of the whole image and all points.

    Args:
        panels: Matplotlib's axes.
        points: `[2, points]`, (y, x) in pixels; those that are not finite are left out.
        shape: height and width of the image.
    """
    corners = np.array([[-0.5, size - 0.5] for size in shape])
    points = points[:, np.isfinite(points).all(axis=0)]
    shown = np.concatenate([corners, points], axis=1)
    low, high = shown.min(axis=1), shown.max(axis=1)
    middle, reach = (low + high) / 2, 0.53 * (high - low).max()
    for axes in panels:
        axes.set_xlim(middle[1] - reach, middle[1] + reach)
        axes.set_ylim(middle[0] + reach, middle[0] - reach)
