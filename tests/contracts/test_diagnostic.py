"""What every diagnostic keeps, from one pass over blocks of vectors."""

import json
import math

import numpy as np
import pytest

from contracts.collect import Example, Kind, where
from contracts.samples import vectors
from cosimo.contracts import Diagnostic
from cosimo.errors import ShapeError
from cosimo.types import Report

BLOCK = 24
"""Vectors that stand for one row of the inputs, so that a few rows have every figure."""


def _inputs(example: Example, n: int, dtype: type) -> tuple:
    return (vectors(BLOCK * n, dtype),)


def _answer(value: Diagnostic, X: np.ndarray) -> list[np.ndarray]:
    """The figures with their intervals, once for each row of the inputs."""
    return [np.tile(figures(report_on(value, X)), (len(X) // BLOCK, 1))]


# A sample that holds all vectors is the same whatever the seed.
KIND = Kind("diagnostic", Diagnostic, inputs=_inputs, answer=_answer, seed_shows=False)


def report_on(value: Diagnostic, X: np.ndarray) -> Report:
    value.update(X)
    return value.result()


def figures(report: Report) -> np.ndarray:
    """(3 k,) values and ends of intervals; what is not there is 0."""
    found = []
    for estimate in report.metrics.values():
        ends = () if estimate.interval is None else (estimate.interval.low, estimate.interval.high)
        found += [estimate.value, *(ends or (0.0, 0.0))]
    return np.nan_to_num(np.array(found, dtype=np.float64))


def values(report: Report) -> np.ndarray:
    return np.array([estimate.value for estimate in report.metrics.values()])


CLOSE = {"rtol": 1e-7, "atol": 1e-9}


@pytest.mark.parametrize("size", [1, 7, 95])
def test_blocks_change_nothing(diagnostic, size):
    X = vectors(96)
    parts = diagnostic.fresh()
    for start in range(0, len(X), size):
        parts.update(X[start : start + size])
    whole, report = report_on(diagnostic.fresh(), X), parts.result()
    np.testing.assert_allclose(figures(report), figures(whole), **CLOSE)
    assert report.items == whole.items


def test_an_empty_block_changes_nothing(diagnostic):
    X, value = vectors(96), diagnostic.fresh()
    value.update(X[:0])
    value.update(X)
    value.update(X[:0])
    np.testing.assert_array_equal(figures(value.result()), figures(report_on(diagnostic.fresh(), X)))


def test_float_types_agree(diagnostic):
    single = vectors(96)
    reports = [report_on(diagnostic.fresh(), X) for X in (single, single.astype(np.float64))]
    np.testing.assert_allclose(*map(values, reports), rtol=1e-4, atol=1e-5)


@where(lambda diagnostic: getattr(diagnostic.value, "size", BLOCK) >= BLOCK)
def test_order_of_rows_does_not_matter(diagnostic):
    """As long as its sample holds all of them; of more rows, another order draws other ones."""
    X = vectors(BLOCK)
    one, other = report_on(diagnostic.fresh(), X), report_on(diagnostic.fresh(), X[::-1])
    np.testing.assert_allclose(values(one), values(other), **CLOSE)
    assert one.items == other.items


def test_result_can_be_asked_again_and_again(diagnostic):
    X, value = vectors(96), diagnostic.fresh()
    value.update(X[:48])
    first, second = value.result(), value.result()
    np.testing.assert_array_equal(figures(first), figures(second))
    value.update(X[48:])
    np.testing.assert_allclose(figures(value.result()), figures(report_on(diagnostic.fresh(), X)), **CLOSE)


def test_report_is_complete(diagnostic):
    report = report_on(diagnostic.fresh(), vectors(96))
    assert report.n == 96
    assert report.metrics
    assert report.seed == diagnostic.value.seed
    assert report.settings["diagnostic"] == type(diagnostic.value).__name__
    json.dumps(report.settings, allow_nan=False)
    assert all(isinstance(told, str) and told for told in report.warnings)


def test_figures_are_finite_and_in_range(diagnostic):
    for X in (vectors(96), 100 * vectors(96, dim=3), vectors(96) - 5):
        report = report_on(diagnostic.fresh(), X)
        for name, estimate in report.metrics.items():
            low, high = diagnostic.value.ranges[name]
            assert math.isfinite(estimate.value), name
            assert low <= estimate.value <= high, name
            if estimate.interval is not None:
                assert low <= estimate.interval.low <= estimate.interval.high <= high, name


def test_value_lies_in_its_interval(diagnostic):
    report = report_on(diagnostic.fresh(), vectors(96))
    told = [estimate for estimate in report.metrics.values() if estimate.interval is not None]
    for estimate in told:
        assert estimate.interval.low <= estimate.value <= estimate.interval.high


@pytest.mark.parametrize("n", range(12))
def test_too_few_vectors_give_nan_and_a_sentence(diagnostic, n):
    value = diagnostic.fresh()
    report = report_on(value, vectors(n))
    assert report.n == n
    if n < value.least:
        assert np.isnan(values(report)).all()
        assert f"got {n}" in report.warnings[0]
    elif np.isnan(values(report)).any():
        assert report.warnings
    assert list(report.metrics) == list(report_on(diagnostic.fresh(), vectors(96)).metrics)


def test_vectors_that_are_all_alike_are_answered(diagnostic):
    report = report_on(diagnostic.fresh(), np.full((96, 8), -0.3, np.float32))
    assert report.n == 96
    assert not np.isinf(values(report)).any()
    assert report.warnings or np.isfinite(values(report)).all()


def test_zero_vectors_are_answered(diagnostic):
    X = vectors(96)
    X[:3] = 0
    assert np.isfinite(values(report_on(diagnostic.fresh(), X))).all()


def test_other_dimension_refused(diagnostic):
    value = diagnostic.fresh()
    value.update(vectors(96))
    with pytest.raises(ShapeError, match="8"):
        value.update(vectors(4, dim=9))
    assert value.result().n == 96


def test_a_refused_block_is_left_out(diagnostic):
    X, value = vectors(96), diagnostic.fresh()
    bad = vectors(5, seed=1)
    bad[4, 0] = np.nan
    value.update(X[:48])
    with pytest.raises(ValueError, match="NaN"):
        value.update(bad)
    value.update(X[48:])
    np.testing.assert_allclose(figures(value.result()), figures(report_on(diagnostic.fresh(), X)), **CLOSE)
