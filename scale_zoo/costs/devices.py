"""Devices by name: what they reach, and what they cost."""

import dataclasses
import re
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Rates:
    """What a device reaches in a training step of some precision.

    Args:
        flops: floating-point operations a second in products.
        memory: bytes a second in all other operations.
        operation: seconds to start an operation.
    """

    flops: float
    memory: float
    operation: float = 0.0


@dataclasses.dataclass(frozen=True)
class Device:
    """A device, and the machine that it is rented with.

    Args:
        name: its name.
        rates: what it reaches, by name of the precision policy.
        in_machine: devices of a machine.
        link: bytes a second between devices of a machine, in each direction.
        network: bytes a second between machines, in each direction.
        dollars: list price of a device for an hour; None if it is not rented.
        source: where the figures are from.
    """

    name: str
    rates: Mapping[str, Rates]
    in_machine: int
    link: float
    network: float
    dollars: float | None
    source: str

    def check_precision(self, precision: str) -> None:
        """Raises a ValueError unless the device has rates for a precision policy."""
        if precision not in self.rates:
            raise ValueError(
                f"`precision` must be one of {', '.join(self.rates)} on {self.name}. "
                f"Received {precision!r}."
            )


def _rates(peak: float, memory: float, share: float) -> Rates:
    """Returns rates that are the same share of both peaks."""
    return Rates(share * peak, share * memory)


# The shares are those at which ResNet50 at 224x224 trains in batches of 256 (V100 in float32: 128)
# as fast as NVIDIA measured on one device: A100 909 and 2,375 images a second, V100 412 and 1,270
# (DeepLearningExamples, ResNet50 v1.5 for TensorFlow, with XLA). float32 is TF32 on the A100.
DEVICES = {
    "a100": Device(
        "a100",
        {
            "float32": _rates(156e12, 1555e9, 0.54),
            "mixed_float16": _rates(312e12, 1555e9, 0.70),
            "mixed_bfloat16": _rates(312e12, 1555e9, 0.70),
        },
        in_machine=8,
        link=300e9,
        network=50e9,
        dollars=21.957642 / 8,
        source="A100 SXM 40 GB; p4d.24xlarge, us-east-1, November 2026",
    ),
    "v100": Device(
        "v100",
        {
            "float32": _rates(15.7e12, 900e9, 0.93),
            "mixed_float16": _rates(125e12, 900e9, 0.72),
        },
        in_machine=8,
        link=150e9,
        network=3.1e9,
        dollars=24.48 / 8,
        source="V100 SXM2 16 GB; p3.16xlarge, us-east-1",
    ),
}


def parse_devices(text: str) -> tuple[int, str]:
    """Parses devices typed as NAME or COUNTxNAME, such as 8xa100.

    Returns:
        Their number and their name, one of `DEVICES` or "here".

    Raises:
        ValueError: if there is no such device.
    """
    count, _, name = text.rpartition("x")
    names = ["here", *DEVICES]
    if name not in names or not re.fullmatch(r"[1-9]\d*|", count) or (count and name == "here"):
        raise ValueError(
            f"`devices` must be here, or a number of {', '.join(DEVICES)} such as 8xa100. "
            f"Received {text!r}."
        )
    return int(count or 1), name
