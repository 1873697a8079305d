"""Rules about the hits of a collection, made from labels: the scores of the labelled pairs, and what is promised."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from cosimo.contracts import Searcher
from cosimo.errors import DataError, Refused
from cosimo.rules.labels import ASSERTED, LabelledPairs, Labels, group_names
from cosimo.rules.ledger import note_use, sheet_entry
from cosimo.rules.promise import Promise, Sample, Use, calibrate
from cosimo.rules.rule import Rule
from cosimo.rules.sampling import Design, draw_hits
from cosimo.rules.serving import StoredRule, best_hits, best_scores
from cosimo.rules.sheet import LabelSheet, Queries, sheet_of
from cosimo.rules.validity import guarded, opposites, outgrown
from cosimo.search.stores.shelf import Shelf
from cosimo.types import Hit, Hits

BREAKS_IF = (
    "queries come from elsewhere than the labelled ones, k, filter, index or guard differ, or more than a tenth of the "
    "items come or go"
)


@dataclass(frozen=True)
class Drawing:
    """How hits are drawn to be labelled: about n of the k best of each query, and by which design."""

    n: int
    k: int
    where: str | None
    design: Design
    seed: int


def draw_sheet(
    searcher: Searcher, shelf: Shelf, queries: Queries, asked: Drawing, *, progress: bool = False
) -> LabelSheet:
    """Draw hits to be labelled, and note in the ledger how, which, and from what."""
    k, where, design, seed = asked.k, asked.where, asked.design, asked.seed
    hits = searcher.search(searcher.encode(queries.texts, progress=progress), k, where=where)
    draw = draw_hits(hits.scores, asked.n, design=design, seed=seed)
    about: dict[str, Any] = {"k": k, "where": where, "design": design, "seed": seed, "per_query": draw.per_query}
    about |= {"queries": len(queries.texts), "drawn": len(np.unique(draw.queries))}
    about |= asdict(searcher.extent)
    sheet = sheet_of(draw, hits, queries, about)
    chances = {"chances": [record["probability"] for record in sheet]} if design == "strata" else {}
    note_use(shelf, sheet.pairs, "label", {**about, **chances, "sheet": sheet.name})
    return sheet


@dataclass(frozen=True)
class Drawn:
    """How labelled pairs were drawn, and from which state of the collection.

    most
        Most pairs of one query that could be drawn, None where queries were labelled whole.
    """

    k: int
    where: str | None
    items: int
    row: int
    most: int | None
    sampling: str


def rule_for_hits(
    searcher: Searcher, shelf: Shelf, promise: Promise, labels: Labels, *, k: int, guard: bool
) -> StoredRule:
    """A rule that accepts hits."""
    pairs = labels.read("query", "id")
    if labels.sampled == "balanced" and promise.precision is not None:
        raise Refused(
            f"{pairs.name} holds matches and non-matches drawn apart, and says nothing about how many of the hits "
            "match; draw hits with cosimo label"
        )
    if labels.by is not None and labels.by not in searcher.fields:
        raise DataError(f"by={labels.by!r} is no declared field of this collection")
    if pairs.sheet is None:
        drawn = _foreign(searcher, labels, k)
    else:
        pairs, drawn = _of_sheet(searcher, shelf, pairs)
    sample = _sample(searcher, labels, pairs, drawn, guard=guard, unfound=promise.recall is not None)
    note = ""
    if promise.recall is not None and labels.sampled != "top-k" and labels.clusters is None:
        sample, note = _one_a_query(sample)
    binds = searcher.binds(best_hits(drawn.k), drawn.where)
    if labels.by is not None:
        binds["groups"] = labels.by
    use = Use(
        unit="hit",
        scale=searcher.scale,
        population=f"pairs of a query like those in {pairs.name} and one of its {drawn.k} best hits",
        sampling=drawn.sampling + note,
        breaks_if=BREAKS_IF,
        binds=binds,
        guard=guarded(guard).get("guard"),
    )
    return StoredRule(calibrate(promise, sample, use, shelf), drawn.items, drawn.row)


def rule_for_queries(searcher: Searcher, shelf: Shelf, promise: Promise, labels: Labels) -> StoredRule:
    """A rule that tells queries without any match."""
    pairs = labels.read("query", None)
    pairs = pairs.take([pairs.a.index(text) for text in dict.fromkeys(pairs.a)])  # a query asked twice is one
    best = best_scores(searcher.search(pairs.a, 1))
    use = Use(
        unit="query",
        scale=searcher.scale,
        population=f"queries like the unanswerable ones in {pairs.name}",
        sampling="you assert that they are a random sample of the queries that have no match here",
        breaks_if="queries without a match come from elsewhere than the labelled ones, or filter or index differ",
        binds=searcher.binds("the best hit", None),
    )
    rule: Rule = calibrate(promise, Sample(pairs, best, pairs.clusters), use, shelf)
    nulls = searcher.encode([a for a, y in zip(pairs.a, pairs.y, strict=True) if not y])
    now = searcher.extent
    return StoredRule(rule, now.items, now.row, nulls)


def _of_sheet(searcher: Searcher, shelf: Shelf, pairs: LabelledPairs) -> tuple[LabelledPairs, Drawn]:
    """The pairs with the probabilities they were drawn with, if they are the first of their sheet."""
    entry, units = sheet_entry(shelf, pairs.sheet or "", pairs.name)
    given = pairs.units
    if len(np.unique(given)) < len(given) or not np.isin(given, units[: len(given)]).all():
        raise Refused(
            f"the {len(given)} labelled rows of {pairs.name} are not the first {len(given)} of the sheet as it was "
            "drawn; label it from the top and leave none out, add none and repeat none"
        )
    kept, came = searcher.kept_and_new(entry["row"])
    if outgrown(entry["items"], came=came, went=entry["items"] - kept):
        raise Refused(
            f"more than a tenth of the items have come or gone since {pairs.name} was drawn, so it is no sample of "
            "today's hits; draw another with cosimo label"
        )
    each = "one hit" if entry["per_query"] == 1 else f"{entry['per_query']} hits"
    weighted = ", with known unequal probabilities," if "chances" in entry else ""
    sampling = f"drawn at random by cosimo{weighted}: {each} of each of {entry['drawn']:,} among {entry['queries']:,}"
    chances = None
    if "chances" in entry:
        chance = dict(zip(units.tolist(), entry["chances"], strict=True))
        chances = np.array([chance[unit] for unit in given.tolist()])
    pairs = replace(pairs, probability=chances)  # as drawn, whatever the file says today
    state = {name: entry[name] for name in ("k", "where", "items", "row")}
    return pairs, Drawn(**state, most=entry["per_query"], sampling=f"{sampling} queries")


def _foreign(searcher: Searcher, labels: Labels, k: int) -> Drawn:
    sampling = ASSERTED["hit"][labels.sampled or "natural"]
    if labels.probability is not None:
        sampling += f", with the probabilities in {labels.probability!r}, the smallest of which counts as the smallest"
    whole = labels.sampled == "top-k" or labels.clusters is not None
    now = searcher.extent
    return Drawn(k, None, now.items, now.row, None if whole else k, sampling)


def _sample(
    searcher: Searcher, labels: Labels, pairs: LabelledPairs, drawn: Drawn, *, guard: bool, unfound: bool
) -> Sample:
    """The labelled pairs with the scores they have in the search that is decided about.

    unfound
        Whether a pair that the search does not find may stay, with a score of -inf.
    """
    queries = list(dict.fromkeys(pairs.a))
    hits = searcher.search(queries, drawn.k, where=drawn.where)
    found = {(queries[i], hit.id): (place, hit) for i, row in enumerate(hits) for place, hit in enumerate(row)}
    there = [found.get((a, b)) for a, b in zip(pairs.a, pairs.b or (), strict=True)]
    lost = there.count(None)
    if lost and not unfound:
        raise Refused(
            f"{lost} of the {len(pairs)} labelled pairs in {pairs.name} are not among the {drawn.k} best hits of "
            "their queries, so they are no sample of them; label hits of this search (cosimo label), or give its k"
        )
    _require_design(labels, pairs, drawn, hits, [one for one in there if one is not None])
    scores = np.array([-np.inf if one is None else one[1].score for one in there], dtype=hits.scores.dtype)
    veto = opposites(guard, pairs.a, [(one[1].text or "") if one else "" for one in there])
    if veto is not None:
        scores = np.where(veto.mask, np.float32(-np.inf), scores)
    apart = labels.sampled == "balanced"
    return Sample(pairs, scores, pairs.clusters or pairs.a, drawn.most, _groups(searcher, pairs, labels.by), apart)


def _require_design(
    labels: Labels, pairs: LabelledPairs, drawn: Drawn, hits: Hits, there: list[tuple[int, Hit]]
) -> None:
    """Refuse labels that cannot have been drawn as is said."""
    if pairs.sheet is not None and any(hit.row > drawn.row for _, hit in there):
        raise Refused(f"items in {pairs.name} were replaced since it was drawn; draw another with cosimo label")
    if labels.sampled == "top-k" and len(there) < (whole := int((hits.rows >= 0).sum())):
        raise Refused(
            f"{pairs.name} has labels of {len(there):,} of the {whole:,} hits of its queries among the {drawn.k} best, "
            "and top-k means all of them; label the others, or give the k that was labelled"
        )
    if labels.sampled == "natural" and drawn.k > 1 and len(there) > 1 and not any(place for place, _ in there):
        raise Refused(
            f"all labelled pairs in {pairs.name} are the best hits of their queries, which says nothing about the "
            f"{drawn.k} best; calibrate for k=1 (-k 1), or draw hits with cosimo label"
        )


def _groups(searcher: Searcher, pairs: LabelledPairs, by: str | None) -> list[str] | None:
    if by is None:
        return None
    items: Mapping[str, Any] = {item.id: item.payload.get(by) for item in searcher.get(pairs.b or []) if item}
    return group_names([items.get(b) for b in pairs.b or []], by, pairs.name)


def _one_a_query(sample: Sample) -> tuple[Sample, str]:
    """One labelled pair of each query, chosen by its digest: several are not independent, nor all that there are."""
    if max(Counter(sample.pairs.a).values()) == 1:
        return sample, ""
    order = np.argsort(sample.pairs.units, kind="stable").tolist()
    first = {sample.pairs.a[i]: i for i in reversed(order)}
    return replace(sample.take(sorted(first.values())), clusters=None, at_most=None), "; one pair of each query is used"
