from itertools import chain
from typing import ClassVar

import numpy as np
import pytest
from scipy.special import expit

from cosimo.decide import Isotonic, Platt, VennAbers, out_of_fold, reliability
from cosimo.errors import DataError, Refused, ShapeError


def labels(n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    s = np.sort(rng.normal(size=n))
    return s, rng.random(n) < expit(2 * s)


class Spy:
    """A calibrator that notes what it was fitted on and what it was asked."""

    needs = frozenset()
    log: ClassVar[list] = []

    def fit(self, scores, y=None, *, clusters=None, weights=None):
        self.seen = scores.tolist(), y.tolist(), clusters, None if weights is None else weights.tolist()
        return self

    def probability(self, scores):
        self.log.append((self.seen, scores.tolist()))
        return np.full(len(scores), len(self.log) / 100)


@pytest.fixture
def log(monkeypatch):
    monkeypatch.setattr(Spy, "log", [])
    return Spy.log


def test_each_score_is_answered_once_by_a_fit_on_all_the_others(log):
    s, y = labels()
    w = np.linspace(1, 2, 200)
    out_of_fold(Spy(), s, y, folds=4, weights=w)
    assert sorted(chain.from_iterable(asked for _, asked in log)) == sorted(s.tolist())
    truth, weight = dict(zip(s, y, strict=True)), dict(zip(s, w, strict=True))
    for (scores, seen, _, weights), asked in log:
        assert set(scores) == set(s) - set(asked)
        assert seen == [truth[one] for one in scores]
        assert weights == [weight[one] for one in scores]


def test_places_are_those_of_the_scores(log):
    s, y = labels()
    P = out_of_fold(Spy(), s, y)
    for i, (_, asked) in enumerate(log):
        assert set(P[np.isin(s, asked)]) == {(i + 1) / 100}


def test_folds_hold_the_same_share_of_matches(log):
    s, y = labels()
    out_of_fold(Spy(), s, y, folds=5)
    matches = [int(y[np.isin(s, asked)].sum()) for _, asked in log]
    assert [len(asked) for _, asked in log] == [40] * 5
    assert max(matches) - min(matches) <= 1


def test_clusters_stay_together(log):
    s, y = labels()
    clusters = np.random.default_rng(1).integers(0, 30, 200)
    out_of_fold(Spy(), s, y, clusters=clusters.tolist())
    of = dict(zip(s, clusters, strict=True))
    for (scores, _, given, _), asked in log:
        assert {of[one] for one in scores}.isdisjoint({of[one] for one in asked})
        assert len(set(given)) == len({of[one] for one in scores})


def test_isotonic_regression_is_perfect_on_its_own_labels_only():
    s, y = labels()
    own = reliability(Isotonic().fit(s, y).probability(s), y, resamples=39).miscalibration
    other = reliability(out_of_fold(Isotonic(), s, y), y, resamples=39).miscalibration
    assert own == pytest.approx(0, abs=1e-12)
    assert other > 0.005


def test_pairs_of_one_cluster_in_two_folds_would_tell_the_answer():
    """One label and nearly one score a cluster, and no relation between them: a coin has a Brier score of 0.25."""
    clusters, briers = np.repeat(np.arange(60), 10), []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        s = np.repeat(rng.normal(size=60), 10) + 1e-6 * rng.normal(size=600)
        y = np.repeat(rng.random(60) < 0.5, 10)
        briers.append(
            [np.mean((out_of_fold(Isotonic(), s, y, clusters=c) - y) ** 2) for c in (clusters.tolist(), None)]
        )
    whole, blind = np.mean(briers, axis=0)
    assert whole > 0.25
    assert blind < 0.24


def test_seed_decides_and_the_given_one_is_left_alone():
    s, y = labels()
    given = Platt()
    first = out_of_fold(given, s, y, seed=1)
    np.testing.assert_array_equal(out_of_fold(given, s, y, seed=np.random.default_rng(1)), first)
    assert (out_of_fold(given, s, y, seed=2) != first).any()
    assert given.guarantee is None


def test_keeps_floats():
    s, y = labels()
    assert out_of_fold(Platt(), s.astype(np.float32), y).dtype == np.float32


@pytest.mark.parametrize("folds", [1, 0, -3, 201, 2.5])
def test_folds_that_cannot_be_dealt_refused(folds):
    with pytest.raises(DataError, match="a number from 2 to the 200 independent units"):
        out_of_fold(Platt(), *labels(), folds=folds)


def test_matches_in_one_cluster_only_refused():
    with pytest.raises(Refused, match="in two clusters or more"):
        out_of_fold(Platt(), [0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], folds=2, clusters=["a", "b", "c", "c"])


def test_other_bad_input_refused():
    s, y = labels()
    with pytest.raises(ShapeError):
        out_of_fold(Platt(), s, y[1:])
    with pytest.raises(DataError, match="NaN"):
        out_of_fold(Platt(), np.where(s > 0, s, np.nan), y)
    with pytest.raises(Refused, match="not exchangeable"):
        out_of_fold(VennAbers(), s, y, clusters=(np.arange(200) // 4).tolist())
    spy = Spy()
    spy.needs = frozenset({"query"})
    with pytest.raises(DataError, match="Spy needs query"):
        out_of_fold(spy, s, y)
