import numpy as np
import tensorflow as tf

from scale_zoo.layers import GradientBarrier


def test_features_pass_unchanged():
    features = np.random.default_rng(0).normal(size=[2, 4, 4, 3]).astype(np.float32)
    np.testing.assert_array_equal(GradientBarrier()(features), features)


def test_gradients_of_all_readers_arrive():
    features = tf.linspace(-1.0, 1.0, 24)
    with tf.GradientTape() as tape:
        tape.watch(features)
        passed = GradientBarrier()(features)
        outputs = tf.sin(features), tf.exp(passed), tf.square(passed)
    gradient = tape.gradient(outputs, features)
    truth = np.cos(features) + np.exp(features) + 2 * features
    np.testing.assert_allclose(gradient, truth, 1e-5, 1e-6)


def test_gradients_of_three_readers_are_two_sums_of_two():
    barrier = GradientBarrier()

    @tf.function(input_signature=[tf.TensorSpec([None, 3])], autograph=False)
    def slopes(features):
        passed = barrier(features)
        outputs = tf.sin(features), tf.exp(passed), tf.square(passed)
        return tf.gradients(outputs, features)

    operations = slopes.get_concrete_function().graph.get_operations()
    sums = [len(operation.inputs) for operation in operations if operation.type == "AddN"]
    assert sums == [2, 2]
