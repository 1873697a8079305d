"""Limits: what a rule is worth where its promise does not reach. These are expected to break, and say by how much."""

from collections.abc import Iterator

import numpy as np

from cosimo.decide import NoMatch, PrecisionThreshold
from promises.outcomes import Unjudged
from promises.real import Population, banking, encoded, read


def _rule(population: Population, target: float = 0.9) -> float:
    rule = PrecisionThreshold(target, look=None, calibrator=Unjudged())
    return rule.fit(population.scores, population.y, clusters=population.clusters).threshold_


def _part(population: Population, chosen: np.ndarray) -> Population:
    codes = np.unique(population.clusters[chosen], return_inverse=True)[1]
    return Population("", population.scores[chosen], population.y[chosen], codes)


def _row(what: str, made: float, there: float) -> dict:
    return {"moved": what, "promised": 0.9, "where it was made": round(made, 3), "elsewhere": round(there, 3)}


def limits() -> Iterator[dict]:
    """Precision 0.9 of Banking77's ten best hits, made from all labels of one half and looked at in another setting."""
    rows = read("banking77/banking77")
    rng = np.random.default_rng(0)
    ten = banking(10)
    cut = _rule(ten)
    here = ten.precision(cut, "cluster")
    for k in (1, 50, 200):
        yield _row(f"k from 10 to {k}", here, banking(k).precision(cut, "cluster"))
    intents = rng.permutation(rows["label"].unique())
    known = rows["label"].isin(intents[:38]).to_numpy()
    asked = np.isin(ten.clusters, np.flatnonzero(known))
    seen, unseen = _part(ten, asked), _part(ten, ~asked)
    cut = _rule(seen)
    yield _row(
        "queries of the other half of the intents", seen.precision(cut, "cluster"), unseen.precision(cut, "cluster")
    )
    half = rows.iloc[np.sort(rng.permutation(len(rows))[: len(rows) // 2])].reset_index(drop=True)
    small = banking(10, half)
    cut = _rule(small)
    yield _row("the collection doubled, same mix", small.precision(cut, "cluster"), ten.precision(cut, "cluster"))
    some = rows[known].reset_index(drop=True)
    narrow = banking(10, some)
    cut = _rule(narrow)
    yield _row("new intents came into the collection", narrow.precision(cut, "cluster"), seen.precision(cut, "cluster"))


def strangers() -> dict:
    """A rule for "no match" made from questions of another kind than the users' hopeless ones."""
    rows = read("banking77/banking77")
    rng = np.random.default_rng(0)
    intents = rng.permutation(rows["label"].unique())
    there = rows["label"].isin(intents[:50]).to_numpy()
    K = encoded(tuple(rows["text"][there]))
    near = encoded(tuple(rows["text"][~there].sample(800, random_state=0)))
    far = encoded(tuple(read("trec/trec")["text"].sample(300, random_state=0)))
    best = lambda Q: (Q @ K.T).max(axis=1)  # noqa: E731
    M, others = best(near), best(far)
    found = {
        name: float((NoMatch(0.05, kind="confident", look=None).fit(nulls).predict(M[300:]) == 1).mean())
        for name, nulls in (("questions about other intents", M[:300]), ("general questions (TREC)", others))
    }
    return {
        f"false found of unanswerable questions, made from {name}": round(share, 3) for name, share in found.items()
    }
