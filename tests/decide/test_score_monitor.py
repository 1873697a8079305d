"""What the monitor of scores sees, what it must not see, and what it says beside an alarm."""

import json

import numpy as np
import pytest
from scipy.stats import binom

from cosimo.decide import Audit, ScoreMonitor
from cosimo.decide.monitors import score_monitor
from cosimo.errors import DataError, ShapeError
from cosimo.statistics import wilson


def scores(n, seed=0, shift=0.0):
    """Scores with standard deviation 0.1 about 0.4."""
    return np.random.default_rng(seed).normal(0.4 + 0.1 * shift, 0.1, n)


def delays(shift, R, n_cal=200, n=2000):
    """Items until the alarm in each of R streams that have changed, n where there is none."""
    found = []
    for run in range(R):
        monitor = ScoreMonitor(scores(n_cal, 2 * run), cut=0.5, seed=run)
        stream = scores(n, 2 * run + 1, shift)
        steps = [i for i in range(20, n + 1, 20) if monitor.update(stream[i - 20 : i]) == "moved"]
        found.append(steps[0] if steps else n)
    return np.array(found)


class TestAlarm:
    def test_a_shift_is_seen_soon(self):
        """A shift by 0.3 standard deviations, 200 calibration scores: within some hundred items."""
        found = delays(-0.3, R=30)
        assert 100 <= np.median(found) <= 300
        assert (found < 2000).mean() >= 0.8

    def test_what_never_changes_seldom_alarms(self):
        R = 40
        assert (delays(0.0, R, n_cal=100, n=600) < 600).sum() <= binom.isf(1e-4, R, 0.05)

    def test_an_alarm_stays(self):
        monitor = ScoreMonitor(scores(300), cut=0.5)
        assert monitor.update(scores(300, 1, shift=2)) == "moved"
        assert monitor.update(scores(3000, 2)) == "moved"
        assert monitor.verdict == "moved"
        assert monitor.evidence >= 20

    def test_a_lower_false_alarm_rate_takes_more_evidence(self):
        lenient, strict = (ScoreMonitor(scores(300), cut=0.5, false_alarm=eps) for eps in (0.05, 1e-12))
        stream = scores(150, 1, shift=0.6)
        assert (lenient.update(stream), strict.update(stream)) == ("moved", "valid")
        assert lenient.evidence == strict.evidence

    def test_evidence_is_finite_after_a_long_change(self):
        monitor = ScoreMonitor(scores(300), cut=0.5)
        monitor.update(np.tile([0.9, 0.95], 5000))
        assert np.isfinite(monitor.evidence)

    def test_nan_counts_as_the_lowest_score(self):
        monitor = ScoreMonitor(scores(300), cut=0.5)
        assert monitor.update(np.full(200, np.nan)) == "moved"


class TestSessions:
    @staticmethod
    def stream(n_sessions, seed, each=10):
        """Sessions of ten scores that resemble each other; nothing ever changes."""
        rng = np.random.default_rng(seed)
        level = rng.normal(0.4, 0.1, n_sessions)
        names = np.repeat([f"{seed}-{i}" for i in range(n_sessions)], each)
        return np.repeat(level, each) + rng.normal(0, 0.02, n_sessions * each), names.tolist()

    def test_scores_counted_one_by_one_always_alarm_and_sessions_do_not(self):
        R, blind, ours = 40, 0, 0
        for run in range(R):
            (past, of), (S, names) = self.stream(100, 2 * run), self.stream(100, 2 * run + 1)
            blind += ScoreMonitor(past, cut=0.5, seed=run).update(S) == "moved"
            ours += ScoreMonitor(past, cut=0.5, sessions=of, seed=run).update(S, sessions=names) == "moved"
        assert blind >= 0.5 * R
        assert ours <= binom.isf(1e-4, R, 0.05)

    def test_only_the_first_value_of_a_session_counts(self):
        S = scores(40, 1)
        names = [f"s{i // 4}" for i in range(40)]
        first, all_ = ScoreMonitor(scores(100), cut=0.5), ScoreMonitor(scores(100), cut=0.5)
        all_.update(S, sessions=names)
        first.update(S[::4])
        assert all_.evidence == first.evidence

    def test_a_session_goes_on_in_a_later_update(self):
        once, twice = ScoreMonitor(scores(100), cut=0.5), ScoreMonitor(scores(100), cut=0.5)
        once.update([0.4, 0.5], sessions=["a", "b"])
        twice.update([0.4, 0.5, 0.9], sessions=["a", "b", "a"])
        twice.update([0.9], sessions=["b"])
        assert once.state()[1].keys() == twice.state()[1].keys()
        assert all(np.array_equal(once.state()[1][name], twice.state()[1][name]) for name in once.state()[1])

    def test_few_sessions_are_forgotten(self, monkeypatch):
        monkeypatch.setattr(score_monitor, "REMEMBERED", 2)
        monitor = ScoreMonitor(scores(100), cut=0.5)
        monitor.update([0.4] * 4, sessions=["a", "b", "c", "a"])  # a is new again
        assert len(monitor.state()[1]["sessions"]) == 2
        assert monitor.effect()["now"].interval.n_units == 4

    def test_calibrated_with_sessions_wants_them(self):
        monitor = ScoreMonitor(scores(4), cut=0.5, sessions=list("abcd"))
        with pytest.raises(DataError, match="whose sessions"):
            monitor.update([0.4])


