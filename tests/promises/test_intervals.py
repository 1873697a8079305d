"""The study of intervals and tests in small: what is cheap keeps its rate, and what is no interval is caught."""

import numpy as np
import pytest
from scipy.stats import binom

from cosimo import statistics
from promises.interval_designs import designs, labels, pairs, partition
from promises.intervals import covered, told_apart

RUNS = 200
CHEAP = ("NDCG", "MAP", "Success", "Accuracy", "XsimError", "TripletAccuracy", "Pearson", "RocAuc", "VMeasure")


def cheap(found):
    return [design for design in found if repr(design.metric).startswith(CHEAP) and "seeds" not in design.name]


@pytest.mark.parametrize("design", cheap(designs()), ids=lambda design: f"{design.metric}-{design.name}")
def test_intervals_hold_the_truth(design):
    row = covered(design, 100, RUNS)
    assert row["made"] == RUNS
    assert RUNS * (1 - row["coverage"]) <= binom.isf(1e-4, RUNS, 0.07)


@pytest.mark.parametrize("design", cheap(pairs()), ids=lambda design: f"{design.metric}-{design.name}")
@pytest.mark.slow
def test_equal_systems_are_seldom_told_apart(design):
    assert told_apart(design, 60, RUNS)["false"] <= binom.isf(1e-4, RUNS, 0.05)


@pytest.mark.slow
def test_rows_drawn_again_do_not_hold_a_clustering():
    """The careless rival: a percentile bootstrap of the v-measure."""
    from cosimo.measure import VMeasure

    (design,) = [one for one in designs() if one.name == "ten classes" and repr(one.metric) == "VMeasure()"]
    rng, truth, held = np.random.default_rng(0), design.truth(60), 0
    for _ in range(40):
        y, pred, _ = partition(rng, 60)
        drawn = statistics.bootstrap(lambda rows, y=y, pred=pred: VMeasure()(y[rows], pred[rows]), 60, n_resamples=100)
        low, high = np.quantile(drawn, [0.025, 0.975])
        held += low <= truth <= high
    assert held < 30


def test_the_truth_of_held_out_numbers_is_what_a_chosen_cut_is_worth():
    from cosimo.measure import HeldOutF1

    (design,) = [one for one in designs() if repr(one.metric).startswith("HeldOutF1")]
    rng = np.random.default_rng(0)
    values = [HeldOutF1()(*labels(rng, 100)[:2]) for _ in range(500)]
    assert np.mean(values) == pytest.approx(design.truth(100), abs=4 * np.std(values) / 500**0.5)
