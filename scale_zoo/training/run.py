"""Training a network of the zoo, from a configuration to a work directory."""

import dataclasses
import functools
import logging
import math
import pathlib

import keras
import numpy as np
import tensorflow as tf

from scale_zoo import data, equivariance, files, ops, zoo
from scale_zoo.training import (
    callbacks,
    hparams,
    memory,
    progress,
    run_files,
    schedules,
    stopping,
    tensorboard,
    tuning,
    workdir,
    workers,
)
from scale_zoo.training.checking import check_config
from scale_zoo.training.checkpoints import Checkpoint, Checkpoints
from scale_zoo.training.compiling import compile_model, make_strategy, use_precision
from scale_zoo.training.config import RunConfig, TrainingConfig
from scale_zoo.training.finishing import finish
from scale_zoo.training.memory_saving import save_memory
from scale_zoo.training.metrics import RunMetrics, final_metrics
from scale_zoo.zoo import imagenet
from scale_zoo.zoo.weights import check_plain

LOGGER = logging.getLogger(__name__)

# Keeps the equivariance callback under a tenth of an epoch: see its docstring.
MEASURED_SHARE = 0.04


def train(config: TrainingConfig, in_study: bool = False) -> RunMetrics | None:
    """Trains, measures and exports a network.

    Writes to the work directory: `config.json`; `metrics.json`; `checkpoints/`; `tensorboard/`;
    `accuracy_over_scale.png` and `equivariance_over_scale.png`; and `saved_model/`, from the epoch
    of highest validation accuracy. Of several workers each calls this, and the chief alone writes.

    Args:
        config: the run's configuration.
        in_study: whether the run is part of a study; if not, it configures TensorBoard's HParams
            view itself.

    Returns:
        The content of `metrics.json`; None of a worker other than the chief.

    Raises:
        ValueError: if the configuration is invalid or does not fit the data or the work directory;
            nothing has been written then.
        ConnectionError: if another worker is gone.
        OSError: if the disk is full or cannot be written.
        FloatingPointError: if the loss is not finite; the last good checkpoint is kept.
        MemoryError: if TensorFlow runs out of memory; the message says what to lower.
        Stopped: a KeyboardInterrupt, after a first SIGINT or SIGTERM during training: the step is
            finished, and a checkpoint of it written.
    """
    check_config(config)
    with workers.join(lambda: make_strategy(config.strategy)) as worker:
        if worker.is_chief:
            workdir.check_workdir(config)
        origin = tuning.find_origin(config)
        source = load_source(config)
        scale_range = source.scale_range if config.scale_range == "default" else config.scale_range
        # Images with sizes of their own are validated and tested as they are.
        held_out_range = None if source.scale_range is None else scale_range
        with worker.own_folder(config.workdir) as folder:
            own = dataclasses.replace(config, workdir=folder)
            run = _configure(own, source, origin)
            checkpoints = Checkpoints(folder)
            with ops.use_sampler(config.sampler), workdir.alone_in(own):
                ranges = scale_range, held_out_range
                _fit(run, source, ranges, checkpoints, in_study, worker, config.workdir)
                if not worker.is_chief:
                    return None
                metrics = finish(run, source, held_out_range, checkpoints)
                hparams.write_final_metrics(config, final_metrics(metrics))
    return metrics


def load_source(config: TrainingConfig) -> data.Source:
    """Loads a run's data.

    Raises:
        ValueError: if the data cannot be loaded, or have fewer training images than asked for.
    """
    source = data.load_source(
        config.data,
        config.data_dir or None,
        config.seed,
        config.image_size or None,
        config.fit,
        config.on_bad_image,
        config.cache,
    )
    source = config.preparation.on_ground(source)
    return data.draw_images(source, config.training_images, config.validation_images, config.seed)


def check_network(config: TrainingConfig, source: data.Source) -> None:
    """Builds the network of a run and batches its data once.

    Raises:
        ValueError: if either fails.
    """
    run = _configure(config, source, tuning.find_origin(config))
    classes = len(run.class_names)
    data.training_batches(source.train, config.batch_size, classes, None, config.seed)
    with ops.use_sampler(config.sampler):
        model, _ = tuning.initial_model(run)
        tuning.freeze(model, config.freeze)


def _configure(config: TrainingConfig, source: data.Source, origin: zoo.Origin | None) -> RunConfig:
    options = {**config.option, **imagenet.options(config.weights)}
    if origin is not None:
        options = zoo.options_for(options, source.image_shape[-1])
    return RunConfig(
        config,
        tuple(source.image_shape),
        options,
        tuple(source.class_names),
        data.fingerprint(source),
        origin,
    )


