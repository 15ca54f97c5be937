import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from scale_zoo import report
from tests.finished_runs import FACTORS, evaluation, finish, rows
from tests.report.parsed import markdown_tables, parse_html, unescape

TABLES = ["trained", "comparison", "equivariance_error", "interior_error", "steps"]
PICTURES = {
    "accuracy_over_scale.png",
    "equivariance_by_stage.png",
    "equivariance_over_scale.png",
    *(f"image_step_{step}.png" for step in (1, 2, 3)),
}
NAMES = ["plain_cnn (2 seeds)", "dss_cnn"]


@pytest.fixture(scope="module")
def page(written):
    return parse_html(written.html.read_text("utf-8"))


@pytest.fixture(scope="module")
def tables(page):
    """The page's tables by name: cells by network, and the header."""
    return dict(zip(TABLES, page.tables, strict=True))


def _found(page, tag):
    return [attributes for each, attributes in page.elements if each == tag]


def _numbers(cell):
    """The numbers in a cell, shares as such."""
    found = re.findall(r"([\d,.]+)(%?)", cell)
    return [float(text.replace(",", "")) / (100 if share else 1) for text, share in found]


def test_the_folder_holds_the_pages_and_the_pictures_alone(written):
    names = {path.name for path in written.output.iterdir()}
    assert names == {"report.html", "report.md"} | PICTURES


def test_every_table_has_a_row_for_each_network(tables):
    for table in tables.values():
        assert [row[0].removesuffix(" seed 0") for row in table[1:]] == NAMES
        assert len({len(row) for row in table}) == 1


def test_a_row_of_seeds_holds_means_and_deviations_of_the_runs(tables, written):
    _, row, _ = tables["comparison"]
    tests = [metrics.test for metrics in written.metrics[:2]]
    accuracies = [[each.accuracy.mean for each in test.over_scale] for test in tests]
    speeds = [metrics.images_per_second for metrics in written.metrics[:2]]
    assert row[1] == "12,345"
    assert row[3] == f"{np.mean(speeds):.0f} ± {np.std(speeds, ddof=1):.0f}"
    at_random = [test.accuracy.mean for test in tests]
    for cell, values in zip(row[4:], [at_random, *zip(*accuracies, strict=True)], strict=True):
        expected = [np.mean(values), np.std(values, ddof=1)]
        assert _numbers(cell) == pytest.approx(expected, abs=6e-5)
    errors = [test.over_scale[1].canvas.overall.mean for test in tests]
    found = _numbers(tables["equivariance_error"][1][2])
    # In three digits and in two.
    assert found[0] == pytest.approx(np.mean(errors), rel=5.1e-3)
    assert found[1] == pytest.approx(np.std(errors, ddof=1), rel=5.1e-2)


def test_a_row_of_one_run_holds_its_metrics_with_standard_errors(tables, written):
    test = written.metrics[2].test
    row = tables["comparison"][2]
    assert row[4] == "12.50% ± 25.00%"
    for cell, each in zip(row[5:], test.over_scale, strict=True):
        assert _numbers(cell) == pytest.approx([each.accuracy.mean, 0.015], abs=6e-5)
    error = test.over_scale[0].canvas.overall.mean
    assert _numbers(tables["equivariance_error"][2][1]) == pytest.approx([error, 0.015], rel=5.1e-3)


def test_flops_are_those_of_the_profiler(tables, written):
    from scale_zoo import load_model
    from scale_zoo.zoo import complexity

    flops = complexity.count_flops(load_model(str(written.folder / "plain-0")))
    assert tables["comparison"][1][2] == f"{flops / 1e6:.3g} M"


def test_it_tells_what_was_trained_on_what(tables):
    assert tables["trained"][1:] == [
        [
            "plain_cnn (2 seeds)",
            "plain_cnn planar convolutions, the baseline",
            "width=0.1, kernel_size=3",
            "digits rescaled by 0.3 to 1",
            "1,078",
            "7 best: 4, 5",
            "16",
            "0.02 adam, step",
            "0, 1",
        ],
        [
            "dss_cnn",
            "dss_cnn deep scale-spaces (Worrall & Welling 2019)",
            "width=0.1, kernel_size=3, n_scales=2, initial weights: a|b<c>_*d",
            "digits rescaled by 0.3 to 1",
            "1,078",
            "2 best: 4",
            "16",
            "0.02 adam, step",
            "0",
        ],
    ]


def test_what_was_not_measured_is_a_dash_that_is_explained(tables, page):
    nothing = "–nothing"
    # Its speed; errors that leave no levels; an interior without anything to compare.
    assert tables["comparison"][2][3] == nothing
    assert tables["equivariance_error"][1][3] == tables["interior_error"][1][3] == nothing
    assert tables["interior_error"][2][1:] == [nothing] * 3
    notes = [text for text in page.texts["p"] if "dash (–)" in text]
    assert len(notes) == 3


