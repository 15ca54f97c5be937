"""Published methods: how each lifts, convolves, normalizes, pools and projects."""

from scale_zoo.methods.dss import Dss
from scale_zoo.methods.dss_v2 import DssV2
from scale_zoo.methods.plain import Plain

__all__ = ["Dss", "DssV2", "Plain"]
