"""The page in a real browser, as a phone and as a desk would show it."""

import html
import json
import shutil
import subprocess

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
# Measures the page in a frame of a screen's width, once it is loaded.
MEASURE = """
function measure(frame) {
  const inside = frame.contentDocument, root = inside.documentElement;
  const all = (selector) => [...inside.querySelectorAll(selector)];
  const seen = (element) => element.getBoundingClientRect();
  const style = (element) => frame.contentWindow.getComputedStyle(element);
  return {
    width: frame.contentWindow.innerWidth,
    page: root.scrollWidth,
    text: parseFloat(style(inside.body).fontSize),
    smallest: Math.min(...all("p, th, td, small, figcaption, a").map(
      (each) => parseFloat(style(each).fontSize))),
    tables: all("table").map((table) => ({
      caption: table.caption.textContent,
      rows: table.tBodies[0].rows.length,
      headers: table.tHead.rows[0].cells.length,
      width: seen(table).width,
      room: seen(table.parentElement).width,
      scrolls: style(table.parentElement).overflowX,
      focusable: table.parentElement.tabIndex,
    })),
    images: all("img").map((image) => ({
      alt: image.alt,
      decoded: image.complete ? image.naturalWidth : 0,
      shown: seen(image).width,
    })),
    first: all("tbody th").map((header) => style(header).position),
    loaded: frame.contentWindow.performance.getEntriesByType("resource").map((each) => each.name),
  };
}
function report(frame) {
  document.getElementById("found").textContent = JSON.stringify(measure(frame));
}
"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


def _show(page, width, folder):
    """Loads a page into a frame of a width, and returns what the browser measures there."""
    source = html.escape(page.read_text("utf-8"))
    wrapper = folder / f"at-{width}.html"
    wrapper.write_text(
        f"<!DOCTYPE html><meta charset='utf-8'><script>{MEASURE}</script>"
        f"<pre id='found'></pre><iframe srcdoc=\"{source}\" onload='report(this)' "
        f"style='width: {width}px; height: 800px; border: 0'></iframe>",
        "utf-8",
    )
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder}/user", "--dump-dom", wrapper.as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    found = run.stdout.partition('<pre id="found">')[2].partition("</pre>")[0]
    assert found, run.stderr
    return json.loads(html.unescape(found))


@pytest.fixture(scope="module", params=[390, 1280])
def shown(request, written, tmp_path_factory):
    return request.param, _show(written.html, request.param, tmp_path_factory.mktemp("browser"))


def test_the_page_is_no_wider_than_the_screen(shown):
    width, found = shown
    assert found["width"] == width
    assert found["page"] <= width


def test_tables_are_there_and_scroll_where_they_are_wide(shown):
    width, found = shown
    assert [table["caption"] for table in found["tables"]] == [
        "What was trained, on what and how",
        "Cost, and accuracy over scale",
        "Equivariance error on the whole canvas, mean over stages",
        "Equivariance error in the interior, mean over stages",
        "What each network answers at each factor: likeliest class and its probability",
    ]
    assert [table["headers"] for table in found["tables"]] == [9, 8, 4, 4, 4]
    for table in found["tables"]:
        assert table["rows"] == 2
        assert table["room"] <= width
        assert (table["scrolls"], table["focusable"]) == ("auto", 0)
    # The wide ones need it on a phone, none does on a desk.
    assert [table["width"] > table["room"] for table in found["tables"][:2]] == [width == 390] * 2


def test_the_networks_name_stays_while_a_table_scrolls(shown):
    _, found = shown
    assert set(found["first"]) == {"sticky"}


def test_images_are_decoded_and_large_enough_to_see(shown):
    _, found = shown
    assert len(found["images"]) == 6
    for image in found["images"]:
        assert image["decoded"] > 0
        assert image["shown"] >= (84 if "at factor" in image["alt"][:20] else 340)


def test_text_is_large_enough_to_read(shown):
    _, found = shown
    assert found["text"] >= 16
    assert found["smallest"] >= 12


def test_nothing_is_loaded_from_elsewhere(shown):
    _, found = shown
    assert all(name.startswith("data:") for name in found["loaded"])
