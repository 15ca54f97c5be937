"""Published methods: how each lifts, convolves, normalizes, pools and projects."""

from scale_zoo.methods.dss import Dss
from scale_zoo.methods.plain import Plain
from scale_zoo.methods.so2 import So2

__all__ = ["Dss", "Plain", "So2"]
