"""Skeletons: networks that know no method."""

from scale_zoo.models.cnn import Cnn
from scale_zoo.models.resnet import ResNet14, ResNet26, ResNet50, ResNet101, ResNet152
from scale_zoo.models.skeleton import POOLINGS, Skeleton

__all__ = [
    "POOLINGS",
    "Cnn",
    "ResNet14",
    "ResNet26",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "Skeleton",
]
