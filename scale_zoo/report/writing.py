"""Writing of a page: self-contained HTML, the matching Markdown, the pictures."""

import base64
import logging
import pathlib
import tempfile
from collections.abc import Sequence

import jinja2

from scale_zoo import files
from scale_zoo.report.content import make_page
from scale_zoo.report.example import choose_example, examine
from scale_zoo.report.gathering import gather
from scale_zoo.report.page import Page
from scale_zoo.report.sizes import gather_sizes
from scale_zoo.report.tables import shown_factors
from scale_zoo.training.card import escape_markdown

LOGGER = logging.getLogger(__name__)

HTML_FILE = "report.html"
MARKDOWN_FILE = "report.md"
# Marks our pages.
GENERATOR = "scale_zoo report"
STEPS = "image_step_*.png"


def write_report(
    workdirs: Sequence[str],
    output: str | pathlib.Path,
    *,
    comparison: str | pathlib.Path | None = None,
    generalization: str | pathlib.Path | None = None,
    title: str | None = None,
    image: str | None = None,
    data_dir: str | None = None,
    overwrite: bool = False,
) -> tuple[pathlib.Path, pathlib.Path]:
    """Writes a page on trained networks.

    Writes to the folder `output`: `report.html`, which needs no other file; `report.md`, the same
    in Markdown; and its pictures, as PNG files. Runs that differ only in the seed share a row.

    Args:
        workdirs: work directories of finished runs.
        output: a folder that is new or empty, or holds an earlier page.
        comparison: a folder that `comparison.compare` wrote, for accuracy and errors at each
            factor of the networks that it measured; else the runs' own tests are used.
        generalization: a folder that `comparison.generalize` wrote, for accuracy by the size of
            objects of the networks that it measured.
        title: the page's title; by default it names the data.
        image: an image file for the networks to classify; by default the first image of the runs'
            data that is a test image for all of them.
        data_dir: TFDS data directory; by default that of the first run that has one.
        overwrite: whether to replace an earlier page.

    Returns:
        The paths of the two pages.

    Raises:
        ValueError: if an argument is invalid, a run is not finished, or the data cannot be
            loaded; nothing has been written then.
    """
    output = pathlib.Path(output)
    _check_output(output, overwrite)
    networks = gather(workdirs, comparison)
    sized = gather_sizes(networks, generalization) if generalization is not None else None
    example = choose_example(networks, image, data_dir)
    factors = shown_factors(networks)
    examined = []
    for place, network in enumerate(networks, start=1):
        LOGGER.info("[%d/%d] %s", place, len(networks), network.label)
        examined.append(examine(network.runs[0], example, factors))
    with tempfile.TemporaryDirectory() as folder:
        page = make_page(networks, examined, example, pathlib.Path(folder), title, sized)
        return _write(page, output)


def _check_output(output, overwrite) -> None:
    """Checks that the folder is new, or holds a page that may be replaced."""
    files.check_writable("output", output)
    # Left by a run of the tool that ended while it wrote its first file.
    if not output.exists() or all(files.is_unfinished(path.name) for path in output.iterdir()):
        return
    path = output / HTML_FILE
    if not path.is_file() or GENERATOR not in path.read_text("utf-8", errors="replace")[:1000]:
        raise ValueError(
            f"`output` must be new or hold an earlier report. {output} holds other files: name "
            "another."
        )
    if not overwrite:
        raise ValueError(
            f"`output` {output} already holds a report. Replace it by --overwrite, or name another."
        )


def _write(page, output) -> tuple[pathlib.Path, pathlib.Path]:
    """Writes the page, then its pictures, then the Markdown that refers to these."""
    html, markdown = render_html(page), render_markdown(page)
    output.mkdir(parents=True, exist_ok=True)
    _write_file(output / HTML_FILE, html.encode())
    written = set()
    for picture in page.pictures:
        written.add(picture.path.name)
        _write_file(output / picture.path.name, picture.path.read_bytes())
    _write_file(output / MARKDOWN_FILE, markdown.encode())
    for path in output.glob(STEPS):
        # Of an earlier page with more steps.
        if path.name not in written:
            path.unlink()
    return output / HTML_FILE, output / MARKDOWN_FILE


def _write_file(path, content):
    with files.whole_file(path) as unfinished:
        unfinished.write_bytes(content)


def render_html(page: Page) -> str:
    """Returns a page as self-contained HTML."""
    template = _environment(autoescape=True).get_template("report.html.jinja")
    return template.render(page=page, generator=GENERATOR, data_uri=_data_uri)


def render_markdown(page: Page) -> str:
    """Returns a page as Markdown that refers to its pictures by their file names."""
    template = _environment(finalize=_escape_markdown).get_template("report.md.jinja")
    return template.render(page=page)


def _environment(**options) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("scale_zoo.report", "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )


def _data_uri(path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _escape_markdown(value):
    """Escapes a value of a template, unless it is markup already."""
    if hasattr(value, "__html__"):
        return value
    return escape_markdown(str(value))
