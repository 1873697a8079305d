"""The simulations in small: no promise is broken, easy designs get a rule, and careless rivals are caught."""

import numpy as np
import pytest

from promises import designs, others
from promises.curves import FLAT, HARD, SMOOTH
from promises.outcomes import Outcome, limit, simulate


def by_method(outcomes) -> dict[str, Outcome]:
    return {outcome.method: outcome for outcome in outcomes}


@pytest.mark.parametrize("curve", [SMOOTH, *HARD], ids=lambda curve: curve.name)
def test_independent_pairs_keep_the_promise(curve):
    found = by_method(designs.independent(curve, 600, 300))
    assert found["cosimo"].kept


def test_an_easy_curve_gets_a_rule_that_gives_nearly_all():
    found = by_method(designs.independent(SMOOTH, 600, 200))["cosimo"]
    assert found.made >= 0.9 * found.runs
    assert found.gain > 0.8


def test_careless_rivals_are_caught():
    found = by_method(designs.independent(FLAT, 600, 300))
    assert not found["one exact test a cut"].kept
    assert not found["precision on the labels"].kept


@pytest.mark.parametrize("kind", ["even", "informative", "all or none"])
def test_clusters_keep_the_promise(kind):
    found = by_method(designs.all_clustered(60, counts=(60,), iccs=(0.5,), kinds=(kind,)))
    assert found["cosimo"].kept


def test_clusters_of_an_easy_curve_get_a_rule():
    (found,) = designs.benign_clusters(30)
    assert found.kept
    assert found.made >= 0.9 * found.runs


def test_looks_are_paid_for():
    spent = next(iter(designs.users(40)))
    assert spent.kept


def test_confident_promises_hold_for_nearly_every_calibration():
    for outcome in others.confident(200):
        assert outcome.kept == (outcome.method != "numpy.quantile"), outcome


def test_average_promises_hold_on_average():
    for row in others.average(400, sizes=(20,)):
        assert row["kept"] == (row["method"] == "cosimo (average)")


def test_an_outcome_counts_what_the_truth_says():
    found = simulate(
        "", "", lambda rng: rng.uniform(), lambda u: u if u > 0.5 else None, lambda u: (u > 0.75, u), runs=1000
    )
    assert found.made == pytest.approx(500, abs=60)
    assert found.false == pytest.approx(250, abs=60)
    assert found.gain == pytest.approx(0.75, abs=0.02)
    assert not found.kept
    assert found.limit == limit(1000, 0.05)


def test_the_truth_of_a_curve_is_its_mean_above_the_cut():
    cuts, precision = SMOOTH.precision()
    place = np.searchsorted(cuts, 0.4)
    s = np.random.default_rng(0).uniform(0.4, 1, 200_000)
    assert precision[place] == pytest.approx(SMOOTH.match(s).mean(), abs=0.003)
