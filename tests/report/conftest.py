import dataclasses
import types

import pytest

from scale_zoo import report
from scale_zoo.equivariance import Measure
from tests.finished_runs import NOTHING, evaluation, finish, rows


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """A page on a network of two seeds and one whose initial weights have a name full of markup."""
    folder = tmp_path_factory.mktemp("report")
    names = ["plain-0", "plain-1", "a|b<c>_*d"]
    metrics = [finish(folder / names[0], 0), finish(folder / names[1], 1)]
    # Without a speed, and without anything to compare in the interior.
    test = evaluation(
        over_scale=[dataclasses.replace(row, interior=NOTHING) for row in rows()],
        accuracy=Measure(0.125, standard_error=0.25),
    )
    gaps = {"images_per_second": None, "test": test}
    other = {"epochs": 2, "weights": names[2]}
    metrics.append(finish(folder / names[2], 0, "dss_cnn", {"n_scales": 2}, gaps, **other))
    output = folder / "out"
    html, markdown = report.write_report([str(folder / name) for name in names], output)
    return types.SimpleNamespace(
        folder=folder, output=output, html=html, markdown=markdown, names=names, metrics=metrics
    )
