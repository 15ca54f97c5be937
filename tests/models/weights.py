"""Random weights for networks under test, and their transfer by layer name."""

import numpy as np


def randomize(model, seed=0):
    """Draws all weights so that features neither vanish nor explode, statistics included."""
    random = np.random.default_rng(seed)
    for layer in weighted_layers(model):
        layer.set_weights([_draw(random, weight) for weight in layer.get_weights()])


def copy_by_name(source, target):
    """Copies weights to the layers of the same name, reshaped where a kernel has one level more."""
    for layer in weighted_layers(source):
        twin = target.get_layer(layer.name)
        shapes = [weight.shape for weight in twin.get_weights()]
        weights = zip(layer.get_weights(), shapes, strict=True)
        twin.set_weights([weight.reshape(shape) for weight, shape in weights])


def weighted_layers(model):
    return [layer for layer in model.layers if layer.weights]


def _draw(random, weight):
    """Kernels of He's variance; near 1 what scales and near 0 what shifts, both positive."""
    if weight.ndim == 1:
        return random.uniform(0.5, 1.0, weight.shape)
    fan_in = np.prod(weight.shape[:-1])
    return random.normal(0, np.sqrt(2 / fan_in), weight.shape)
