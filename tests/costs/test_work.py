import keras
import pytest

from scale_zoo import costs, training, zoo


def _classifier(size=8):
    inputs = keras.Input((size, size, 3))
    features = keras.layers.Conv2D(5, 3, padding="same", use_bias=False)(inputs)
    outputs = keras.layers.Dense(4, use_bias=False)(keras.layers.Flatten()(features))
    model = keras.Model(inputs, outputs)
    training.compile_model(model, training.TrainingConfig(optimizer="sgd"))
    return model


def _forward(size):
    """FLOPs of the convolution and of the dense layer, for one image."""
    return 2 * size**2 * 27 * 5, 2 * size**2 * 5 * 4


@pytest.mark.parametrize("batch", [1, 6])
def test_a_step_has_the_products_of_both_passes(batch):
    convolution, dense = _forward(8)
    # Backward: gradients of both kernels, and of the dense layer's input; none of the image's.
    products = batch * (2 * convolution + 3 * dense)
    flops = costs.training_work(_classifier(), batch).flops
    # Besides, the arithmetic of loss, metric and optimizer.
    assert products <= flops < 1.05 * products + 20_000


def test_gradients_are_exchanged_in_single_precision():
    assert costs.training_work(_classifier(), 2).weights == 4 * (27 * 5 + 8 * 8 * 5 * 4)


def test_memory_grows_with_the_batch_and_operations_do_not():
    model = _classifier()
    small, large = (costs.training_work(model, batch) for batch in (4, 8))
    assert small.operations == large.operations > 10
    # The convolution's outputs are products', the dense layer's too: what grows is the loss.
    assert small.memory < large.memory


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "precision", "batch", "published"),
    [
        ("a100", "float32", 256, 909),
        ("a100", "mixed_float16", 256, 2375),
        ("v100", "float32", 128, 412),
        ("v100", "mixed_float16", 256, 1270),
    ],
)
def test_named_devices_train_resnet50_as_published(name, precision, batch, published):
    with training.use_precision(precision):
        model = zoo.create_model("plain_resnet50", (224, 224, 3), 1000, classifier_activation=None)
        training.compile_model(model, training.TrainingConfig(optimizer="sgd"))
        work = costs.training_work(model, batch)
    device = costs.DEVICES[name]
    predicted = costs.predict(work, batch, 1, device, 1, precision)
    assert predicted.images_per_second == pytest.approx(published, rel=0.03)
