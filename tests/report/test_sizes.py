import pytest

from scale_zoo import comparison, files, report
from scale_zoo.comparison.size_results import (
    GENERALIZATION_FILE,
    Generalization,
    SizedNetwork,
    SizeSettings,
)
from scale_zoo.equivariance import BySize, Measure
from scale_zoo.equivariance.by_size import ScaleSelection, SizeRow
from scale_zoo.report.sizes import gather_sizes, sizes_section
from tests.finished_runs import finish


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs of two seeds, and one that differs in its epochs as well."""
    folder = tmp_path_factory.mktemp("runs")
    for name, seed, epochs in (("first", 0, 7), ("second", 1, 7), ("longer", 2, 9)):
        finish(folder / name, seed, epochs=epochs)
    return folder


@pytest.fixture(scope="module")
def networks(folder):
    return report.gather([str(folder / name) for name in ("first", "second", "longer")])


def _write(folder, output, means, selection=None):
    """Writes measures by size of the named runs, by paths that are no longer theirs."""
    found = {}
    for name, mean in means.items():
        rows = [
            SizeRow(size, size == 1, 50, Measure(mean / size, standard_error=0.01))
            for size in (1.0, 2.0)
        ]
        found[f"elsewhere/{name}"] = SizedNetwork(
            model="plain_cnn",
            label=name,
            config=None,
            trained=True,
            digest=comparison.find_candidate(str(folder / name)).digest,
            seed=0,
            parameters=12_345,
            flops=10**6,
            rescaled=(0.5, 2.0) if name == "longer" else None,
            size_name="scale factor",
            by_size=BySize(rows, rows[1].accuracy, selection),
        )
    settings = SizeSettings("rescaled:digits", 0, None, None)
    output.mkdir()
    files.write_record(output / GENERALIZATION_FILE, Generalization(settings, found))
    return output


def test_a_row_holds_the_mean_over_other_sizes_and_the_worst(folder, networks, tmp_path):
    output = _write(folder, tmp_path / "sizes", {"first": 0.8, "second": 0.6, "longer": 0.9})
    section = sizes_section(gather_sizes(networks, output), tmp_path)
    (table,) = section.tables
    texts = [[cell.text for cell in row] for row in table.rows]
    assert texts == [
        ["epochs=7 (2 seeds)", "no", "70.00%", "35.00%", "2", "35.00%"],
        ["epochs=9", "0.5 to 2", "90.00%", "45.00%", "2", "45.00%"],
    ]
    assert "50 test images of rescaled:digits" in section.paragraphs[0]
    assert [figure.path.name for figure in section.figures] == ["accuracy_by_size.png"]


def test_networks_of_which_a_seed_was_not_measured_are_left_out(folder, networks, tmp_path):
    output = _write(folder, tmp_path / "sizes", {"first": 0.8, "longer": 0.9})
    found = gather_sizes(networks, output)
    assert [each.network.label for each in found.networks] == ["epochs=9"]


def test_a_network_with_scale_channels_has_a_figure_of_them(folder, networks, tmp_path):
    selection = ScaleSelection([1.0, 2.0], [[1, 0], [0, 1]])
    output = _write(folder, tmp_path / "sizes", {"longer": 0.9}, selection)
    section = sizes_section(gather_sizes(networks, output), tmp_path)
    names = [figure.path.name for figure in section.figures]
    assert names == ["accuracy_by_size.png", "scale_selection_epochs_9.png"]
    assert all((tmp_path / name).is_file() for name in names)


def test_results_of_other_networks_are_refused(folder, networks, tmp_path):
    output = _write(folder, tmp_path / "sizes", {})
    with pytest.raises(ValueError, match=r"`generalization` .* of none of the networks"):
        gather_sizes(networks, output)
    with pytest.raises(ValueError, match=r"`generalization`: .* holds no results"):
        gather_sizes(networks, tmp_path)


def test_a_page_has_the_section_where_sizes_were_measured(folder, tmp_path):
    output = _write(folder, tmp_path / "sizes", {"longer": 0.9})
    html, markdown = report.write_report(
        [str(folder / "longer")], tmp_path / "page", generalization=output
    )
    assert "Sizes not trained on" in html.read_text()
    assert "](accuracy_by_size.png)" in markdown.read_text()
    assert (tmp_path / "page" / "accuracy_by_size.png").is_file()
