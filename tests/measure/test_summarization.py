"""Summaries: the closest reference by loops, documents that say nothing, and what is refused."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from cosimo import Space
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError
from cosimo.measure import Summarization

N = 30
REFERENCES = {f"d{i}": [f"reference {i} {j}" for j in range(2)] for i in range(N)}
RATINGS = {f"d{i}": {f"summary {i} {j}": float(j) for j in range(5)} for i in range(N)}


def oracle(texts):
    """References lie on one axis, summaries at the angle that their rating asks for."""
    rated = {text: y for of in RATINGS.values() for text, y in of.items()}
    angles = [1.5 - rated[text] / 5 if text in rated else 0.0 for text in texts]
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


EXAMPLES = [Summarization(REFERENCES, RATINGS)]
ORACLES = [oracle]
CHANCES = [0.0]


def test_oracle_loops():
    space = Space(
        FunctionEncoder(lambda texts: [np.random.default_rng(list(t.encode())).normal(size=3) for t in texts])
    )
    report = EXAMPLES[0].run(space)
    wanted = []
    for document, rated in RATINGS.items():
        closest = [max(space.similarity([text], [r])[0, 0] for r in REFERENCES[document]) for text in rated]
        wanted.append(spearmanr(closest, list(rated.values())).statistic)
    np.testing.assert_allclose(report.metrics["spearman"].per_item, wanted)


def test_documents_that_say_nothing_are_left_out_and_counted():
    task = Summarization({**REFERENCES, "flat": ["r"]}, {**RATINGS, "flat": {"x": 2.0, "y": 2.0}})
    report = task.run(FunctionEncoder(oracle))
    assert report.n == N
    assert report.warnings == ("1 documents whose summaries were rated alike say nothing and are left out",)


def test_reads_rows():
    rows = [
        {"document": "d", "reference": f"r{j}", "summary": f"s{i}", "rating": i} for i in range(3) for j in range(2)
    ]
    task = Summarization.read(rows)
    assert task.references == {"d": ["r0", "r1"]}
    assert task.ratings == {"d": {"s0": 0.0, "s1": 1.0, "s2": 2.0}}


def test_what_cannot_be_ordered():
    with pytest.raises(DataError, match="'d' has no reference summary"):
        Summarization({}, {"d": {"a": 1.0, "b": 2.0}})
    with pytest.raises(DataError, match="no document of summarization has summaries of different ratings"):
        Summarization({"d": ["r"]}, {"d": {"a": 1.0, "b": 1.0}})
