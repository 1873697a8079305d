"""From labelled scores to a rule: which decider a promise wants, and what its guarantee is tied to."""

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from cosimo.contracts import Decider
from cosimo.decide import (
    AcceptAskReject,
    FalseAcceptThreshold,
    NoMatch,
    PerGroup,
    PrecisionThreshold,
    RecallThreshold,
)
from cosimo.decide.fitting.labelled import in_unit_interval
from cosimo.errors import DataError, Refused
from cosimo.guarantee import LIKE_LABELLED, Guarantee
from cosimo.passport import fingerprint
from cosimo.rules.labels import LabelledPairs
from cosimo.rules.ledger import Ledger, look_of, next_look, note_outcome, note_use, refuse_used
from cosimo.rules.rule import Judged, Rule
from cosimo.types import PerItem


@dataclass(frozen=True)
class Promise:
    """What is asked for: any of precision and recall at least, or false accepts at most, at a confidence."""

    precision: float | None = None
    recall: float | None = None
    false_accept: float | None = None
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for name in ("precision", "recall", "false_accept", "confidence"):
            if (value := getattr(self, name)) is not None:
                in_unit_interval(value, name)
        if not self.estimands:
            raise DataError("calibrate wants a promise: precision=, recall= or false_accept=")
        if self.false_accept is not None and len(self.estimands) > 1:
            raise DataError("false_accept= is a promise of its own; calibrate it under another name")

    @property
    def estimands(self) -> tuple[str, ...]:
        """Names of what is promised."""
        return tuple(name for name in ("precision", "recall", "false_accept") if getattr(self, name) is not None)

    def decider(self, unit: Judged, look: int, at_most: int | None) -> Decider:
        """The decider that keeps it.

        at_most
            Most labelled pairs of one cluster, where the promise is for a pair; None where it is for a cluster.
        """
        each: Any = {"confidence": self.confidence, "look": look}
        clustered: Any = {"per": "cluster" if at_most is None else "pair", "at_most": at_most}
        if self.false_accept is not None:
            return (NoMatch if unit == "query" else FalseAcceptThreshold)(self.false_accept, **each)
        if self.precision is not None and self.recall is not None:
            return AcceptAskReject(self.precision, self.recall, **clustered, **each)
        if self.precision is not None:
            return PrecisionThreshold(self.precision, **clustered, **each)
        return RecallThreshold(self.recall or 0, **each)


@dataclass(frozen=True, eq=False)
class Sample:
    """Labelled scores, and how their pairs depend on each other.

    scores
        (n,) as they will be served; -inf for a match that is never found or always vetoed.
    clusters
        (n,) names, None where pairs are independent.
    at_most
        Most pairs of a cluster that could be labelled, None for a promise about a random cluster.
    groups
        (n,) the group of each pair, None for one promise for all.
    apart
        Whether matches and non-matches were drawn apart, so that their proportion means nothing.
    """

    pairs: LabelledPairs
    scores: PerItem
    clusters: Sequence[str] | None = None
    at_most: int | None = None
    groups: Sequence[str] | None = None
    apart: bool = False

    def take(self, places: Sequence[int]) -> "Sample":
        """The pairs at these places."""
        return replace(
            self,
            pairs=self.pairs.take(places),
            scores=self.scores[np.asarray(places, dtype=np.int64)],
            clusters=None if self.clusters is None else [self.clusters[i] for i in places],
            groups=None if self.groups is None else [self.groups[i] for i in places],
        )

    def countable(self, promise: Promise) -> "Sample":
        """The pairs that bear on the promise: one that can never be accepted counts only as a match that is missed."""
        kept = (self.scores > -np.inf) | (self.pairs.y & (promise.recall is not None))
        return self.take(np.flatnonzero(kept).tolist())


