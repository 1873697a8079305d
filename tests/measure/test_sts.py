"""STS: the correlations of scipy, clusters of shared sentences, and what is refused."""

import numpy as np
import pytest
from scipy import stats

from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import STS

N = 60
A, B = [f"left {i}" for i in range(N)], [f"right {i}" for i in range(N)]
GOLD = [float(score) for score in np.random.default_rng(0).permutation(N) % 6]


def oracle(texts):
    """Right texts lie at the angle to all others that their score asks for."""
    asked = dict(zip(B, GOLD, strict=True))
    angles = [1.5 - asked[text] / 4 if text in asked else 0.0 for text in texts]
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


EXAMPLES = [STS(A, B, GOLD)]
ORACLES = [oracle]
CHANCES = [0.0]


def lengths(texts):
    return [[len(text), -1.0] for text in texts]


def test_oracle_scipy():
    rng = np.random.default_rng(1)
    vectors = {text: rng.normal(size=4) for text in [*A, *B]}
    report = EXAMPLES[0].run(FunctionEncoder(lambda texts: [vectors.get(text, np.ones(4)) for text in texts]))
    cosines = [
        float(vectors[a] @ vectors[b] / np.linalg.norm(vectors[a]) / np.linalg.norm(vectors[b]))
        for a, b in zip(A, B, strict=True)
    ]
    assert report.metrics["spearman"].value == pytest.approx(stats.spearmanr(cosines, GOLD).statistic)
    assert report.metrics["pearson"].value == pytest.approx(stats.pearsonr(cosines, GOLD).statistic)


def test_few_shared_sentences_are_clusters_and_many_are_two_ways():
    once = STS(A, B, GOLD).run(FunctionEncoder(lengths))
    few = STS([*A[:-1], A[0]], B, GOLD).run(FunctionEncoder(lengths))
    many = STS([A[i // 20] for i in range(N)], B, GOLD).run(FunctionEncoder(lengths))
    assert once.clusters is None
    assert few.clusters.shape == (N,)
    assert few.metrics["spearman"].interval is None or few.metrics["spearman"].interval.unit == "cluster"
    assert many.clusters.shape == (N, 2)


def test_equal_texts_are_encoded_once():
    seen = []

    def encode(texts):
        seen.extend(texts)
        return lengths(texts)

    encoder = FunctionEncoder(encode, dim=2)
    encoder.passport  # noqa: B018 - whose probes do not count
    seen.clear()
    STS(["a", "a", "b"], ["b", "c", "dd"], [1.0, 2.0, 3.0]).run(encoder)
    assert sorted(text for text in seen if len(text) < 3 and text != "42") == ["a", "b", "c", "dd"]


def test_a_constant_system_scores_nothing_and_does_not_stop():
    report = EXAMPLES[0].run(FunctionEncoder(lambda texts: [[1.0, -1.0]] * len(texts)))
    assert report.metrics["spearman"].value == 0.0
    assert report.metrics["spearman"].interval is None


def test_reads_columns_and_rows():
    rows = [{"l": "x", "r": "y", "gold": i, "split": "test" if i else "train"} for i in range(4)]
    task = STS.read(rows, a="l", b="r", score="gold", where={"split": "test"}, name="mine")
    assert task.scores == [1.0, 2.0, 3.0]
    assert task.name == "mine"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"sentence1": "a", "sentence2": "b"}], "no column 'score'"),
        ([{"sentence1": "a", "sentence2": "b", "score": "much"}], "'much', wanted a finite number"),
        ([{"sentence1": "a", "sentence2": None, "score": 1}], "column 'sentence2' is empty"),
        ([{"sentence1": "a", "sentence2": "b", "score": 1}] * 3, "a constant"),
    ],
)
def test_bad_files_are_refused(rows, message):
    with pytest.raises(DataError, match=message):
        STS.read(rows)


def test_no_row_left():
    with pytest.raises(DataError, match="has no rows with split = test"):
        STS.read([{"sentence1": "a", "sentence2": "b", "score": 1, "split": "dev"}], where={"split": "test"})


def test_unequal_sides():
    with pytest.raises(ShapeError, match="2, 1, 2"):
        STS(["a", "b"], ["c"], [1.0, 2.0])
