"""Rules about the hits of a collection, made from labels: the scores of the labelled pairs, and what is promised."""

from typing import Any

import numpy as np

from cosimo.calibrating import Promise, Sample, Use, calibrate
from cosimo.decide import OppositesGuard
from cosimo.decide.rule import Rule
from cosimo.decide.sampling import Design, draw_hits
from cosimo.desk import Desk, best_hits
from cosimo.errors import Refused
from cosimo.judging import StoredRule
from cosimo.label_sheet import LabelSheet, Queries, sheet_of
from cosimo.labels import LabelledPairs, Labels
from cosimo.ledger import note_use, sheet_entry
from cosimo.types import Hits, PerItem

BREAKS_IF = (
    "queries come from elsewhere than the labelled ones, k, filter, index or guard differ, or more than a tenth of the "
    "items come or go"
)
SAMPLING = {
    "natural": "you assert that they are a random sample of the hits of your queries",
    "top-k": "you assert that they are all hits of a random sample of your queries",
    "balanced": "you assert that matches and non-matches are each a random sample",
}


def draw_sheet(
    desk: Desk, queries: Queries, n: int, *, k: int, where: str | None, design: Design, seed: int, progress: bool
) -> LabelSheet:
    """Draw hits to be labelled, and note how in the ledger."""
    hits = desk.search(desk.encode(queries.texts, progress=progress), k, where=where)
    draw = draw_hits(hits.scores, n, design=design, seed=seed)
    asked = {"queries": len(queries.texts), "drawn": len(np.unique(draw.queries)), "per_query": draw.per_query}
    about = {"k": k, "where": where, "design": design, "seed": seed, **asked}
    sheet = sheet_of(draw, hits, queries, {**about, "generation": desk.store.generation})
    note_use(desk.store.shelf, sheet.pairs, "label", {**about, "sheet": sheet.name})
    return sheet


def rule_for_hits(desk: Desk, promise: Promise, labels: Labels, *, k: int, guard: bool) -> StoredRule:
    """A rule that accepts hits."""
    pairs = labels.read("query", "id")
    drawn: dict[str, Any] = {"k": k, "where": None}
    if labels.sampled is None and pairs.sheet is not None:
        drawn = sheet_entry(desk.store.shelf, pairs.sheet, pairs.name)
    if labels.sampled == "balanced" and promise.precision is not None:
        raise Refused(
            f"{pairs.name} holds matches and non-matches drawn apart, and says nothing about how many of the hits "
            "match; draw hits with cosimo label"
        )
    binds = desk.binds(best_hits(drawn["k"]), drawn["where"])
    if labels.by is not None:
        binds["groups"] = labels.by
    use = Use(
        unit="hit",
        scale=desk.view.similarity.scale,
        population=f"pairs of a query like those in {pairs.name} and one of its {drawn['k']} best hits",
        sampling=SAMPLING[labels.sampled] if labels.sampled else _drawn(drawn),
        breaks_if=BREAKS_IF,
        binds=binds,
        guard=OppositesGuard().version if guard else None,
    )
    sample = _sample(desk, labels, pairs, drawn, guard=guard, unfound=promise.recall is not None)
    return _stored(desk, calibrate(promise, sample, use, desk.store.shelf))


def rule_for_queries(desk: Desk, promise: Promise, labels: Labels) -> StoredRule:
    """A rule that tells queries without any match."""
    pairs = labels.read("query", None)
    hits = desk.search(pairs.a, 1)
    best = hits.scores[:, 0] if hits.scores.shape[1] else np.full(len(pairs), -np.inf, np.float32)
    use = Use(
        unit="query",
        scale=desk.view.similarity.scale,
        population=f"queries like the unanswerable ones in {pairs.name}",
        sampling="you assert that they are a random sample of the queries that have no match here",
        breaks_if="queries without a match come from elsewhere than the labelled ones, or filter or index differ",
        binds=desk.binds("the best hit", None),
    )
    rule = calibrate(promise, Sample(pairs, best, pairs.clusters), use, desk.store.shelf)
    return _stored(desk, rule, nulls=desk.encode([a for a, y in zip(pairs.a, pairs.y, strict=True) if not y]))


def _stored(desk: Desk, rule: Rule, nulls: Any = None) -> StoredRule:
    return StoredRule(rule, desk.store.count(), desk.store.last_row(), nulls)


def _drawn(drawn: dict[str, Any]) -> str:
    each = "one hit" if drawn["per_query"] == 1 else f"{drawn['per_query']} hits"
    weighted = ", with known unequal probabilities," if drawn["design"] == "strata" else ""
    return (
        f"drawn at random by cosimo{weighted}: {each} of each of {drawn['drawn']:,} among {drawn['queries']:,} queries"
    )


def _sample(
    desk: Desk, labels: Labels, pairs: LabelledPairs, drawn: dict[str, Any], *, guard: bool, unfound: bool
) -> Sample:
    """The labelled pairs with the scores they have in the search that is decided about.

    unfound
        Whether a pair that the search does not find may stay, with a score of -inf.
    """
    queries = list(dict.fromkeys(pairs.a))
    hits = desk.search(queries, drawn["k"], where=drawn["where"])
    scores, texts, groups = _scores_of(pairs, queries, hits, labels.by)
    lost = int((scores == -np.inf).sum())
    if lost and not unfound:
        raise Refused(
            f"{lost} of the {len(pairs)} labelled pairs in {pairs.name} are not among the {drawn['k']} best hits of "
            "their queries, so they are no sample of them; label hits of this search (cosimo label), or give its k"
        )
    if guard:
        opposite = OppositesGuard().veto(pairs.a, texts).mask
        scores = np.where(opposite, np.float32(-np.inf), scores)
    clusters = pairs.clusters or pairs.a
    most = None if labels.sampled == "top-k" else max(np.unique(clusters, return_counts=True)[1].tolist())
    return Sample(pairs, scores, clusters, most, groups)


def _scores_of(
    pairs: LabelledPairs, queries: list[str], hits: Hits, by: str | None
) -> tuple[PerItem, list[str], list[str] | None]:
    """(n,) score of each pair, the text of its item, and its group."""
    found = {(queries[i], hit.id): hit for i, answers in enumerate(hits) for hit in answers}
    items = [found.get((a, b)) for a, b in zip(pairs.a, pairs.b or (), strict=True)]
    scores = np.array([-np.inf if hit is None else hit.score for hit in items], dtype=hits.scores.dtype)
    groups = None if by is None else [str(hit.payload.get(by)) if hit else "" for hit in items]
    return scores, [(hit.text or "") if hit else "" for hit in items], groups
