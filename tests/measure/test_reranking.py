"""Reranking: pytrec_eval's numbers, and queries that nothing can be said of."""

import numpy as np
import pytest
import pytrec_eval

from cosimo import Space
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError
from cosimo.measure import Reranking

CANDIDATES = {f"query {i}": {f"answer {i} {j}": int(j == 3) for j in range(8)} for i in range(25)}


def oracle(texts):
    """A right answer lies on its query, a wrong one elsewhere."""
    own = {query: i for i, query in enumerate(CANDIDATES)} | {f"answer {i} 3": i for i in range(25)}
    return np.eye(26)[[own.get(text, 25) for text in texts]]


EXAMPLES = [Reranking(CANDIDATES)]
ORACLES = [oracle]
CHANCES = [sum(1 / place for place in range(1, 9)) / 8]


def test_oracle_pytrec_eval():
    space = Space(
        FunctionEncoder(lambda texts: [np.random.default_rng(list(t.encode())).normal(size=4) for t in texts])
    )
    run = {
        query: dict(zip(texts, space.similarity([query], list(texts))[0].tolist(), strict=True))
        for query, texts in CANDIDATES.items()
    }
    theirs = pytrec_eval.RelevanceEvaluator(CANDIDATES, {"map", "ndcg_cut.10"}).evaluate(run)
    report = EXAMPLES[0].run(space)
    for ours, name in (("map", "map"), ("ndcg@10", "ndcg_cut_10")):
        np.testing.assert_allclose(report.metrics[ours].per_item, [theirs[q][name] for q in CANDIDATES], atol=1e-9)


def test_queries_that_say_nothing_are_left_out_and_counted():
    report = Reranking({**CANDIDATES, "all right": {"x": 1, "y": 1}, "none": {"x": 0}}).run(FunctionEncoder(oracle))
    assert report.n == 25
    assert report.warnings == ("2 queries with only right or only wrong candidates say nothing and are left out",)
    with pytest.raises(DataError, match="no query of reranking has both"):
        Reranking({"all right": {"x": 1}})


def test_reads_rows():
    rows = [{"query": "q", "document": f"d{i}", "label": str(int(i == 1))} for i in range(3)]
    task = Reranking.read([*rows, {"query": "q", "document": "d1", "label": "0"}])
    assert task.candidates == {"q": {"d0": 0, "d1": 1, "d2": 0}}
