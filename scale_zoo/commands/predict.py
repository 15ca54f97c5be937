"""Classifies image files: prints each with its class and confidence.

Example: scale_zoo predict --model=dss_cnn/digits images/ photo.png --over_scale=answers.png

Arguments are image files, and folders that are searched with all folders inside.
"""

import pathlib
from collections.abc import Callable

from absl import flags

from scale_zoo import command_line, data, prediction, zoo
from scale_zoo.plots import answers as pictures

# Images that a figure has room for.
DRAWN_IMAGES = 8


def define() -> Callable[..., None]:
    """Defines the flags; returns the function that prints the answers and draws the figure."""
    model = flags.DEFINE_string(
        "model",
        None,
        "pretrained entry, work directory, exported folder or .keras file",
        required=True,
    )
    form = flags.DEFINE_enum("format", "table", prediction.FORMATS, "how the answers are printed")
    on_bad_image = flags.DEFINE_enum(
        "on_bad_image", "error", data.ON_BAD_IMAGE, "what happens if files cannot be read"
    )
    over_scale = flags.DEFINE_string(
        "over_scale",
        None,
        "PNG file to write, new, of how the answers hold as the image shrinks and grows; of the "
        f"first {DRAWN_IMAGES} images",
    )
    factors = flags.DEFINE_list(
        "factors",
        ["1/4", "1/3", "1/2", "1/1.5", "1", "1.25", "1.5", "2"],
        "factors of --over_scale",
    )

    def main(*paths: str) -> None:
        picture = pathlib.Path(over_scale.value) if over_scale.value else None
        if picture and picture.exists():
            raise ValueError(f"`over_scale` {picture} exists. Name another, or remove it.")
        sizes = sorted(command_line.number("factors", text) for text in factors.value)
        found = prediction.find_images(paths)
        network = zoo.load_model(model.value)
        answers = prediction.predict(network, found, on_bad_image=on_bad_image.value)
        print(prediction.write_answers(answers, form.value))
        if picture:
            drawn = [pathlib.Path(answer.file) for answer in answers[:DRAWN_IMAGES]]
            rows = [
                (file.name, *prediction.answer_over_scale(network, file, sizes)) for file in drawn
            ]
            pictures.plot_answers(rows, sizes, prediction.class_names(network), picture)

    return main


COMMAND = command_line.Command(__doc__, define, arguments="images")
