"""The pixels that a kernel reads: padding, margins and output sizes of all convolutions."""

import math
from collections.abc import Sequence

PADDINGS = ("same", "valid")
# "same", "valid", or pixels of zeros ((top, bottom), (left, right)), negative ones to crop.
Padding = str | Sequence[Sequence[int]]
# Before and after the image along one axis, in pixels.
Margin = tuple[int, int]


def as_pair(value) -> tuple:
    """Returns what holds for height and width, from a pair or from one value for both."""
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def margin(size: int, dilation: float) -> Margin:
    """Returns how far a kernel reads before and after the pixel that it is centred on.

    That is what "same" pads: `dilation * (size // 2)` on both sides of a kernel of odd size. Of an
    even size, more of the kernel lies after the pixel, as in TensorFlow.

    Args:
        size: the kernel's taps along one axis.
        dilation: distance between taps in pixels.

    Raises:
        ValueError: if an even size meets a dilation that is not whole.
    """
    if size % 2:
        reach = math.ceil(round(dilation * (size // 2), 9))
        return reach, reach
    if dilation != int(dilation):
        raise ValueError(
            "A kernel whose dilation is not whole must have odd sizes. "
            f"Received size {size} with dilation {dilation}."
        )
    reach = int(dilation) * (size - 1)
    return reach // 2, reach - reach // 2


def margins(kernel_size: Sequence[int], dilation) -> list[Margin]:
    """Returns `margin` of height and width."""
    return [margin(size, step) for size, step in zip(kernel_size, as_pair(dilation), strict=True)]


def pixels_padded(padding: Padding, kernel_size: Sequence[int], dilation=1) -> list[Margin]:
    """Returns the pixels of zeros before and after the image, of height and width.

    Raises:
        ValueError: if the padding is unknown, or more than "same" pads.
    """
    same = margins(kernel_size, dilation)
    if padding == "same":
        return same
    if padding == "valid":
        return [(0, 0), (0, 0)]
    pixels = None if isinstance(padding, str) else [tuple(axis) for axis in padding]
    if pixels is None or not all(
        most[0] >= before and most[1] >= after
        for most, (before, after) in zip(same, pixels, strict=True)
    ):
        raise ValueError(
            f"`padding` must be one of {PADDINGS}, or at most {same} pixels before and after "
            f"height and width. Received {padding!r}."
        )
    return [(before, after) for before, after in pixels]


def first_centres(padding: Padding, kernel_size: Sequence[int], dilation=1) -> list[int]:
    """Returns the row and the column of the pixel that the first output is centred on."""
    same = margins(kernel_size, dilation)
    padded = pixels_padded(padding, kernel_size, dilation)
    return [most[0] - before for most, (before, _) in zip(same, padded, strict=True)]


def output_size(
    image_size: Sequence[int | None],
    kernel_size: Sequence[int],
    strides=1,
    dilation=1,
    padding: Padding = "same",
) -> tuple[int | None, int | None]:
    """Returns height and width of a convolution's outputs; None for unknown.

    Raises:
        ValueError: if the kernel fits nowhere.
    """
    same = margins(kernel_size, dilation)
    padded = pixels_padded(padding, kernel_size, dilation)
    height, width = [
        None if n is None else (n - 1 + sum(zeros) - sum(most)) // stride + 1
        for n, stride, most, zeros in zip(image_size, as_pair(strides), same, padded, strict=True)
    ]
    if any(n is not None and n < 1 for n in (height, width)):
        raise ValueError(
            f"The kernel must not be larger than the image where `padding` is {padding!r}. "
            f"Received a kernel of size {tuple(kernel_size)}, dilation {dilation}, for images of "
            f"size {tuple(image_size)}."
        )
    return height, width


def aligned_padding(
    padding: Padding, kernel_size: Sequence[int], other_size: Sequence[int], dilation=1
) -> Padding:
    """Returns the padding that gives a kernel of `other_size` the outputs' places of the first."""
    if padding == "same":
        return padding
    padded = pixels_padded(padding, kernel_size, dilation)
    return [
        tuple(zeros + other - own for zeros, own, other in zip(*sides, strict=True))
        for sides in zip(
            padded, margins(kernel_size, dilation), margins(other_size, dilation), strict=True
        )
    ]


def level_paddings(
    padding: str | Sequence[Padding], kernel_size: Sequence[int], dilations: Sequence[float]
) -> list[Padding]:
    """Returns the padding of every level of a scale-space, such that levels stay aligned.

    "valid" leaves, at every level, the outputs for which the most dilated kernel stays inside.
    """
    if padding == "same":
        return ["same"] * len(dilations)
    if padding != "valid":
        if len(padding) != len(dilations):
            raise ValueError(
                f"`padding` must be one of {PADDINGS}, or one for each of {len(dilations)} levels. "
                f"Received {padding!r}."
            )
        return list(padding)
    same = [margins(kernel_size, dilation) for dilation in dilations]
    largest = [max(level[axis] for level in same) for axis in (0, 1)]
    return [
        [(own[0] - most[0], own[1] - most[1]) for own, most in zip(level, largest, strict=True)]
        for level in same
    ]
