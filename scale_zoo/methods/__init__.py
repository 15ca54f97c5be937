"""Published methods: how each lifts, convolves, normalizes, pools and projects."""

from scale_zoo.methods.dss import Dss
from scale_zoo.methods.fpn import Fpn
from scale_zoo.methods.plain import Plain
from scale_zoo.methods.stn import Stn

__all__ = ["Dss", "Fpn", "Plain", "Stn"]
