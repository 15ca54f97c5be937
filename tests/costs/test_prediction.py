import math

import numpy as np
import pytest

from scale_zoo import costs
from scale_zoo.costs import Device, Rates, Work

WORK = Work(flops=4 * 10**12, memory=10**11, operations=1000, weights=10**8)
DEVICE = Device("some", {"float32": Rates(1e13, 1e12, 1e-5)}, 4, 1e11, 1e10, 3.0, "made up")


def test_a_step_takes_its_products_its_memory_and_its_starts():
    predicted = costs.predict(WORK, 100, 3600, DEVICE, 1, "float32")
    assert predicted.step == pytest.approx(0.4 + 0.1 + 0.01)
    assert predicted.exchange == 0
    assert predicted.images_per_second == pytest.approx(100 / 0.51)
    assert predicted.hours == pytest.approx(0.0051)
    assert predicted.dollars == pytest.approx(3 * 0.0051)


@pytest.mark.parametrize(("count", "exchange"), [(2, 1e-3), (4, 1.5e-3), (8, 1.75e-2)])
def test_devices_exchange_gradients_around_a_ring_over_the_slowest_link(count, exchange):
    predicted = costs.predict(WORK, 100, 3600, DEVICE, count, "float32")
    assert predicted.exchange == pytest.approx(exchange)
    assert predicted.step == pytest.approx(0.51 + exchange)
    assert predicted.images_per_second == pytest.approx(100 * count / (0.51 + exchange))
    assert predicted.dollars == pytest.approx(3 * count * predicted.hours)


def test_a_device_without_a_price_costs_nothing_known():
    free = Device("here", DEVICE.rates, 1, math.inf, math.inf, None, "measured")
    assert costs.predict(WORK, 1, 1, free, 1, "float32").dollars is None


def test_a_precision_without_rates_is_refused():
    with pytest.raises(ValueError, match=r"`precision` must be one of float32 on some.*'mixed_b"):
        costs.predict(WORK, 1, 1, DEVICE, 1, "mixed_bfloat16")


@pytest.mark.parametrize(
    "rates",
    [Rates(2e11, 2e10, 1.5e-5), Rates(2e11, math.inf, 1.5e-5), Rates(2e11, 2e10, 0.0)],
)
def test_rates_are_found_again_in_the_steps_that_they_make(rates):
    rng = np.random.default_rng(0)
    works = [
        Work(*(int(10 ** rng.uniform(*ends)) for ends in ((9, 11), (7, 10), (2, 4))), weights=0)
        for _ in range(5)
    ]
    seconds = [
        work.flops / rates.flops + work.memory / rates.memory + work.operations * rates.operation
        for work in works
    ]
    found = costs.fit(works, seconds)
    assert found.flops == pytest.approx(rates.flops, rel=1e-6)
    for amount in ("memory", "flops"):
        # What is left out is infinitely fast, up to rounding.
        assert 1 / getattr(found, amount) == pytest.approx(
            1 / getattr(rates, amount), rel=1e-6, abs=1e-16
        )
    assert found.operation == pytest.approx(rates.operation, rel=1e-6, abs=1e-11)


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("here", (1, "here")),
        ("a100", (1, "a100")),
        ("1xv100", (1, "v100")),
        ("16xa100", (16, "a100")),
    ],
)
def test_devices_are_a_number_and_a_name(text, devices):
    assert costs.parse_devices(text) == devices


@pytest.mark.parametrize("text", ["", "8xhere", "0xa100", "a", "xa100x", "-1xa100", "8 x a100"])
def test_other_devices_are_refused(text):
    with pytest.raises(ValueError, match="`devices` must be here, or a number of a100, v100"):
        costs.parse_devices(text)