class TestConceptDrift:
    def test_unchanged_scores_never_tell_that_they_mean_less(self):
        """Precision falls from 0.95 to 0.75 while scores stay as they were: only an audit of labels can see it."""
        R, moved, broken = 40, 0, 0
        for run in range(R):
            rng = np.random.default_rng(run)
            moved += ScoreMonitor(scores(200, run), cut=0.5, seed=run).update(scores(500, 900 + run)) == "moved"
            broken += Audit(0.9).update(rng.random(150) < 0.75) == "broken"
        assert moved <= binom.isf(1e-4, R, 0.05)
        assert broken >= 0.9 * R


class TestEffect:
    def test_shares_then_and_now_with_intervals(self):
        past, new = scores(200), scores(100, 1, shift=1)
        monitor = ScoreMonitor(past, cut=0.5)
        monitor.update(new)
        effect = monitor.effect()
        for name, given in (("then", past), ("now", new)):
            reached = int((given >= 0.5).sum())
            assert effect[name].value == reached / len(given)
            assert (effect[name].interval.low, effect[name].interval.high) == wilson(reached, len(given))
            assert effect[name].interval.kind == "estimate"

    def test_now_is_the_latest(self):
        monitor = ScoreMonitor(scores(200), cut=0.5)
        monitor.update(np.r_[np.zeros(700), np.ones(500)])
        assert monitor.effect()["now"].value == 1

    def test_before_anything_came(self):
        with pytest.raises(DataError, match="nothing has come"):
            ScoreMonitor(scores(200), cut=0.5).effect()


class TestState:
    def test_goes_on_where_it_was_saved(self):
        one, names = ScoreMonitor(scores(200), cut=0.5, seed=3), [f"s{i}" for i in range(60)]
        one.update(scores(60, 1), sessions=names)
        saved, arrays = one.state()
        other = ScoreMonitor.from_state(json.loads(json.dumps(saved)), arrays)
        for monitor in (one, other):
            monitor.update(scores(80, 2, shift=1), sessions=names + [f"t{i}" for i in range(20)])
        assert one.evidence == other.evidence
        assert one.effect()["now"].value == other.effect()["now"].value
        assert one.state()[0] == other.state()[0]

    def test_one_by_one_is_as_all_at_once(self):
        S, a, b = scores(300, 1), ScoreMonitor(scores(50), cut=0.5), ScoreMonitor(scores(50), cut=0.5)
        a.update(S)
        for score in S:
            b.update([score])
        assert a.evidence == pytest.approx(b.evidence, rel=1e-9)

    def test_seed_decides_ties_alone(self):
        past, new = np.repeat([0.1, 0.5], 50), np.repeat([0.1, 0.5], 30)
        evidence = {seed: [ScoreMonitor(past, cut=0.5, seed=seed) for _ in range(2)] for seed in (0, 1)}
        for monitors in evidence.values():
            for monitor in monitors:
                monitor.update(new)
        assert evidence[0][0].evidence == evidence[0][1].evidence != evidence[1][0].evidence

    def test_a_generator_of_any_kind_can_be_saved(self):
        monitor = ScoreMonitor(scores(50), cut=0.5, seed=np.random.Generator(np.random.MT19937(0)))
        ScoreMonitor.from_state(*monitor.state()).update([0.4])

    @pytest.mark.parametrize("broken", [{}, {"false_alarm": 0.05, "by_session": False, "streams": {"score": {}}}])
    def test_what_was_not_written_by_it(self, broken):
        with pytest.raises(DataError, match="not a monitor"):
            ScoreMonitor.from_state(broken, {"sessions": np.empty(0, np.uint64)})

    def test_input_unchanged(self):
        past, new = scores(50), scores(50, 1)
        copies = past.copy(), new.copy()
        ScoreMonitor(past, cut=0.5).update(new)
        assert np.array_equal(past, copies[0])
        assert np.array_equal(new, copies[1])


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (lambda: ScoreMonitor([0.1], cut=0.5), DataError, "a few hundred"),
        (lambda: ScoreMonitor(scores(9), cut=0.5, false_alarm=0), DataError, "false_alarm"),
        (lambda: ScoreMonitor(scores(9), cut=np.nan), DataError, "cut"),
        (lambda: ScoreMonitor([["a"]], cut=0.5), DataError, "numbers"),
        (lambda: ScoreMonitor([[0.1]], cut=0.5), ShapeError, r"\(n,\)"),
        (lambda: ScoreMonitor(scores(9), cut=0.5, sessions=["a"]), ShapeError, "sessions"),
        (lambda: ScoreMonitor(scores(9), cut=0.5).update(0.5), ShapeError, r"\(n,\)"),
    ],
)
def test_bad_input(wrong, error, says):
    with pytest.raises(error, match=says):
        wrong()


def test_no_score_changes_nothing():
    monitor = ScoreMonitor(scores(50), cut=0.5)
    assert monitor.update([]) == "valid"
