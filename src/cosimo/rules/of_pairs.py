"""Rules about pairs of items, made from labels: which pairs count, and what is promised of them."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cosimo.contracts import Similarity
from cosimo.encode import data_home
from cosimo.errors import DataError, Refused
from cosimo.passport import Passport
from cosimo.rules.labels import ASSERTED, FOUND, LabelledPairs, Labels
from cosimo.rules.ledger import FileLedger
from cosimo.rules.promise import Promise, Sample, Use, calibrate
from cosimo.rules.rule import Judgements, Rule
from cosimo.rules.sampling import node_disjoint
from cosimo.rules.validity import guarded, opposites
from cosimo.types import PerItem

BREAKS_IF = (
    "pairs are drawn in another way than the labelled ones, such as typed in by hand or found by another search, or "
    "the space or the guard differs"
)


class PairScorer(Protocol):
    """What rules for pairs need of a space."""

    @property
    def passport(self) -> Passport:
        """What the scores depend on."""

    @property
    def similarity_function(self) -> Similarity:
        """What makes the scores."""

    def similarity_pairwise(self, a: Any, b: Any) -> PerItem:
        """(n,) scores of item i of `a` against item i of `b`."""


def ledger_path() -> Path:
    """Where attempts at rules that belong to no collection are noted."""
    return data_home() / "ledger.jsonl"


def rule_for_pairs(space: PairScorer, promise: Promise, labels: Labels, *, guard: bool, look: int | None) -> Rule:
    """A rule that accepts pairs of items."""
    pairs = labels.read("a", "b")
    if labels.sampled == "balanced" and promise.precision is not None:
        raise Refused(
            f"{pairs.name} holds matches and non-matches drawn apart, and says nothing about how many of the pairs "
            "match; label a random sample of the pairs that will be decided (--sampled natural)"
        )
    if labels.by is not None and pairs.groups is None:
        raise DataError(f"{pairs.name} has no column {labels.by!r} for the group of each pair")
    design = _designed(pairs, labels)
    sides = design.pairs.a, design.pairs.b or []
    scores = space.similarity_pairwise(*sides)
    veto = opposites(guard, *sides)
    if veto is not None:
        scores = np.where(veto.mask, scores.dtype.type(-np.inf), scores)
    use = Use(
        unit="pair",
        scale=space.similarity_function.scale,
        population=f"pairs drawn as those in {pairs.name} were" + design.scope,
        sampling=ASSERTED["pair"][labels.sampled or "natural"] + design.note,
        breaks_if=BREAKS_IF,
        binds={"space": space.passport.key, **pairs.found},
        guard=guarded(guard).get("guard"),
    )
    apart = labels.sampled == "balanced"
    sample = Sample(design.pairs, scores, design.clusters, None, design.pairs.groups, apart)
    return calibrate(promise, sample, use, FileLedger(ledger_path()), look=look)


@dataclass(frozen=True, eq=False)
class _Design:
    """Pairs that are used, what makes them depend on each other, and what there is to say about it."""

    pairs: LabelledPairs
    clusters: list[str] | None
    scope: str = ""
    note: str = ""


def _designed(pairs: LabelledPairs, labels: Labels) -> _Design:
    """Pairs that share items depend on each other: they are clusters that were labelled whole, or thinned out."""
    a, b = pairs.a, pairs.b or []
    if pairs.clusters is not None:
        return _Design(pairs, pairs.clusters)
    if labels.sampled == "top-k":
        return _Design(pairs, a, " for new first items against the same second ones")
    if max(Counter([*a, *b]).values()) == 1:
        return _Design(pairs, None)
    kept = node_disjoint(a, b)
    if len(kept) < len(pairs):
        warnings.warn(
            f"items of {pairs.name} occur in several pairs, and such pairs are not independent: {len(kept):,} of "
            f"{len(pairs):,} pairs are used, of which no two share an item. Where all candidates of each item on one "
            "side were labelled, name that column of clusters to use them all",
            stacklevel=4,
        )
    note = f"; of them {len(kept):,} that share no item, chosen without a look at scores or labels"
    return _Design(pairs.take(kept), None, " and thinned out until no two share an item", note)


def judge_pairs(space: PairScorer, rule: Rule, a: Any, b: Any, by: Sequence[str] | None) -> Judgements:
    """What a rule says of pairs."""
    known = {name: rule.binds[name] for name in FOUND if name in rule.binds}  # nobody knows how these were found
    veto = None if rule.guard is None else opposites(rule.guard, _texts(a), _texts(b))
    if rule.unit == "pair":
        rule.require({"space": space.passport.key, **known, **guarded(rule.guard)}, "these pairs")
    context = {} if by is None else {"by": by}
    scores = space.similarity_pairwise(a, b)
    return rule.judge(
        scores,
        scale=space.similarity_function.scale,
        unit="pair",
        veto=None if veto is None else veto.reasons,
        context=context,
    )


def _texts(items: Any) -> list[str]:
    if isinstance(items, str) or not all(isinstance(item, str) for item in items):
        raise DataError("the rule reads pairs for opposites, so it wants two lists of texts")
    return list(items)
