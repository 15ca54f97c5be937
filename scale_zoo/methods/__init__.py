"""Published methods: how each lifts, convolves, normalizes, pools and projects."""

from scale_zoo.methods.deformable import Deformable
from scale_zoo.methods.deformable_dss import DeformableDss
from scale_zoo.methods.dss import Dss
from scale_zoo.methods.dss_v2 import DssV2
from scale_zoo.methods.ends import Front, Neck
from scale_zoo.methods.fpn import Fpn
from scale_zoo.methods.gaussian_derivative import DerivativeConvolutions, GaussianDerivative
from scale_zoo.methods.kernel_pyramid import KernelPyramid
from scale_zoo.methods.modulated_deformable import ModulatedDeformable
from scale_zoo.methods.options import Options, option
from scale_zoo.methods.plain import Place, Plain
from scale_zoo.methods.scale_channels import ScaleChannels
from scale_zoo.methods.so2 import So2
from scale_zoo.methods.stn import Stn

__all__ = [
    "Deformable",
    "DeformableDss",
    "DerivativeConvolutions",
    "Dss",
    "DssV2",
    "Fpn",
    "Front",
    "GaussianDerivative",
    "KernelPyramid",
    "ModulatedDeformable",
    "Neck",
    "Options",
    "Place",
    "Plain",
    "ScaleChannels",
    "So2",
    "Stn",
    "option",
]
