import shutil

import pytest

from scale_zoo import report
from scale_zoo.report import writing
from tests.finished_runs import finish
from tests.report.parsed import parse_html


@pytest.mark.parametrize("where", ["file", "holding files", "a run", "a report"])
def test_nothing_is_overwritten_unasked(written, tmp_path, where):
    output = tmp_path / "out"
    if where == "file":
        output.write_text("mine")
    elif where == "a report":
        shutil.copytree(written.output, output)
    elif where == "a run":
        finish(output)
    else:
        output.mkdir()
        (output / "report.html").write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    overwrite = where != "a report"
    with pytest.raises(ValueError, match="`output`"):
        report.write_report([str(written.folder / "plain-0")], output, overwrite=overwrite)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_an_earlier_report_is_replaced_when_asked(written, tmp_path):
    output = tmp_path / "out"
    shutil.copytree(written.output, output)
    (output / "mine.txt").write_text("mine")
    (output / "image_step_9.png").write_text("a step more")
    report.write_report([str(written.folder / "plain-1")], output, title="New", overwrite=True)
    assert (output / "mine.txt").read_text() == "mine"
    names = {path.name for path in output.iterdir()}
    assert names == {path.name for path in written.output.iterdir()} | {"mine.txt"}
    page = parse_html((output / "report.html").read_text("utf-8"))
    assert page.texts["h1"] == ["New"]
    assert page.tables[0][1][0] == "plain_cnn"


def test_what_fails_leaves_nothing(written, tmp_path, monkeypatch):
    def fail(*_):
        raise FloatingPointError

    monkeypatch.setattr(writing, "make_page", fail)
    with pytest.raises(FloatingPointError):
        report.write_report([str(written.folder / "plain-0")], tmp_path / "new" / "out")
    assert list(tmp_path.iterdir()) == []
