"""Values of any kind, as an argument or in a JSON file."""

import math

import numpy as np
from hypothesis import strategies

VALUES = strategies.one_of(
    strategies.sampled_from([None, True, False, "", "x", "same", "valid", "max", "avg", {}]),
    strategies.sampled_from([(), (1,), (2, 3), (0, 0), (3, 5, 7), (2, 2, 2), [3, 1]]),
    strategies.sampled_from([math.nan, math.inf, -math.inf, 1e-9, 99.0]),
    strategies.sampled_from([np.int64(3), np.float32(1.5)]),
    strategies.integers(-2, 9),
    strategies.floats(-2, 4, width=16),
)
