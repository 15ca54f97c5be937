"""Keras layers: each is its op plus weights and a config."""

from scale_zoo.layers.actions import (
    Action,
    ChannelAction,
    InvariantAction,
    OrientationAction,
    PlanarAction,
    PyramidAction,
    ScaleSpaceAction,
)
from scale_zoo.layers.bilinear_lifting import BilinearLifting
from scale_zoo.layers.channel_head import (
    ChannelPooling,
    FoldChannels,
    StackLevels,
    UnfoldChannels,
)
from scale_zoo.layers.channel_lifting import FoveatedLifting, SlidingLifting
from scale_zoo.layers.convolution import Convolution
from scale_zoo.layers.copy_lifting import CopyLifting
from scale_zoo.layers.deformable_conv2d import DeformableConv2D
from scale_zoo.layers.deformable_scale_conv2d import DeformableScaleConv2D
from scale_zoo.layers.dropout import Dropout
from scale_zoo.layers.edge_padding import EdgePadding2D
from scale_zoo.layers.gaussian_derivative_conv2d import GaussianDerivativeConv2D
from scale_zoo.layers.gaussian_lifting import GaussianLifting
from scale_zoo.layers.gradient_barrier import GradientBarrier
from scale_zoo.layers.kernel_pyramid_conv2d import KernelPyramidConv2D
from scale_zoo.layers.on_levels import OnLevels
from scale_zoo.layers.planar import BatchNormalization, Conv2D, MaxPooling2D
from scale_zoo.layers.pyramid_conv2d import PyramidConv2D
from scale_zoo.layers.pyramid_pooling import PyramidPooling
from scale_zoo.layers.resize_like import ResizeLike
from scale_zoo.layers.rotation_conv2d import RotationConv2D, RotationLiftingConv2D
from scale_zoo.layers.scale_channel_dropout import ScaleChannelDropout
from scale_zoo.layers.scale_conv2d import ScaleConv2D
from scale_zoo.layers.scale_max_pooling2d import ScaleMaxPooling2D
from scale_zoo.layers.scale_pooling import ScalePooling
from scale_zoo.layers.slice_pooling import SlicePooling
from scale_zoo.layers.spatial_readout import SpatialReadout
from scale_zoo.layers.spatial_transformer import SpatialTransformer
from scale_zoo.layers.stage import Stage

__all__ = [
    "Action",
    "BatchNormalization",
    "BilinearLifting",
    "ChannelAction",
    "ChannelPooling",
    "Conv2D",
    "Convolution",
    "CopyLifting",
    "DeformableConv2D",
    "DeformableScaleConv2D",
    "Dropout",
    "EdgePadding2D",
    "FoldChannels",
    "FoveatedLifting",
    "GaussianDerivativeConv2D",
    "GaussianLifting",
    "GradientBarrier",
    "InvariantAction",
    "KernelPyramidConv2D",
    "MaxPooling2D",
    "OnLevels",
    "OrientationAction",
    "PlanarAction",
    "PyramidAction",
    "PyramidConv2D",
    "PyramidPooling",
    "ResizeLike",
    "RotationConv2D",
    "RotationLiftingConv2D",
    "ScaleChannelDropout",
    "ScaleConv2D",
    "ScaleMaxPooling2D",
    "ScalePooling",
    "ScaleSpaceAction",
    "SlicePooling",
    "SlidingLifting",
    "SpatialReadout",
    "SpatialTransformer",
    "StackLevels",
    "Stage",
    "UnfoldChannels",
]
