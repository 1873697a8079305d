import numpy as np
import pytest

from cosimo.errors import DataError, ShapeError
from cosimo.measure import (
    BackgroundSimilarity,
    DuplicateVectors,
    EffectiveRank,
    Hubness,
    IntrinsicDimension,
    IsoScore,
    Isotropy,
    Norms,
    OutlierDimensions,
    Uniformity,
    diagnose,
)
from cosimo.measure.vectors import diagnosing
from cosimo.types import Estimate, Report

KINDS = (
    BackgroundSimilarity,
    DuplicateVectors,
    EffectiveRank,
    Hubness,
    IntrinsicDimension,
    IsoScore,
    Isotropy,
    Norms,
    OutlierDimensions,
    Uniformity,
)


def cloud(n=500, d=6):
    return (np.random.default_rng(0).normal(size=(n, d)) + 0.3).astype(np.float32)


def values(report):
    return {name: estimate.value for name, estimate in report.metrics.items()}


def alone(kind, X):
    diagnostic = kind(size=100)
    diagnostic.update(X)
    return diagnostic.result()


class Counter:
    """A diagnostic that is not ours."""

    def __init__(self):
        self.sizes = []

    def update(self, X):
        self.sizes.append(len(X))

    def result(self):
        return Report({"blocks": Estimate(len(self.sizes))}, sum(self.sizes), "", 0, "mine")


def test_together_as_each_alone():
    X = cloud()
    for kind, report in zip(KINDS, diagnose(X, [kind(size=100) for kind in KINDS]), strict=True):
        assert values(report) == pytest.approx(values(alone(kind, X)), rel=1e-9)
        assert (report.n, report.settings["diagnostic"]) == (500, kind.__name__)


def test_blocks_maps_and_arrays_agree(tmp_path, monkeypatch):
    monkeypatch.setattr(diagnosing, "rows_at_a_time", lambda dim: 17)
    X = cloud()
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    given = [X, mapped, mapped[:], (X[i : i + 7] for i in range(0, 500, 7)), [X[:100], X[100:]]]
    found = [values(diagnose(one, [IsoScore(), Norms(size=50)])[1]) for one in given]
    for one in found[1:]:
        assert one == pytest.approx(found[0], rel=1e-9)
    np.testing.assert_array_equal(mapped, X)


def test_a_map_that_is_written_to_keeps_what_was_written(tmp_path):
    np.save(tmp_path / "X.npy", cloud())
    for mode in ("c", "r+"):
        mapped = np.load(tmp_path / "X.npy", mmap_mode=mode)
        mapped[3] = 7
        diagnose(mapped, [Norms()])
        assert (mapped[3] == 7).all()


def test_any_other_diagnostic_gets_the_blocks():
    blocks = [cloud(10), cloud(4), cloud(25)]
    norms, counted = diagnose(blocks, [Norms(), Counter()])
    assert (norms.n, counted.n, counted.metrics["blocks"].value) == (39, 39, 3)
    assert counted.passport == "mine"


def test_passport_goes_into_the_reports():
    assert [report.passport for report in diagnose(cloud(), [Norms(), IsoScore()], passport="p")] == ["p", "p"]


def test_reports_of_one_pass_share_their_fingerprint():
    X = cloud()
    reports = diagnose(X, [Norms(), IsoScore()])
    assert len({report.items for report in reports}) == 1
    assert reports[0].items != diagnose(X[:-1], [Norms()])[0].items


def test_progress_is_shown_when_asked_for(capsys):
    diagnose(cloud(), [Norms()], progress=True)
    shown = capsys.readouterr()
    assert "looking at vectors" in shown.err
    assert shown.out == ""


@pytest.mark.parametrize("X", [np.empty((0, 4), np.float32), []], ids=["array", "no block"])
def test_nothing_to_look_at_is_nan(X):
    report = diagnose(X, [IsoScore()])[0]
    assert report.n == 0
    assert np.isnan(report.metrics["isoscore"].value)
    assert "got 0" in report.warnings[0]


def test_bad_input_refused():
    with pytest.raises(DataError, match="diagnostics is empty"):
        diagnose(cloud(), [])
    with pytest.raises(ShapeError, match="shape"):
        diagnose(np.ones(5), [Norms()])
    with pytest.raises(ShapeError, match="6 dimensions, wanted 5"):
        diagnose([cloud(d=5), cloud(d=6)], [Norms()])
    bad = cloud()
    bad[400, 2] = np.inf
    with pytest.raises(DataError, match="infinity"):
        diagnose(bad, [Norms()])
