"""Training runs: configuration, work directory, checkpoints, TensorBoard, export."""

from scale_zoo.training.checking import check_config
from scale_zoo.training.compiling import compile_model, make_strategy, use_precision
from scale_zoo.training.config import TrainingConfig, has_run, read_config
from scale_zoo.training.export import export_run
from scale_zoo.training.memory import least_need
from scale_zoo.training.memory_saving import save_memory
from scale_zoo.training.run import check_network, load_source, train
from scale_zoo.training.tuning import with_settings_of_weights

__all__ = [
    "TrainingConfig",
    "check_config",
    "check_network",
    "compile_model",
    "export_run",
    "has_run",
    "least_need",
    "load_source",
    "make_strategy",
    "read_config",
    "save_memory",
    "train",
    "use_precision",
    "with_settings_of_weights",
]
