"""Every public layer, with arguments off their defaults and the shape of its input."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from scale_zoo import layers


@dataclasses.dataclass
class Row:
    """A layer, what makes constructor arguments off their defaults, and the shape of one input.

    The input's shape is a list of shapes for a layer that takes a list; `smallest` is the least
    height and width that it takes; `reads_out` says that it leaves one pixel.
    """

    layer: type[keras.layers.Layer]
    arguments: Callable[[], dict[str, Any]]
    input_shape: tuple[int, ...] | list
    smallest: int = 1
    reads_out: bool = False

    def build(self):
        return self.layer(**self.arguments())


PYRAMID = [(9, 8, 2), (7, 6, 2), (5, 5, 2)]

ROWS = {
    "BilinearLifting": Row(
        layers.BilinearLifting,
        lambda: {"n_scales": 3, "base": 1.5, "min_size": 2, "antialias": True},
        (9, 8, 2),
        smallest=4,
    ),
    "BilinearLifting to one level": Row(layers.BilinearLifting, lambda: {"n_scales": 1}, (9, 8, 2)),
    "CopyLifting": Row(layers.CopyLifting, lambda: {"n_scales": 3}, (9, 8, 2)),
    "DeformableConv2D": Row(
        layers.DeformableConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": 5,
            "strides": 2,
            "padding": "same",
            "dilation_rate": 2,
            "deformable_groups": 2,
            "modulated": True,
            "activation": "tanh",
            "use_bias": False,
            "offset_kernel_size": 3,
            "offset_rate": 0.1,
        },
        (9, 8, 2),
    ),
    "DeformableConv2D with defaults": Row(
        layers.DeformableConv2D,
        lambda: {"filters": 4, "kernel_size": 3},
        (9, 8, 2),
        smallest=3,
    ),
    "DeformableConv2D, grouped, valid": Row(
        layers.DeformableConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": (2, 3),
            "strides": (2, 1),
            "dilation_rate": (1, 2),
            "groups": 2,
            "offset_kernel_size": (1, 3),
        },
        (9, 8, 2),
        smallest=5,
    ),
    "DeformableScaleConv2D": Row(
        layers.DeformableScaleConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": 5,
            "interaction": 2,
            "base": 1.5,
            "dilation_mode": "floor",
            "strides": 2,
            "use_bias": False,
            "offset_kernel_size": 3,
            "offset_rate": 0.1,
        },
        (3, 9, 8, 2),
    ),
    "DeformableScaleConv2D with defaults": Row(
        layers.DeformableScaleConv2D, lambda: {"filters": 4, "kernel_size": 3}, (3, 9, 8, 2)
    ),
    "DeformableScaleConv2D, grouped, valid": Row(
        layers.DeformableScaleConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": (1, 3),
            "strides": (1, 2),
            "padding": "valid",
            "groups": 2,
            "activation": "tanh",
            "base": 1.5,
            "offset_kernel_size": 3,
        },
        (3, 9, 8, 2),
        smallest=7,
    ),
    "OnLevels, folded": Row(
        layers.OnLevels, lambda: {"layer": keras.layers.Conv2D(4, 3, 2, "same")}, (3, 9, 8, 2)
    ),
    "OnLevels normalization, folded": Row(
        layers.OnLevels,
        lambda: {"layer": keras.layers.BatchNormalization(momentum=0.5)},
        (3, 9, 8, 2),
    ),
    "ChannelPooling": Row(layers.ChannelPooling, lambda: {"mode": "logsumexp"}, (3, 9, 8, 2)),
    # Of one channel, which leaves one answer for each image.
    "FoldChannels": Row(layers.FoldChannels, dict, (1, 9, 8, 2)),
    "Dropout": Row(layers.Dropout, lambda: {"rate": 0.4, "seed": 1}, (9, 8, 2)),
    "EdgePadding2D": Row(layers.EdgePadding2D, lambda: {"before": 1, "after": 2}, (9, 8, 2)),
    "FoveatedLifting": Row(
        layers.FoveatedLifting,
        lambda: {
            "factors": [0.7, 1, 1.5],
            "ground": "mirrored",
            "training_channels": 3,
            "training_factors": [0.7, 1, 1.5],
        },
        (9, 8, 2),
    ),
    "SlidingLifting": Row(
        layers.SlidingLifting,
        lambda: {
            "factors": [0.7, 1, 1.5],
            "stride": 2,
            "ground": "mirrored",
            "training_channels": 3,
            "training_factors": [0.7, 1, 1.5],
        },
        (9, 8, 2),
    ),
    "StackLevels": Row(layers.StackLevels, dict, [(9, 8, 2)] * 3),
    "UnfoldChannels": Row(
        layers.UnfoldChannels, lambda: {"factors": [1.0]}, [(9, 8, 2), (1, 5, 4, 3)]
    ),
    "GaussianDerivativeConv2D": Row(
        layers.GaussianDerivativeConv2D,
        lambda: {
            "filters": 4,
            "sigma": 0.8,
            "strides": 2,
            "base": 1.5,
            "order": 3,
            "zeroth": True,
            "boundary": "zero",
            "groups": 2,
            "activation": "tanh",
            "use_bias": False,
        },
        (3, 9, 8, 2),
    ),
    "GaussianDerivativeConv2D with defaults": Row(
        layers.GaussianDerivativeConv2D, lambda: {"filters": 4}, (9, 8, 2)
    ),
    "GaussianDerivativeConv2D, levels of one deviation": Row(
        layers.GaussianDerivativeConv2D, lambda: {"filters": 4, "sigma": 1.5}, (3, 9, 8, 2)
    ),
    "GaussianLifting": Row(
        layers.GaussianLifting,
        lambda: {"n_scales": 3, "base": 1.5, "zero_scale": 0.7},
        (9, 8, 2),
    ),
    "KernelPyramidConv2D": Row(
        layers.KernelPyramidConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": 3,
            "strides": 2,
            "sizes": (3, 7, 1),
            "interpolation": "bilinear",
            "groups": 2,
            "use_bias": False,
        },
        (9, 8, 2),
    ),
    "KernelPyramidConv2D with defaults": Row(
        layers.KernelPyramidConv2D, lambda: {"filters": 4, "kernel_size": 3}, (9, 8, 2)
    ),
    "KernelPyramidConv2D, valid": Row(
        layers.KernelPyramidConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": 3,
            "padding": "valid",
            "sizes": (3, 5),
            "activation": "tanh",
        },
        (9, 8, 2),
        smallest=5,
    ),
    "OnLevels": Row(layers.OnLevels, lambda: {"layer": keras.layers.MaxPooling2D(2)}, PYRAMID, 2),
    "OnLevels normalization": Row(
        layers.OnLevels,
        lambda: {"layer": keras.layers.BatchNormalization(momentum=0.5)},
        PYRAMID,
    ),
    "OnLevels of two pyramids": Row(
        layers.OnLevels, lambda: {"layer": keras.layers.Add()}, [PYRAMID, PYRAMID]
    ),
    "OnLevels of two folded": Row(
        layers.OnLevels,
        lambda: {"layer": keras.layers.Concatenate()},
        [(3, 9, 8, 2), (3, 9, 8, 2)],
    ),
    "OnLevels of a layer that resizes": Row(
        layers.OnLevels,
        lambda: {"layer": layers.ResizeLike("max")},
        [PYRAMID, PYRAMID[::-1]],
    ),
    "OnLevels of two pyramids of one level": Row(
        layers.OnLevels, lambda: {"layer": keras.layers.Add()}, [PYRAMID[:1], PYRAMID[:1]]
    ),
    "OnLevels of one level": Row(
        layers.OnLevels, lambda: {"layer": keras.layers.BatchNormalization()}, PYRAMID[:1]
    ),
    "PyramidConv2D": Row(
        layers.PyramidConv2D,
        lambda: {"filters": 4, "kernel_size": 5, "strides": 2, "use_bias": False},
        PYRAMID,
    ),
    "PyramidConv2D with defaults": Row(
        layers.PyramidConv2D, lambda: {"filters": 4, "kernel_size": 3}, PYRAMID
    ),
    "PyramidConv2D, depthwise, valid": Row(
        layers.PyramidConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": (2, 3),
            "strides": (2, 1),
            "padding": "valid",
            "dilation_rate": (2, 1),
            "groups": 2,
            "activation": "tanh",
        },
        PYRAMID,
        smallest=3,
    ),
    "PyramidConv2D of one level": Row(
        layers.PyramidConv2D, lambda: {"filters": 4, "kernel_size": 3}, PYRAMID[:1]
    ),
    "PyramidPooling": Row(layers.PyramidPooling, lambda: {"mode": "avg"}, PYRAMID),
    "PyramidPooling of one level": Row(layers.PyramidPooling, dict, PYRAMID[:1]),
    "BatchNormalization": Row(layers.BatchNormalization, lambda: {"momentum": 0.5}, (9, 8, 2)),
    "Conv2D": Row(
        layers.Conv2D,
        lambda: {"filters": 4, "kernel_size": 3, "activation": "relu"},
        (9, 8, 2),
        smallest=3,
    ),
    "MaxPooling2D": Row(layers.MaxPooling2D, lambda: {"pool_size": (2, 2)}, (9, 8, 2), smallest=2),
    "GradientBarrier": Row(layers.GradientBarrier, dict, (9, 8, 2)),
    "ResizeLike": Row(layers.ResizeLike, lambda: {"mode": "nearest"}, [(5, 4, 2), (9, 8, 3)]),
    "ResizeLike by pooling": Row(
        layers.ResizeLike, lambda: {"mode": "avg"}, [(9, 8, 2), (5, 4, 3)]
    ),
    "RotationConv2D": Row(
        layers.RotationConv2D,
        lambda: {"filters": 4, "kernel_size": 5, "strides": 2, "use_bias": False},
        (8, 9, 8, 2),
    ),
    "RotationConv2D with defaults": Row(
        layers.RotationConv2D, lambda: {"filters": 4, "kernel_size": 3}, (4, 9, 8, 2)
    ),
    "RotationConv2D, dilated, valid": Row(
        layers.RotationConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": 3,
            "padding": "valid",
            "dilation_rate": 2,
            "activation": "tanh",
        },
        (4, 9, 8, 2),
        smallest=5,
    ),
    "RotationLiftingConv2D": Row(
        layers.RotationLiftingConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": 5,
            "n_orientations": 6,
            "strides": 2,
            "use_bias": False,
        },
        (9, 8, 2),
    ),
    "RotationLiftingConv2D with defaults": Row(
        layers.RotationLiftingConv2D, lambda: {"filters": 4, "kernel_size": 3}, (9, 8, 2)
    ),
    "ScaleChannelDropout": Row(
        layers.ScaleChannelDropout, lambda: {"rate": 0.4, "seed": 1}, (3, 9, 8, 2)
    ),
    "ScaleConv2D": Row(
        layers.ScaleConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": 5,
            "interaction": 2,
            "base": 1.5,
            "dilation_mode": "floor",
            "strides": 2,
            "use_bias": False,
        },
        (3, 9, 8, 2),
    ),
    "ScaleConv2D with defaults": Row(
        layers.ScaleConv2D, lambda: {"filters": 4, "kernel_size": 3}, (3, 9, 8, 2)
    ),
    "ScaleConv2D, grouped, valid": Row(
        layers.ScaleConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": (1, 3),
            "strides": (1, 2),
            "padding": "valid",
            "groups": 2,
            "activation": "tanh",
            "interaction": 2,
            "base": 1.5,
        },
        (3, 9, 8, 2),
        smallest=7,
    ),
    "ScaleMaxPooling2D": Row(
        layers.ScaleMaxPooling2D,
        lambda: {"pool_size": (3, 2), "strides": 2, "padding": 1, "base": 1.5},
        (3, 9, 8, 2),
    ),
    "ScalePooling": Row(layers.ScalePooling, lambda: {"mode": "avg"}, (3, 9, 8, 2)),
    "SlicePooling": Row(layers.SlicePooling, lambda: {"strength": "sum"}, (3, 9, 8, 2)),
    "SpatialReadout": Row(
        layers.SpatialReadout, lambda: {"mode": "centre"}, (9, 8, 2), reads_out=True
    ),
    "SpatialTransformer": Row(
        layers.SpatialTransformer,
        lambda: {
            "transform": "scale_translation",
            "canvas": 12,
            "filters": 2,
            "hidden": 3,
            # Brings the transform of the battery's large weights near the identity.
            "localization_rate": 1e-5,
        },
        (9, 8, 2),
    ),
    "SpatialTransformer, affine": Row(
        layers.SpatialTransformer, lambda: {"localization_rate": 1e-8}, (9, 8, 2)
    ),
    "Stage": Row(layers.Stage, lambda: {"action": layers.ScaleSpaceAction(1.5)}, (3, 9, 8, 2)),
    "Stage of pyramids": Row(layers.Stage, lambda: {"action": layers.PyramidAction(1.5)}, PYRAMID),
}