@dataclass(frozen=True)
class Use:
    """What a rule is made for, and all its guarantee is tied to."""

    unit: Judged
    scale: str
    population: str
    sampling: str
    breaks_if: str
    binds: Mapping[str, str] = field(default_factory=dict)
    guard: str | None = None

    @property
    def bound(self) -> str:
        """A digest of the use: attempts at a promise for the same use are counted together."""
        named = self.population if self.unit == "pair" else ""  # pairs of another file are another population
        return fingerprint({"unit": self.unit, "scale": self.scale, "binds": dict(self.binds), "named": named})


def calibrate(promise: Promise, sample: Sample, use: Use, ledger: Ledger, *, look: int | None = None) -> Rule:
    """A rule that keeps the promise; whether it succeeds or not, the ledger says that it was tried.

    look
        Which attempt this is, where the ledger knows of fewer.

    Raises
    ------
    NotEnoughLabels
        The labels cannot carry the promise.
    Refused
        They were used before to choose something, or are of one class.
    """
    refuse_used(ledger, sample.pairs)
    counted = sample.countable(promise)
    if not len(counted.pairs) and len(sample.pairs):
        raise Refused(
            f"the rule would ask about every one of the {len(sample.pairs)} labelled pairs: the guard finds opposites "
            "in all of them; leave it out (guard=False), or look at the pairs"
        )
    attempt = _attempt(promise, sample, use, look)
    before = look_of(ledger, attempt)  # the same attempt comes out the same, and so costs nothing more
    look = before or max(look or 1, next_look(ledger, promise.estimands, use.bound, sample.pairs.units))
    decider = promise.decider(use.unit, look, sample.at_most)
    if counted.groups is not None:
        decider = PerGroup(decider)
    if stopped := len(sample.pairs) - len(counted.pairs):
        use = replace(use, sampling=f"{use.sampling}; {stopped:,} of {len(sample.pairs):,} can never be accepted")
    about = {"estimands": promise.estimands, "bound": use.bound, "look": look, "attempt": attempt}
    chance = counted.pairs.probability
    if before is None:  # noted before the labels are looked at, or an interruption is free
        note_use(ledger, sample.pairs, "calibrate", about)
    try:
        decider.fit(
            counted.scores,
            counted.pairs.y.astype(np.int8),
            clusters=counted.clusters,
            by=counted.groups,
            weights=None if chance is None else 1 / chance,
            context={"scale": use.scale},
        )
    except Refused:
        if before is None:
            note_outcome(ledger, "refused")
        raise
    if before is None:
        note_outcome(ledger, "certified")
    if sample.apart and hasattr(decider, "calibrator_"):
        decider.calibrator_ = None
    return made(decider, use)


def _attempt(promise: Promise, sample: Sample, use: Use, look: int | None) -> str:
    """A digest of all that the outcome of an attempt depends on."""
    pairs, chance = sample.pairs, sample.pairs.probability
    arrays = [pairs.units, pairs.y, sample.scores, np.zeros(0) if chance is None else chance]
    names = [list(given) if given is not None else None for given in (sample.clusters, sample.groups)]
    told = {"promise": asdict(promise), "use": asdict(use), "at_most": sample.at_most, "names": names, "look": look}
    digests = [hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() for array in arrays]
    return fingerprint({**told, "apart": sample.apart, "arrays": digests})


def made(decider: Decider, use: Use) -> Rule:
    """A rule from a fitted decider, its guarantees completed by what it is used for."""
    if decider.guarantee is None:
        raise DataError(f"{type(decider).__name__} is not fitted")
    known = getattr(decider, "guarantees", (decider.guarantee,))
    first, *beside = (_completed(guarantee, use) for guarantee in known)
    return Rule(decider, use.scale, use.unit, first, use.guard, tuple(beside))


def _completed(known: Guarantee, use: Use) -> Guarantee:
    return replace(
        known,
        population=_population(known.population, use),
        sampling=use.sampling,
        binds={**use.binds, **({"guard": use.guard} if use.guard else {})},
        breaks_if=use.breaks_if,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def _population(known: str, use: Use) -> str:
    """What a decider says of the population (its groups, perhaps), with what only the use knows in its place."""
    return known.replace(LIKE_LABELLED, use.population) if LIKE_LABELLED in known else use.population
