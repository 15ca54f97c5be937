"""Keras layers: each is its op plus weights and a config."""

from scale_zoo.layers.deformable_conv2d import DeformableConv2D
from scale_zoo.layers.deformable_scale_conv2d import DeformableScaleConv2D
from scale_zoo.layers.folded import Folded
from scale_zoo.layers.gaussian_lifting import GaussianLifting
from scale_zoo.layers.rotation_conv2d import RotationConv2D, RotationLiftingConv2D
from scale_zoo.layers.scale_conv2d import ScaleConv2D
from scale_zoo.layers.scale_pooling import ScalePooling
from scale_zoo.layers.stage import Stage

__all__ = [
    "DeformableConv2D",
    "DeformableScaleConv2D",
    "Folded",
    "GaussianLifting",
    "RotationConv2D",
    "RotationLiftingConv2D",
    "ScaleConv2D",
    "ScalePooling",
    "Stage",
]
