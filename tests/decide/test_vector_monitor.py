"""What the monitor of vectors sees: directions, distances, and the alarm of any of its numbers."""

import json

import numpy as np
import pytest
from scipy.stats import binom

from cosimo.decide import ScoreMonitor, VectorMonitor
from cosimo.errors import DataError, ShapeError


def vectors(n, seed=0, d=6):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


CENTRE = np.full(6, 0.5)


def test_one_number_is_the_monitor_of_that_number():
    """Only the distance, without ties: the same ranks up to how U breaks them within a bin, so the same verdicts."""
    X, new = vectors(200), 1.5 * vectors(200, 1)
    distance = [np.sqrt(((x.astype(np.float64) - CENTRE) ** 2).sum()) for x in (*X, *new)]
    monitor = VectorMonitor(X, CENTRE, projections=0)
    scored = ScoreMonitor(distance[:200], cut=0.0)
    assert monitor.update(new) == scored.update(distance[200:]) == "moved"
    assert np.log(monitor.evidence) == pytest.approx(np.log(scored.evidence), rel=0.05)


def test_an_alarm_needs_as_much_more_evidence_as_there_are_numbers():
    """Not their average: the largest of J martingales is held against J / epsilon."""
    monitor = VectorMonitor(vectors(200), CENTRE, scores=np.zeros(200), projections=2)
    monitor.update(vectors(150, 1), scores=np.ones(150))
    alone = ScoreMonitor(np.zeros(200), cut=0.0)
    alone.update(np.ones(150))
    assert np.log(4 * monitor.evidence) == pytest.approx(np.log(alone.evidence), rel=0.1)


def test_what_never_changes_seldom_alarms():
    R = 40
    alarms = sum(
        VectorMonitor(vectors(100, 2 * run), CENTRE, seed=run).update(vectors(400, 2 * run + 1)) == "moved"
        for run in range(R)
    )
    assert alarms <= binom.isf(1e-4, R, 0.05)


def test_a_centre_of_its_own_would_alarm_by_itself():
    """Vectors are nearer to their own mean than others are, which is why such a centre is refused."""
    X, new = vectors(100, d=2000), vectors(500, 1, d=2000)
    nearly = X.mean(axis=0) + 1e-3
    assert VectorMonitor(X, nearly, projections=0).update(new) == "moved"
    assert VectorMonitor(X, np.zeros(2000), projections=0).update(new) == "valid"
    with pytest.raises(DataError, match="mean of X"):
        VectorMonitor(X, X.mean(axis=0))


def test_a_turn_that_no_distance_shows_is_seen_by_projections():
    rng = np.random.default_rng(0)
    past, new = (rng.normal(size=(500, 3)) * sd for sd in ([3, 1, 0.1], [0.1, 1, 3]))
    assert VectorMonitor(past, np.zeros(3), projections=0).update(new) == "valid"
    assert VectorMonitor(past, np.zeros(3), projections=6).update(new) == "moved"


def test_sessions_count_once():
    X = vectors(100)
    names = [f"s{i // 5}" for i in range(100)]
    a, b = VectorMonitor(X, CENTRE, sessions=names), VectorMonitor(X[::5], CENTRE)
    a.update(vectors(60, 1), sessions=[f"t{i // 3}" for i in range(60)])
    b.update(vectors(60, 1)[::3])
    assert a.evidence == b.evidence


def test_effects_show_which_number_went_where():
    monitor = VectorMonitor(vectors(300), CENTRE, projections=1)
    monitor.update(3 * vectors(300, 1))
    effects = monitor.effects()
    assert effects.keys() == {"distance", "projection 0"}
    assert effects["distance"]["then"].value == 0.5
    assert effects["distance"]["now"].interval.low > 0.8


def test_goes_on_where_it_was_saved():
    one = VectorMonitor(vectors(100), CENTRE, scores=np.arange(100.0), projections=2, seed=4)
    one.update(vectors(50, 1), scores=np.arange(50.0))
    saved, arrays = one.state()
    other = VectorMonitor.from_state(json.loads(json.dumps(saved)), arrays)
    for monitor in (one, other):
        monitor.update(vectors(50, 2), scores=np.arange(50.0))
    assert one.evidence == other.evidence
    assert one.verdict == other.verdict


def test_seed_chooses_the_directions():
    states = [VectorMonitor(vectors(50), CENTRE, seed=seed).state()[1]["directions"] for seed in (0, 0, 1)]
    assert np.array_equal(states[0], states[1])
    assert not np.array_equal(states[0], states[2])
    np.testing.assert_allclose(np.linalg.norm(states[0], axis=1), 1)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (lambda: VectorMonitor(np.zeros(6), CENTRE), ShapeError, r"\(n, d\)"),
        (lambda: VectorMonitor(np.full((9, 6), np.nan), CENTRE), DataError, "NaN"),
        (lambda: VectorMonitor(vectors(9), np.zeros(5)), ShapeError, "centre has 5 dimensions"),
        (lambda: VectorMonitor(vectors(9), CENTRE, projections=-1), DataError, "projections"),
        (lambda: VectorMonitor(vectors(9), CENTRE, false_alarm=1.0), DataError, "false_alarm"),
        (lambda: VectorMonitor(vectors(1), CENTRE), DataError, "a few hundred"),
        (lambda: VectorMonitor(vectors(0), CENTRE), DataError, "a few hundred"),
        (lambda: VectorMonitor(vectors(9), CENTRE, scores=[0.1]), ShapeError, "scores"),
        (lambda: VectorMonitor(vectors(9), CENTRE).update(vectors(3, d=5)), ShapeError, "5 dimensions"),
        (lambda: VectorMonitor(vectors(9), CENTRE).update(vectors(3), scores=[1, 2, 3]), DataError, "or never"),
        (lambda: VectorMonitor(vectors(9), CENTRE, scores=np.ones(9)).update(vectors(3)), DataError, "or never"),
        (lambda: VectorMonitor.from_state({}, {}), DataError, "not a monitor"),
    ],
)
def test_bad_input(wrong, error, says):
    with pytest.raises(error, match=says):
        wrong()


def test_scores_of_a_score_monitor_are_no_vectors():
    with pytest.raises(DataError, match="not a monitor of vectors"):
        VectorMonitor.from_state(*ScoreMonitor([0.1, 0.2], cut=0.1).state())
