"""Rules at work on hits: whether a stored rule still fits the collection, and what it says of each hit.

A rule is stored with the number of items there were and the last row there was. It is *stale* when more than a tenth
of them are gone, or as many have come. A rule about queries grows with the collection instead: the best scores of the
queries that are known to have no match are raised to those of new items.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cosimo.contracts import Similarity
from cosimo.decide import NoMatch, OppositesGuard
from cosimo.errors import DataError, GuaranteeVoid, Refused
from cosimo.guarantee import State
from cosimo.rules.desk import Desk, best_hits, best_scores
from cosimo.rules.rule import Rule, decode_array, encode_array
from cosimo.types import Hits, PerItem, Query, Vectors

GROWTH = 0.10
"""Share of items that may come or go before a guarantee about hits is stale."""
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

    def write(self, desk: Desk, name: str) -> None:
        """Keep it under this name."""
        nulls = None if self.nulls is None else encode_array(self.nulls)
        saved = {"rule": self.rule.to_json(), "items": self.items, "row": self.row, "nulls": nulls}
        desk.store.shelf.put(name, saved)

    @classmethod
    def read(cls, desk: Desk, name: str) -> "StoredRule":
        """The rule under this name; `DataError` where there is none."""
        saved = desk.store.shelf.get(name)
        if saved is None:
            known = ", ".join(desk.store.shelf.names()) or "none"
            raise DataError(f"there is no rule {name!r} here (rules: {known}); make one with calibrate")
        nulls = None if saved["nulls"] is None else decode_array(saved["nulls"])
        return cls(Rule.from_json(saved["rule"]), int(saved["items"]), int(saved["row"]), nulls)

    def today(self, desk: Desk) -> Rule:
        """The rule as it holds for the items there are now; stale where it does not."""
        if self.rule.guarantee.state != "valid":
            return self.rule
        if self.nulls is not None and isinstance(self.rule.decider, NoMatch):
            grown = desk.store.last_row() > self.row
            best = desk.once((self.row, self.nulls.tobytes()), lambda: self._best(desk)) if grown else None
            return self.rule if best is None else replace(self.rule, decider=self.rule.decider.raised(best))
        return self.rule if changed(desk, self.items, self.row) <= GROWTH else self.rule.in_state("stale")

    def _best(self, desk: Desk) -> PerItem:
        """(n,) the best score of each known query among the items that have come."""
        Q = np.empty((0, 0), np.float32) if self.nulls is None else self.nulls
        best = np.full(len(Q), -np.inf, np.float32)
        similarity: Similarity = desk.view.similarity
        for _, X in desk.store.vectors(desk.view.kind, after=self.row, live=True):
            best = np.maximum(best, similarity(Q, X).max(axis=1))
        return best


def changed(desk: Desk, items: int, row: int) -> float:
    """Share of items that came or went, the larger of the two, since there were `items` up to `row`."""
    rows, kept = desk.once(row, lambda: _rows_and_kept(desk, row))
    return max(rows - kept, items - kept) / max(items, 1)


def _rows_and_kept(desk: Desk, row: int) -> tuple[int, int]:
    rows = desk.store.rows()
    return len(rows), int(np.searchsorted(rows, row, side="right"))


def rule_named(desk: Desk, name: str) -> Rule:
    """The rule under this name, as it holds today."""
    return StoredRule.read(desk, name).today(desk)


def mark(desk: Desk, name: str, state: State) -> None:
    """Keep the rule under this name in another state."""
    stored = StoredRule.read(desk, name)
    replace(stored, rule=stored.rule.in_state(state)).write(desk, name)


def judged(desk: Desk, hits: Hits, query: Query, *, decider: str | Rule | None, plain: bool) -> Hits:
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
        return _apply(desk, decider, hits, query, plain)
    if decider != "auto":
        return _apply(desk, rule_named(desk, decider), hits, query, plain)
    kept = desk.store.shelf.names()
    for name in [name for name in AUTO if name in kept]:
        try:
            hits = _apply(desk, rule_named(desk, name), hits, query, plain)
        except Refused as reason:
            warnings.warn(f"hits come without the decisions of the rule {name!r}: {reason}", stacklevel=4)
    return hits


def _apply(desk: Desk, rule: Rule, hits: Hits, query: Query, plain: bool) -> Hits:
    if not plain:
        raise GuaranteeVoid("the rule is about searches by vector alone; stages and fusion make other scores")
    candidates = best_hits(query.k) if rule.unit == "hit" else rule.binds.get("candidates", "")
    now = desk.binds(candidates, query.where)
    kept = {name: rule.binds[name] for name in ("guard", "groups") if name in rule.binds}
    if rule.guard is not None:
        kept["guard"] = OppositesGuard().version
    rule.require(now | kept, "this search")
    if query.min_score is not None:
        raise GuaranteeVoid("the rule is about all of the best hits; min_score leaves some of them out")
    return _matched(rule, hits) if rule.unit == "query" else _decided(rule, hits, query)


def _matched(rule: Rule, hits: Hits) -> Hits:
    return replace(hits, matched=rule.judge(best_scores(hits), scale=hits.scale, unit="query").decision == 1)


def _decided(rule: Rule, hits: Hits, query: Query) -> Hits:
    found = hits.rows >= 0
    veto = _opposites(hits, query, found) if rule.guard is not None else None
    context: Mapping[str, Any] = {}
    if "groups" in rule.binds:
        column = rule.binds["groups"]
        context = {"by": [str(hits.items[int(row)].payload.get(column)) for row in hits.rows[found]]}
    judgements = rule.judge(hits.scores[found], scale=hits.scale, unit="hit", veto=veto, context=context)
    decision = np.zeros(hits.rows.shape, np.int8)
    decision[found] = judgements.decision
    probability = None
    if judgements.probability is not None:
        probability = np.full(hits.rows.shape, np.nan, hits.scores.dtype)
        probability[found] = judgements.probability
    return replace(hits, decision=decision, probability=probability, matched=(decision == 1).any(axis=1))


def _opposites(hits: Hits, query: Query, found: Any) -> list[str | None]:
    if query.items is None:
        raise GuaranteeVoid("the rule reads queries for opposites, and got vectors; search with texts")
    places = np.argwhere(found).tolist()
    texts = [str(query.items[i]) for i, _ in places]
    return list(OppositesGuard().veto(texts, [hits.items[int(hits.rows[i, j])].text or "" for i, j in places]).reasons)
