"""Plots where a deformable layer reads an image, at several sizes of the image.

Example: scale_zoo draw_sampling --model=runs/deformable --image=digit.png --output=points.png
"""

import pathlib
from collections.abc import Callable

from absl import flags

from scale_zoo import command_line, data, zoo
from scale_zoo.plots import sampling


def define() -> Callable[[], None]:
    """Defines the flags; returns the function that plots, then prints the path."""
    model = flags.DEFINE_string(
        "model", None, "pretrained entry, work directory, or exported folder", required=True
    )
    image = flags.DEFINE_string("image", None, "image file", required=True)
    output = flags.DEFINE_string("output", None, "PNG file to write; it must be new", required=True)
    factors = flags.DEFINE_list("factors", ["1", "0.667", "0.5", "0.333"], "sizes of the image")
    layer = flags.DEFINE_string("layer", None, "name of a deformable layer; the last by default")
    level = flags.DEFINE_integer("level", 0, "level of scale, in networks with several")
    at = flags.DEFINE_list("at", ["0.5", "0.5"], "place y,x on the unscaled image, in [0, 1]")

    def main() -> None:
        path = pathlib.Path(output.value)
        if path.exists():
            raise ValueError(f"`output` {path} exists. Name another, or remove it.")
        sizes = [command_line.number("factors", text) for text in factors.value]
        place = [command_line.number("at", text) for text in at.value]
        network = zoo.load_model(model.value)
        *size, channels = network.input_shape[1:]
        fit = zoo.preparation(network).fit
        pixels = data.read_image(image.value, tuple(size), channels, fit)
        sampling.plot_sampling(
            network, data.float_images(pixels), path, sizes, layer.value, level.value, place
        )
        print(f"picture: {path}")

    return main


COMMAND = command_line.Command(__doc__, define)
