import types

import pytest

from scale_zoo import report
from tests.report.finished_runs import finish


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """A page on a network of two seeds and one of a name that is full of markup."""
    folder = tmp_path_factory.mktemp("report")
    names = ["plain-0", "plain-1", "a|b<c>_*d"]
    metrics = [finish(folder / names[0], 0), finish(folder / names[1], 1)]
    # As a run of an early version left it, and one that measured nothing of its speed.
    rows = [
        {key: each for key, each in row.items() if "interior" not in key}
        for row in metrics[0]["test"]["over_scale"]
    ]
    test = metrics[0]["test"] | {
        "over_scale": rows,
        "accuracy": {"mean": 0.125, "standard_error": 0.25},
    }
    early = {"images_per_second": None, "test": test}
    metrics.append(finish(folder / names[2], 0, "dss_cnn", {"n_scales": 2}, early, epochs=2))
    output = folder / "out"
    html, markdown = report.write_report([str(folder / name) for name in names], output)
    return types.SimpleNamespace(
        folder=folder, output=output, html=html, markdown=markdown, names=names, metrics=metrics
    )
