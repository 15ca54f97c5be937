"""Accuracy of a network, and the scale channel that it chooses, by the size of the object."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

from scale_zoo import data
from scale_zoo.equivariance.results import Measure

# The layer of a network with scale channels: logits `[batch, channels, classes]` before the
# channels are combined. Its attribute `factors`, or that of its config, holds their scale factors.
CHANNEL_LOGITS = "channel_logits"
# More sizes than these are joined, each with the nearest power of 2^(1/4).
DISTINCT_SIZES = 100


@dataclasses.dataclass(frozen=True)
class SizeRow:
    """Accuracy on objects of one size.

    Args:
        size: the size.
        trained: whether training images of the data have this size.
        images: number of images.
        accuracy: share of the images classified right.
    """

    size: float
    trained: bool
    images: int
    accuracy: Measure


@dataclasses.dataclass(frozen=True)
class ScaleSelection:
    """Which scale channel a network chooses at each size.

    Args:
        factors: scale factors of the channels.
        shares: share of the images that choose each channel, `[sizes][channels]`.
    """

    factors: list[float]
    shares: list[list[float]]


@dataclasses.dataclass(frozen=True)
class BySize:
    """Measures of a classifier by the size of objects.

    Args:
        rows: accuracy at each size, ascending.
        unseen: mean accuracy over the sizes without training images; over all if there are none.
        selection: the chosen scale channels; None for a network without scale channels.
        overall: mean accuracy over all sizes; None in older files.
    """

    rows: list[SizeRow]
    unseen: Measure
    selection: ScaleSelection | None
    overall: Measure | None = None

    @property
    def trained(self) -> Measure | None:
        """Mean accuracy over the sizes of the training images, without a spread; None without."""
        means = [row.accuracy.mean for row in self.rows if row.trained]
        return Measure(float(np.mean(means))) if means else None

    @property
    def has_unseen(self) -> bool:
        """Whether there are sizes without training images."""
        return not all(row.trained for row in self.rows)

    @property
    def worst(self) -> SizeRow:
        """The size of lowest accuracy."""
        return min(self.rows, key=lambda row: row.accuracy.mean)


def measure_by_size(
    model: keras.Model,
    examples: data.Examples,
    trained_sizes: np.ndarray,
    batch_size: int = 100,
    progress: Callable[[int], None] = lambda images: None,
) -> BySize:
    """Measures a classifier by the size of objects.

    An image chooses the scale channel with the highest logit of the class that the network answers
    (after Jansson & Lindeberg 2021). If the sizes of an object follow one another, the standard
    error of a mean over sizes is that of the objects' means, as its copies are not independent.

    Args:
        model: a classifier. Scale channels are those of its layer "channel_logits", whose output is
            `[batch, channels, classes]`, with the attribute `factors`.
        examples: held-out images with sizes.
        trained_sizes: sizes of the training images.
        batch_size: images measured at once.
        progress: called after each batch with the number of images measured so far.

    Raises:
        ValueError: if the examples have no sizes, or scale channels have no factors.
    """
    if examples.sizes is None:
        raise ValueError("`examples` must have sizes. Received sizes of None.")
    answers, chosen, factors = _answers(model, examples, batch_size, progress)
    hits = answers == examples.labels
    sizes, trained = _joined(examples.sizes, trained_sizes)
    distinct = np.unique(sizes)
    rows = [
        SizeRow(
            float(size),
            bool(size in trained),
            int((sizes == size).sum()),
            Measure.over(hits[sizes == size]),
        )
        for size in distinct
    ]
    selection = None
    if factors:
        shares = [
            np.bincount(chosen[sizes == size], minlength=len(factors)) / (sizes == size).sum()
            for size in distinct
        ]
        selection = ScaleSelection(factors, [share.tolist() for share in shares])
    unseen = [row for row in rows if not row.trained] or rows
    return BySize(
        rows, _mean_over(unseen, hits, sizes), selection, overall=_mean_over(rows, hits, sizes)
    )


def _answers(model, examples, batch_size, progress):
    """Returns the classes `[n]` that a network answers, and its scale channels and their factors.

    The channels are empty and the factors None for a network without scale channels.
    """
    layer = next((each for each in model.layers if each.name == CHANNEL_LOGITS), None)
    factors = None if layer is None else _factors(layer)
    outputs = [model.outputs[0], *([] if layer is None else [layer.output])]
    network = keras.Model(model.inputs, outputs)
    answers, chosen = [], []
    for first in range(0, len(examples), batch_size):
        part = examples[first : first + batch_size]
        found = network.predict_on_batch(data.float_images(np.asarray(part.images)))
        scores, *channels = found if isinstance(found, list | tuple) else [found]
        answers.append(np.argmax(scores, axis=-1))
        for logits in channels:
            of_answer = np.take_along_axis(logits, answers[-1][:, None, None], axis=2)
            chosen.append(np.argmax(of_answer[:, :, 0], axis=1))
        progress(first + len(part))
    return np.concatenate(answers), np.concatenate(chosen) if chosen else [], factors


def _factors(layer) -> list[float]:
    factors = getattr(layer, "factors", None)
    if factors is None:
        factors = layer.get_config().get("factors")
    shape = tuple(layer.output.shape)
    if factors is None or len(shape) != 3 or shape[1] != len(factors):
        raise ValueError(
            f"The layer {CHANNEL_LOGITS!r} must have outputs [batch, channels, classes], and an "
            f"attribute `factors` with the scale factor of each channel. Received {shape} and "
            f"{factors}."
        )
    return [float(factor) for factor in factors]


def _joined(sizes, trained_sizes) -> tuple[np.ndarray, set[float]]:
    """Returns sizes and the set of training sizes, joined if there are too many of them."""
    sizes, trained_sizes = np.float32(sizes), np.float32(trained_sizes)
    if len(np.unique(sizes)) > DISTINCT_SIZES:
        sizes, trained_sizes = (
            2.0 ** (np.round(4 * np.log2(each)) / 4) for each in (sizes, trained_sizes)
        )
    return sizes, set(np.unique(trained_sizes))


def _mean_over(rows, hits, sizes) -> Measure:
    """Returns the mean of the accuracy over the sizes of some rows."""
    distinct = np.unique(sizes)
    if len(sizes) % len(distinct) == 0 and (sizes.reshape(-1, len(distinct)) == distinct).all():
        of_rows = np.isin(distinct, [row.size for row in rows])
        return Measure.over(hits.reshape(-1, len(distinct))[:, of_rows].mean(axis=1))
    errors = np.array([row.accuracy.standard_error for row in rows])
    mean = float(np.mean([row.accuracy.mean for row in rows]))
    return Measure(mean, standard_error=float(np.sqrt((errors**2).sum()) / len(errors)))
