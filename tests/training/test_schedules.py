import math

import pytest

from scale_zoo.training import schedules


def test_step_divides_by_ten_after_each_third():
    rate = schedules.learning_rate("step", 0.01, epochs=60)
    assert [rate(epoch) for epoch in (0, 19, 20, 39, 40, 59)] == pytest.approx(
        [0.01, 0.01, 0.001, 0.001, 0.0001, 0.0001]
    )


def test_cosine_falls_along_half_a_cosine():
    rate = schedules.learning_rate("cosine", 0.1, epochs=10)
    assert [rate(epoch) for epoch in range(10)] == pytest.approx(
        [0.05 * (1 + math.cos(math.pi * epoch / 10)) for epoch in range(10)]
    )


def test_constant_stays():
    rate = schedules.learning_rate("constant", 0.1, epochs=3)
    assert [rate(epoch) for epoch in range(3)] == [0.1, 0.1, 0.1]


def test_warming_up_rises_linearly_before_the_schedule():
    rate = schedules.learning_rate("cosine", 0.1, epochs=7, warmup_epochs=4)
    assert [rate(epoch) for epoch in range(5)] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1])


@pytest.mark.parametrize("warmup", [-1, 5, 6])
def test_warming_up_must_leave_an_epoch(warmup):
    with pytest.raises(ValueError, match="`warmup_epochs` must be in"):
        schedules.learning_rate("step", 0.1, epochs=5, warmup_epochs=warmup)


def test_an_unknown_schedule_lists_the_valid_ones():
    with pytest.raises(ValueError, match=r"constant.*step.*cosine.*Received 'linear'"):
        schedules.learning_rate("linear", 0.1, epochs=5)
