"""Rules at work on hits: whether a stored rule still fits the collection, and what it says of each hit.

A rule is stored with the number of items there were and the last row there was. It is *stale* when more than a tenth
of them are gone, or as many have come. A rule about queries grows with the collection instead: the best scores of the
queries that are known to have no match are raised to those of new items.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cosimo.contracts import Searcher
from cosimo.decide import NoMatch
from cosimo.errors import DataError, GuaranteeVoid, Refused
from cosimo.guarantee import State
from cosimo.rules.labels import is_missing
from cosimo.rules.rule import Rule, decode_array, encode_array
from cosimo.rules.validity import guarded, opposites, outgrown
from cosimo.search.stores.shelf import Shelf
from cosimo.types import Hits, PerItem, Query, Vectors

AUTO: tuple[str, ...] = ("search", "match")
"""Rules that a search uses without being told to: what hits are, and whether there is any match."""


@dataclass(frozen=True, eq=False)
class StoredRule:
    """A rule as a collection keeps it.

    items, row
        How many items there were, and the last row, when it was made.
    nulls
        (n, d) vectors of the queries known to have no match, for a rule about queries.
    """

    rule: Rule
    items: int
    row: int
    nulls: Vectors | None = None

    def write(self, shelf: Shelf, name: str) -> None:
        """Keep it under this name."""
        nulls = None if self.nulls is None else encode_array(self.nulls)
        saved = {"rule": self.rule.to_json(), "items": self.items, "row": self.row, "nulls": nulls}
        shelf.put(name, saved)

    @classmethod
    def read(cls, shelf: Shelf, name: str) -> "StoredRule":
        """The rule under this name; `DataError` where there is none."""
        saved = shelf.get(name)
        if saved is None:
            known = ", ".join(shelf.names()) or "none"
            raise DataError(f"there is no rule {name!r} here (rules: {known}); make one with calibrate")
        nulls = None if saved["nulls"] is None else decode_array(saved["nulls"])
        return cls(Rule.from_json(saved["rule"]), int(saved["items"]), int(saved["row"]), nulls)

    def today(self, searcher: Searcher) -> Rule:
        """The rule as it holds for the items there are now; stale where it does not."""
        if self.rule.guarantee.state != "valid":
            return self.rule
        kept, came = searcher.kept_and_new(self.row)
        if self.nulls is not None and isinstance(self.rule.decider, NoMatch):
            if not came:
                return self.rule
            best = searcher.best_since(self.row, self.nulls)
            return replace(self.rule, decider=self.rule.decider.raised(best))
        return self.rule.in_state("stale") if outgrown(self.items, came=came, went=self.items - kept) else self.rule


def best_hits(k: int) -> str:
    """How the candidates of a search for k hits are called."""
    return f"the {k} best hits"


def best_scores(hits: Hits) -> PerItem:
    """(n,) the score of the best hit of each query, -inf where it has none."""
    return hits.scores[:, 0] if hits.scores.shape[1] else np.full(len(hits), -np.inf, np.float32)


def rule_named(searcher: Searcher, shelf: Shelf, name: str) -> Rule:
    """The rule under this name, as it holds today."""
    return StoredRule.read(shelf, name).today(searcher)


def mark(shelf: Shelf, name: str, state: State) -> None:
    """Keep the rule under this name in another state."""
    stored = StoredRule.read(shelf, name)
    replace(stored, rule=stored.rule.in_state(state)).write(shelf, name)


def judged(
    searcher: Searcher, shelf: Shelf, hits: Hits, query: Query, *, decider: str | Rule | None, plain: bool
) -> Hits:
    """The hits with what the rules say of them.

    decider
        A rule or its name, which must fit this search; `auto` for those of the usual names that do; None for none.
    plain
        Whether the scores are the space's own, and not made by stages.

    Raises
    ------
    Refused
        A rule asked for by name says nothing about this search.
    """
    if decider is None:
        return hits
    if isinstance(decider, Rule):
        return _apply(searcher, decider, hits, query, plain)
    if decider != "auto":
        return _apply(searcher, rule_named(searcher, shelf, decider), hits, query, plain)
    kept = shelf.names()
    for name in [name for name in AUTO if name in kept]:
        try:
            hits = _apply(searcher, rule_named(searcher, shelf, name), hits, query, plain)
        except Refused as reason:
            warnings.warn(f"hits come without the decisions of the rule {name!r}: {reason}", stacklevel=4)
    return hits


def _apply(searcher: Searcher, rule: Rule, hits: Hits, query: Query, plain: bool) -> Hits:
    if not plain:
        raise GuaranteeVoid("the rule is about searches by vector alone; stages and fusion make other scores")
    candidates = best_hits(query.k) if rule.unit == "hit" else rule.binds.get("candidates", "")
    now = searcher.binds(candidates, query.where)
    kept = {name: rule.binds[name] for name in ("guard", "groups") if name in rule.binds}
    rule.require(now | kept | guarded(rule.guard), "this search")
    if query.min_score is not None:
        raise GuaranteeVoid("the rule is about all of the best hits; min_score leaves some of them out")
    return _matched(rule, hits) if rule.unit == "query" else _decided(rule, hits, query)


def _matched(rule: Rule, hits: Hits) -> Hits:
    return replace(hits, matched=rule.judge(best_scores(hits), scale=hits.scale, unit="query").decision == 1)


def _decided(rule: Rule, hits: Hits, query: Query) -> Hits:
    found = hits.rows >= 0
    veto = _opposites(rule, hits, query, found)
    context: Mapping[str, Any] = {}
    if "groups" in rule.binds:
        column = rule.binds["groups"]
        values = [hits.items[int(row)].payload.get(column) for row in hits.rows[found]]
        context = {"by": ["" if is_missing(value) else str(value) for value in values]}  # "" is nobody's group
    judgements = rule.judge(hits.scores[found], scale=hits.scale, unit="hit", veto=veto, context=context)
    decision = np.zeros(hits.rows.shape, np.int8)
    decision[found] = judgements.decision
    probability = None
    if judgements.probability is not None:
        probability = np.full(hits.rows.shape, np.nan, hits.scores.dtype)
        probability[found] = judgements.probability
    return replace(hits, decision=decision, probability=probability, matched=(decision == 1).any(axis=1))


def _opposites(rule: Rule, hits: Hits, query: Query, found: Any) -> Sequence[str | None] | None:
    if rule.guard is None:
        return None
    if query.items is None:
        raise GuaranteeVoid("the rule reads queries for opposites, and got vectors; search with texts")
    places = np.argwhere(found).tolist()
    texts = [str(query.items[i]) for i, _ in places]
    veto = opposites(rule.guard, texts, [hits.items[int(hits.rows[i, j])].text or "" for i, j in places])
    return None if veto is None else veto.reasons