def _fit(
    run: RunConfig,
    source: data.Source,
    scale_ranges: tuple[tuple[float, float] | None, tuple[float, float] | None],
    checkpoints: Checkpoints,
    in_study: bool,
    worker: workers.Worker,
    shared: str,
) -> None:
    """Trains the epochs that are left.

    `scale_ranges` are those of training and of validation. `shared` is the work directory of all
    workers, that of the run's configuration this one's own.
    """
    config, classes = run.training, len(run.class_names)
    scale_range, held_out_range = scale_ranges
    workdir.check_same_data(run)
    last = _find_last(run, checkpoints, worker, shared)
    first_epoch, first_step = last.state.position if last else (0, 0)
    checkpoints.read_history(first_epoch)
    workdir.check_same_best(checkpoints, first_epoch)
    steps = len(source.train) // config.batch_size

    def batches(epoch, step):
        of_shards = functools.partial(
            data.training_batches,
            source.train,
            config.batch_size,
            classes,
            scale_range,
            config.seed,
            first_epoch=epoch,
            deformation=config.deformation,
            first_step=step,
            augment=config.augment,
            mixup=config.mixup,
            place=config.place,
            scale_interpolation=config.scale_interpolation,
        )
        return worker.distribute(of_shards)

    first_batches = batches(first_epoch, first_step)
    model = _start(run, last, worker.strategy)
    # Outside of the strategy.
    copy = run.create_model(None) if worker.is_chief and _is_apart(config) else None
    is_over = first_epoch == config.epochs or callbacks.is_exhausted(checkpoints, config.patience)
    if not is_over:
        memory.check_memory(model, config, config.batch_size // worker.count)
        checkpoints.check_space(model)
    files.write_record(pathlib.Path(config.workdir) / run_files.CONFIG_FILE, run)
    if is_over:
        return
    factors = data.random_factors(len(source.validation), held_out_range, config.seed)
    held_out = functools.partial(
        data.evaluation_batches, source.validation, config.batch_size, classes, factors
    )
    # Of a data set that is spread over workers, Keras must be told.
    held_out_steps = math.ceil(len(source.validation) / config.batch_size)
    # An epoch that goes on in its middle has fewer steps: Keras takes it in a call of its own.
    calls = [(first_epoch, first_step, config.epochs)]
    if first_step:
        calls = [(first_epoch, first_step, first_epoch + 1), (first_epoch + 1, 0, config.epochs)]
    with stopping.note_signals() as stop, memory.naming_remedies(config):
        for epoch, step, end in calls:
            if epoch == end or callbacks.is_exhausted(checkpoints, config.patience):
                continue
            totals = last.state.totals if last and step else ()
            checkpoint = callbacks.Checkpoint(
                checkpoints, steps, step, totals, stop, config.checkpoint_minutes, worker.agree
            )
            model.fit(
                first_batches if epoch == first_epoch else batches(epoch, step),
                epochs=end,
                # The data set shuffles.
                shuffle=False,
                # `progress.Progress` prints.
                verbose=0,
                initial_epoch=epoch,
                steps_per_epoch=steps - step,
                validation_data=worker.distribute(held_out),
                validation_steps=held_out_steps if worker.count > 1 else None,
                callbacks=[
                    callbacks.Draws(config.seed, steps, step),
                    *_callbacks(config, source, checkpoint, worker, copy),
                    *([hparams.RunRecord(config, in_study)] if worker.is_chief else []),
                ],
            )


def _is_apart(config: TrainingConfig) -> bool:
    """Whether the network's variables are where one process alone cannot read them fast."""
    return config.strategy in ("multi_worker", "tpu")


def _find_last(
    run: RunConfig, checkpoints: Checkpoints, worker: workers.Worker, shared: str
) -> Checkpoint | None:
    """Returns the last checkpoint, None for none, the same on all workers.

    Raises:
        ValueError: if all checkpoints are damaged, or the workers differ in what they train on.
    """
    last = checkpoints.last()
    if worker.count > 1:
        worker.follow(shared, run.training.workdir)
        if not worker.is_chief:
            last = checkpoints.last()
        settings = dataclasses.replace(run.training, workdir="", data_dir="")
        position = last.state.position if last else None
        worker.check_same(flags=settings, data=run.fingerprint, checkpoints=position)
    return last


def _start(
    run: RunConfig, last: Checkpoint | None, strategy: tf.distribute.Strategy
) -> keras.Model:
    """Builds and compiles the network, with the weights and optimizer of the last checkpoint."""
    config = run.training
    replicas, n_parts = strategy.num_replicas_in_sync, config.gradient_accumulation
    if config.batch_size % (replicas * n_parts):
        raise ValueError(
            f"`batch_size` must be a multiple of the {replicas} replicas, times the {n_parts} "
            f"parts of `gradient_accumulation`. Received {config.batch_size}."
        )
    keras.utils.set_random_seed(config.seed)
    with strategy.scope(), use_precision(config.precision):
        if last is None:
            model, transferred = tuning.initial_model(run)
        else:
            model, transferred = run.create_model(None), ""
        frozen = tuning.freeze(model, config.freeze)
        model = save_memory(model, n_parts, config.rematerialize)
        compile_model(model, config)
        if last is not None:
            model.optimizer.build(model.trainable_variables)
            check_plain(last.weights)
            model.load_weights(last.weights)
    if transferred or frozen:
        LOGGER.info("%s", " ".join(filter(None, (transferred, frozen))))
    return model


def _callbacks(config, source, checkpoint, worker, copy):
    """Returns callbacks: first those that add to an epoch's logs, then those that record them."""
    epoch_images = len(source.train) // config.batch_size * config.batch_size
    measured = max(10, int(MEASURED_SHARE * epoch_images))
    rate = schedules.learning_rate(
        config.schedule, config.learning_rate, config.epochs, config.warmup_epochs
    )
    folder = pathlib.Path(config.workdir) / run_files.TENSORBOARD
    examples = np.asarray(source.validation.images[:8])
    measuring = [
        equivariance.EquivarianceCallback(source.validation[:measured]),
        tensorboard.NetworkGraphs(folder),
    ]
    writing = [
        tensorboard.ExampleImages(folder, examples, (1.0, *equivariance.FACTORS)),
        tensorboard.Curves(folder),
        progress.Progress(config.epochs, checkpoint.steps, checkpoint.first_step),
    ]
    return [
        callbacks.StopOnNan(),
        callbacks.LearningRate(rate),
        callbacks.Throughput(config.batch_size),
        *([workers.OnCopy(measuring, copy)] if _is_apart(config) else measuring),
        *(writing if worker.is_chief else []),
        checkpoint,
        callbacks.Patience(checkpoint.checkpoints, config.patience),
    ]
