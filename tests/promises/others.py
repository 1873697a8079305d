"""Promises of recall, false accepts, coverage and "no match", and the false alarms of monitors."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import beta

from cosimo.decide import ConformalRetriever, FalseAcceptThreshold, NoMatch, RecallThreshold, ScoreMonitor
from promises.outcomes import Outcome, Unjudged, certified, limit, simulate

UNIFORM = "scores uniform"


def confident(runs: int) -> Iterator[Outcome]:
    """Each calibration must keep its promise with probability 0.95; with uniform scores the cut is the truth."""
    cases = {
        "recall at least 0.95": (
            lambda: RecallThreshold(0.95, look=None, calibrator=Unjudged()), lambda t: 1 - t >= 0.95
        ),
        "false accepts at most 0.05": (
            lambda: FalseAcceptThreshold(0.05, look=None, calibrator=Unjudged()), lambda t: 1 - t <= 0.05
        ),
        "coverage at least 0.95": (
            lambda: ConformalRetriever(0.05, kind="confident", look=None), lambda t: 1 - t >= 0.95
        ),
        "false found at most 0.05": (
            lambda: NoMatch(0.05, kind="confident", look=None), lambda t: 1 - t <= 0.05
        ),
    }  # fmt: skip
    for name, (rule, holds) in cases.items():
        for n in (100, 300, 1000):
            yield simulate(
                f"{name}, {n} labels", "cosimo (confident)", lambda rng, n=n: rng.uniform(size=n),
                lambda S, rule=rule: certified(rule(), S), lambda t, holds=holds: (holds(t), np.nan), runs=runs,
            )  # fmt: skip
            quantile = 0.05 if "recall" in name or "coverage" in name else 0.95
            yield simulate(
                f"{name}, {n} labels", "numpy.quantile", lambda rng, n=n: rng.uniform(size=n),
                lambda S, q=quantile: float(np.quantile(S, q)), lambda t, holds=holds: (holds(t), np.nan), runs=runs,
            )  # fmt: skip


def average(runs: int, sizes=(20, 50, 300)) -> list[dict]:
    """Coverage promised on average: its mean over calibrations, with the band that the Beta law allows."""
    rng, rows = np.random.default_rng(0), []
    for n in sizes:
        alpha = 0.1 if n < 50 else 0.05
        cuts = [[], []]
        for _ in range(runs):
            S = rng.uniform(size=n)
            cuts[0].append(certified(ConformalRetriever(alpha, kind="average", look=None), S))
            cuts[1].append(float(np.quantile(S, alpha)))
        place = int(alpha * (n + 1))
        law = beta(n + 1 - place, place)
        slack = 4 * law.std() / np.sqrt(runs)
        for method, found in zip(("cosimo (average)", "numpy.percentile"), cuts, strict=True):
            covered = 1 - np.array(found, float)
            rows.append(
                {
                    "design": f"coverage {1 - alpha:g} on average, {n} queries", "method": method, "runs": runs,
                    "mean": round(float(covered.mean()), 4), "below in": round(float((covered < 1 - alpha).mean()), 3),
                    "wanted": round(1 - alpha - slack, 4), "kept": bool(covered.mean() >= 1 - alpha - slack),
                }
            )  # fmt: skip
    return rows


def alarms(runs: int, steps: int = 10_000, n: int = 100) -> list[dict]:
    """Monitors on streams: without drift, in sessions, with another meaning at the same scores, and with drift."""
    rng, rows = np.random.default_rng(0), []

    def share(stream) -> float:
        moved = 0
        for i in range(runs):
            scores, sessions = stream(rng)
            monitor = ScoreMonitor(rng.normal(size=n), cut=0.5, false_alarm=0.05, seed=i)
            moved += monitor.update(scores, sessions=sessions) == "moved"
        return moved / runs

    def sessions(rng):
        size = 20
        level = np.repeat(rng.normal(0, 0.8, steps // size), size)
        return level + rng.normal(0, 0.6, steps), [str(i // size) for i in range(steps)]

    calm = share(lambda rng: (rng.normal(size=steps), None))
    rows.append({"design": f"no drift, {steps:,} scores", "alarmed": calm, "kept": calm * runs <= limit(runs, 0.05)})
    clustered = share(sessions)
    kept = clustered * runs <= limit(runs, 0.05)
    rows.append({"design": "sessions of 20 alike, one value a session", "alarmed": clustered, "kept": kept})
    drifted = share(lambda rng: (rng.normal(-0.3, 1, 2000), None))
    shifted = "scores 0.3 standard deviations lower, 2,000 scores"
    rows.append({"design": shifted, "alarmed": drifted, "kept": "power, no promise"})
    return rows
