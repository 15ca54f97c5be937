"""Plots the sampling points of a deformable layer of a trained network, at several image sizes.

Example: python tools/draw_sampling.py --model=runs/deformable --image=digit.png --output=points.png
"""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags

from scale_zoo import command_line, data, zoo
from scale_zoo.plots import sampling

MODEL = flags.DEFINE_string(
    "model", None, "pretrained entry, work directory, or exported folder", required=True
)
IMAGE = flags.DEFINE_string("image", None, "image file", required=True)
OUTPUT = flags.DEFINE_string("output", None, "PNG file to write; it must be new", required=True)
FACTORS = flags.DEFINE_list("factors", ["1", "0.667", "0.5", "0.333"], "sizes of the image")
LAYER = flags.DEFINE_string("layer", None, "name of a deformable layer; the last by default")
LEVEL = flags.DEFINE_integer("level", 0, "level of scale, in networks with several")
AT = flags.DEFINE_list("at", ["0.5", "0.5"], "place y,x on the unscaled image, in [0, 1]")


def main() -> None:
    """Plots, then prints the path."""
    output = pathlib.Path(OUTPUT.value)
    if output.exists():
        raise ValueError(f"`output` {output} exists. Name another, or remove it.")
    factors = [command_line.number("factors", text) for text in FACTORS.value]
    at = [command_line.number("at", text) for text in AT.value]
    model = zoo.load_model(MODEL.value)
    height, _, channels = model.input_shape[1:]
    image = data.read_image(IMAGE.value, height, channels)
    sampling.plot_sampling(
        model, data.float_images(image), output, factors, LAYER.value, LEVEL.value, at
    )
    print(f"picture: {output}")


if __name__ == "__main__":
    command_line.run(main)
