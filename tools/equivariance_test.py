"""Measures accuracy and equivariance error of networks over scale, side by side.

Example: python tools/equivariance_test.py --models=runs/mine,dss_cnn/digits --output=runs/compared
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags

from scale_zoo import command_line, comparison, data

MODELS = flags.DEFINE_list(
    "models",
    None,
    "networks: work directories, pretrained entries, exported folders, or names of "
    "scale_zoo.list_models() for untrained ones; in double quotes if a name contains a comma",
    required=True,
)
OUTPUT = flags.DEFINE_string(
    "output", None, "folder for the results: new, or of an earlier call to add to", required=True
)
DATA = flags.DEFINE_string(
    "data",
    None,
    f"data set, of which test images are measured: {', '.join(data.NAMES)}; by default the one "
    "that all networks were trained on",
)
DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "TFDS data directory; by default the runs' or TFDS's own"
)
IMAGE_SIZE = flags.DEFINE_integer(
    "image_size",
    None,
    "pixels to which the images of tfds: and folder: are fitted; 0 keeps their size; by default "
    "the runs', else 0",
)
SEED = flags.DEFINE_integer(
    "seed", None, "seed of splits and untrained weights; by default the run's, else 0"
)
IMAGES = flags.DEFINE_integer("images", None, "how many test images to measure; all by default")
FACTORS = flags.DEFINE_list(
    "factors", ["1", "1/1.1", "1/1.5", "1/2", "1/2.5", "1/3"], "scale factors"
)
STAGES = flags.DEFINE_list("stages", None, "names of stages; all by default")
BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", None, "images measured at once; by default as many as memory should hold"
)
OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "measure everything again, and replace the folder's results"
)


def main() -> None:
    """Measures, then prints the folder of the results."""
    failed = comparison.compare(
        MODELS.value,
        OUTPUT.value,
        data_name=DATA.value,
        data_dir=DATA_DIR.value,
        image_size=IMAGE_SIZE.value,
        seed=SEED.value,
        images=IMAGES.value,
        factors=[command_line.number("factors", text) for text in FACTORS.value],
        stages=STAGES.value,
        batch_size=BATCH_SIZE.value,
        overwrite=OVERWRITE.value,
    )
    if len(failed) < len(MODELS.value):
        print(f"results and pictures: {OUTPUT.value}")
    if failed:
        raise ValueError(
            f"{len(failed)} of {len(MODELS.value)} networks could not be measured: "
            f"{', '.join(failed)}."
        )


if __name__ == "__main__":
    command_line.run(main, "stopped; call again to measure the networks that are left")
