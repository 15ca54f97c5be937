"""Time and money of a training, predicted from the work of its step."""

import dataclasses

from scale_zoo.costs.devices import Device
from scale_zoo.costs.work import Work


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a training takes.

    Args:
        step: seconds of a step, the exchange of gradients included.
        exchange: seconds in which the devices exchange gradients.
        images_per_second: over all devices.
        hours: of all epochs.
        dollars: of all epochs and devices; None without a price.
    """

    step: float
    exchange: float
    images_per_second: float
    hours: float
    dollars: float | None


def predict(
    work: Work, batch_size: int, images: int, device: Device, count: int, precision: str
) -> Prediction:
    """Predicts a training on some devices of one kind.

    A step takes flops / rate + bytes / rate + operations * start, and on several devices the
    exchange of gradients: around a ring each sends and receives 2 (n - 1) / n times the weights'
    bytes, over the slowest link, with nothing computed meanwhile.

    Args:
        work: of a step on one device.
        batch_size: images in a step of one device.
        images: how many are trained on, counted in each epoch.
        device: the device.
        count: number of devices.
        precision: name of the precision policy.

    Raises:
        ValueError: if the device has no rates for the precision.
    """
    device.check_precision(precision)
    rates = device.rates[precision]
    computing = work.flops / rates.flops + work.memory / rates.memory
    computing += work.operations * rates.operation
    slowest = device.link if count <= device.in_machine else device.network
    exchange = 2 * (count - 1) / count * work.weights / slowest
    step = computing + exchange
    rate = count * batch_size / step
    hours = images / rate / 3600
    dollars = None if device.dollars is None else hours * count * device.dollars
    return Prediction(step, exchange, rate, hours, dollars)
