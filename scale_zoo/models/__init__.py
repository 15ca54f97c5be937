"""Skeletons: networks that know no method."""

from scale_zoo.models.cnn import cnn
from scale_zoo.models.ends import POOLINGS
from scale_zoo.models.resnet import resnet

__all__ = ["POOLINGS", "cnn", "resnet"]
