r"""Monitor of scores: notices, without a label, that scores are no longer what they were at calibration.

    alarm when M_t >= 1 / epsilon,      M the martingale of `rank_martingale`

As long as the stream is exchangeable with the calibration scores, there is ever an alarm with probability at most
epsilon, however long one watches. After one, the scores have *moved*, and so may have whatever was promised; how far is
another question, which `effect` answers.

Symbols: epsilon -> `false_alarm`; M_t -> `evidence`, the largest so far.

Pitfalls: scores of one session resemble each other, and counted one by one they always alarm: one value a
session. Real streams have hours and bursts, which are changes as well; look at `effect` before acting. No alarm is no
evidence that a promise holds: what a score means may change while the scores do not, which only `Audit` sees. The alarm
comes some time after the change, and what was decided in between is not covered.

Reference: Vovk, Nouretdinov and Gammerman, Testing exchangeability on-line (2003); Vovk, Testing randomness online
(2021), https://arxiv.org/abs/1906.09256
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo._random import Seed, generator
from cosimo.decide.fitting.labelled import as_scores, in_unit_interval
from cosimo.decide.monitors.rank_martingale import Stream
from cosimo.errors import DataError, ShapeError
from cosimo.guarantee import State
from cosimo.types import Estimate, PerItem

REMEMBERED = 65_536
"""Latest sessions that are known again when more of their items come."""

Arrays = Mapping[str, NDArray[Any]]


@final
class Watch:
    """Several numbers of each item, watched together: an alarm when one of J martingales reaches J / epsilon.

    values
        Name of each number to its calibration values (n,).
    cuts
        Name of each number to the cut whose share is compared in `effect`.
    """

    def __init__(
        self,
        values: Mapping[str, PerItem],
        cuts: Mapping[str, float],
        *,
        false_alarm: float,
        sessions: Sequence[Any] | None,
        seed: Seed,
    ) -> None:
        in_unit_interval(false_alarm, "false_alarm")
        self.false_alarm = false_alarm
        self.by_session = sessions is not None
        self.known: dict[int, None] = {}
        first = self._first(sessions, len(next(iter(values.values()))))
        if first.sum() < 2:
            raise DataError(f"a monitor compares with calibration values, and got {first.sum()}; give a few hundred")
        rng = generator(seed)
        self.streams = {name: Stream.calibrated(column[first], cuts[name], rng) for name, column in values.items()}

    @property
    def evidence(self) -> float:
        """Largest martingale so far, divided by their number; an alarm from 1 / false_alarm on."""
        highest = max(stream.highest for stream in self.streams.values())
        return math.exp(min(highest, 700.0)) / len(self.streams)

    @property
    def verdict(self) -> State:
        """`moved` once there has been an alarm."""
        return "moved" if self.evidence >= 1 / self.false_alarm else "valid"

    def push(self, values: Mapping[str, PerItem], sessions: Sequence[Any] | None) -> State:
        """Take in new values (n,) of each number, the first of each session."""
        if self.by_session and sessions is None:
            raise DataError("this monitor was calibrated with one value a session; say whose sessions these are")
        first = self._first(sessions, len(next(iter(values.values()))))
        for name, stream in self.streams.items():
            stream.push(values[name][first])
        return self.verdict

    def effects(self) -> Mapping[str, Mapping[str, Estimate]]:
        """Name of each number to its share beyond the cut, then and now."""
        return {name: stream.effect("session" if self.by_session else "item") for name, stream in self.streams.items()}

    def state(self, kind: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        saved: dict[str, Any] = {"kind": kind, "false_alarm": self.false_alarm, "by_session": self.by_session}
        saved["streams"] = {}
        arrays = {"sessions": np.array(list(self.known), dtype=np.uint64)}
        for name, stream in self.streams.items():
            saved["streams"][name], own = stream.state()
            arrays |= {f"{name} {part}": array for part, array in own.items()}
        return saved, arrays

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Arrays) -> Self:
        """The watch written by `state`."""
        try:
            watch = cls.__new__(cls)
            watch.false_alarm, watch.by_session = float(saved["false_alarm"]), bool(saved["by_session"])
            watch.known = dict.fromkeys(arrays["sessions"].tolist())
            parts = {tuple(name.rsplit(" ", 1)): array for name, array in arrays.items() if " " in name}
            watch.streams = {
                name: Stream.from_state(own, {part: array for (of, part), array in parts.items() if of == name})
                for name, own in saved["streams"].items()
            }
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"this is not a monitor written by cosimo ({type(error).__name__}: {error})") from error
        return watch

    def _first(self, sessions: Sequence[Any] | None, n: int) -> NDArray[np.bool_]:
        """(n,) bool, the first item of each session that is not known yet; all of them without sessions."""
        if sessions is None:
            return np.ones(n, bool)
        if len(sessions) != n:
            raise ShapeError(f"sessions must have length {n} like the items, got {len(sessions)}")
        first = np.zeros(n, bool)
        for i, session in enumerate(sessions):
            digest = int.from_bytes(hashlib.blake2b(str(session).encode(), digest_size=8).digest())
            first[i] = digest not in self.known
            self.known[digest] = None
            if len(self.known) > REMEMBERED:
                del self.known[next(iter(self.known))]
        return first


@final
class ScoreMonitor:
    """Watches the scores that a rule decides about.

    scores
        (n,) calibration scores, a few hundred; of the same unit and path as those to come.
    cut
        Score from which the rule accepts.
    false_alarm
        Probability of ever alarming while nothing changes.
    sessions
        (n,) whose score each is: a session, a user, a distinct query. One value of each counts.

    >>> rng = np.random.default_rng(0)
    >>> monitor = ScoreMonitor(rng.normal(-0.1, 0.2, 300), cut=0.2)
    >>> monitor.update(rng.normal(-0.1, 0.2, 300))
    'valid'
    >>> monitor.update(rng.normal(0.1, 0.2, 300))
    'moved'
    >>> effect = monitor.effect()
    >>> round(effect["then"].value, 2), round(effect["now"].value, 2)
    (0.06, 0.19)
    """

    def __init__(
        self,
        scores: ArrayLike,
        *,
        cut: float,
        false_alarm: float = 0.05,
        sessions: Sequence[Any] | None = None,
        seed: Seed = 0,
    ) -> None:
        if math.isnan(cut):
            raise DataError("the cut is NaN; give the score from which the rule accepts")
        values = {"score": as_scores(scores)}
        self._watch = Watch(values, {"score": cut}, false_alarm=false_alarm, sessions=sessions, seed=seed)

    @property
    def evidence(self) -> float:
        """Largest value of the martingale so far; an alarm from 1 / false_alarm on."""
        return self._watch.evidence

    @property
    def verdict(self) -> State:
        """`moved` once there has been an alarm, `valid` before."""
        return self._watch.verdict

    def update(self, scores: ArrayLike, *, sessions: Sequence[Any] | None = None) -> State:
        """Take in new scores (n,) in the order in which they came, and say how things stand.

        sessions
            (n,) whose score each is; wanted where the calibration scores had sessions.
        """
        return self._watch.push({"score": as_scores(scores)}, sessions)

    def effect(self) -> Mapping[str, Estimate]:
        """Share of scores that are accepted, `then` at calibration and `now` among the latest, with intervals."""
        return self._watch.effects()["score"]

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        return self._watch.state("score_monitor")

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Arrays) -> Self:
        """The monitor written by `state`; `DataError` where it is none."""
        monitor = cls.__new__(cls)
        monitor._watch = Watch.from_state(saved, arrays)
        return monitor