def test_a_page_without_gaps_explains_none(written, tmp_path):
    measured = [row for row in rows() if row.factor > 0.4]
    finish(tmp_path / "run", metrics={"test": evaluation(over_scale=measured)})
    html, _ = report.write_report([str(tmp_path / "run")], tmp_path / "out")
    assert "–" not in html.read_text("utf-8")


def test_markdown_and_html_hold_the_same_tables(tables, written):
    # Markdown has in brackets what stands smaller in HTML, where a gap is also told in a word.
    def plain(rows):
        return [[re.sub("[()]|nothing$", "", cell) for cell in row] for row in rows]

    found = markdown_tables(written.markdown.read_text("utf-8"))
    assert list(map(plain, found)) == list(map(plain, tables.values()))


def test_markdown_and_html_hold_the_same_words(page, written):
    text = unescape(written.markdown.read_text("utf-8"))
    for paragraph in (*page.texts["p"], *page.texts["h2"], *page.texts["figcaption"]):
        assert paragraph in text
    for image in _found(page, "img"):
        assert f"![{image['alt']}](" in text


def test_markdown_refers_to_its_pictures(written):
    names = re.findall(r"!\[.*?\]\((.*?)\)", written.markdown.read_text("utf-8"))
    assert sorted(names) == sorted(PICTURES)


def test_pictures_are_held_in_the_page_and_described(page, written):
    held = [image["src"] for image in _found(page, "img")]
    files = [(written.output / name).read_bytes() for name in PICTURES]
    prefix = "data:image/png;base64,"
    assert all(source.startswith(prefix) for source in held)
    assert {base64.b64decode(source.removeprefix(prefix)) for source in held} == set(files)
    for image in _found(page, "img"):
        assert len(image["alt"]) > 5
        with Image.open(io.BytesIO(base64.b64decode(image["src"].removeprefix(prefix)))) as picture:
            shown = int(image["width"]) / int(image["height"])
            assert picture.width / picture.height == pytest.approx(shown, rel=0.02)


def test_the_page_needs_nothing_but_itself(page, written):
    text = written.html.read_text("utf-8")
    for tag in ("script", "iframe", "object", "video", "source"):
        assert _found(page, tag) == []
    addresses = [
        value
        for _, attributes in page.elements
        for key, value in attributes.items()
        if key in ("src", "srcset", "href", "action", "poster", "background")
    ]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "@import" not in text
    assert "url(" not in text
    assert "http" not in re.sub(r"base64,[^\"]*", "", text)


def test_names_are_no_markup(page, written):
    allowed = "html head meta title link style body header nav main section h1 h2 p a ul li div "
    allowed += "table caption span thead tbody tr th td small img wbr figure figcaption"
    assert {tag for tag, _ in page.elements} == set(allowed.split())
    markdown = written.markdown.read_text("utf-8")
    assert markdown.count(r"a\|b\<c\>\_\*d") == 1


def test_a_title_is_no_markup(written, tmp_path):
    title = "<b>Bold</b> & 'quoted' [link](x) # `code`"
    html, markdown = report.write_report(
        [str(written.folder / "plain-0")], tmp_path / "out", title=title
    )
    page = parse_html(html.read_text("utf-8"))
    assert page.texts["h1"] == page.texts["title"] == [title]
    head = markdown.read_text("utf-8").splitlines()[0]
    assert head == r"# \<b\>Bold\</b\> & 'quoted' \[link\](x) \# \`code\`"


def test_a_screen_reader_can_follow_the_tables(page):
    assert len(_found(page, "caption")) == len(TABLES)
    scopes = [header.get("scope") for header in _found(page, "th")]
    assert scopes.count("row") == len(TABLES) * len(NAMES)
    assert scopes.count("col") == sum(len(rows[0]) for rows in page.tables)
    assert len(scopes) == scopes.count("row") + scopes.count("col")
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for region in [each for each in _found(page, "div") if each.get("role") == "region"]:
        assert region["aria-labelledby"] in ids
        assert region["tabindex"] == "0"
    for link in _found(page, "a"):
        assert link["href"].removeprefix("#") in ids
    headings = [tag for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert headings == ["h1"] + ["h2"] * 6
    assert _found(page, "html") == [{"lang": "en"}]


def test_answers_are_marked_by_words(tables, written):
    cells = [cell for row in tables["steps"][1:] for cell in row[1:]]
    for cell in cells:
        class_name, probability, mark, word = cell.split()
        assert 0.1 <= _numbers(probability)[0] <= 1
        # The page says of which class the image is.
        right = f"its class is “{class_name}”" in written.html.read_text("utf-8")
        assert (mark, word) == (("✓", "right") if right else ("✗", "wrong"))


def test_steps_are_headed_by_the_image(tables):
    texts = [cell.rpartition(" ")[2] for cell in tables["steps"][0][1:]]
    assert texts == [f"{factor:.3g}" for factor in FACTORS]
    assert all(cell.startswith("[“") for cell in tables["steps"][0][1:])
