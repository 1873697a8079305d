import numpy as np
import pytest
from scipy.stats import spearmanr

from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError
from cosimo.measure import frequency_bias

RNG = np.random.default_rng(0)
WORDS = [a + b for a in "abcdefgh" for b in "ijklmnop"]
TEXTS = [" ".join(w for i, w in enumerate(WORDS) if RNG.uniform() < 1 / (i + 1)) or "ai" for _ in range(300)]
COUNTS = {word: sum(word in text.split() for text in TEXTS) for word in WORDS}
HELD = sorted(word for word, count in COUNTS.items() if count)


def vector(word):
    return np.random.default_rng([ord(letter) for letter in word]).normal(size=6) * len(word) + ord(word[0]) % 3


def test_oracle_loops_and_scipy():
    found = frequency_bias(FunctionEncoder(lambda texts: np.stack([vector(text) for text in texts])), TEXTS)
    X = np.stack([vector(word) for word in HELD]).astype(np.float32).astype(np.float64)
    U = X / np.linalg.norm(X, axis=1, keepdims=True)
    means = [(U @ U[i]).sum() - 1 for i in range(len(U))]
    counts = [COUNTS[word] for word in HELD]
    assert found.settings["words"] == len(HELD)
    assert found.metrics["norm"].value == pytest.approx(spearmanr(np.linalg.norm(X, axis=1), counts).statistic)
    assert found.metrics["similarity"].value == pytest.approx(spearmanr(means, counts).statistic)
    assert found.metrics["norm"].interval.low < found.metrics["norm"].value < found.metrics["norm"].interval.high


def test_common_words_that_are_long_are_told():
    loud = FunctionEncoder(lambda texts: [[1.0 + COUNTS.get(text, 0), 0.5] for text in texts])
    found = frequency_bias(loud, TEXTS)
    assert found.metrics["norm"].value > 0.99
    assert "common words have longer vectors" in found.warnings[0]
    rare = FunctionEncoder(lambda texts: [[1 / (1.0 + COUNTS.get(text, 0)), 0.0] for text in texts])
    assert "rare words have longer vectors" in frequency_bias(rare, TEXTS).warnings[0]


def test_unit_vectors_have_no_norm_to_go_by():
    even = FunctionEncoder(lambda texts: [[-1.0, 0.0]] * len(texts))
    metrics = frequency_bias(even, TEXTS).metrics
    assert np.isnan(metrics["norm"].value)
    assert metrics["norm"].interval is None


def test_words_are_drawn_by_the_seed():
    random = FunctionEncoder(lambda texts: np.stack([vector(text) for text in texts]))
    one, again, other = (frequency_bias(random, TEXTS, words=30, seed=s).metrics["norm"].value for s in (0, 0, 1))
    assert one == again != other


@pytest.mark.parametrize("items", [["one word", "two words"], [1, 2]])
def test_bad_items(items):
    with pytest.raises(DataError):
        frequency_bias(FunctionEncoder(lambda texts: [[1.0]] * len(texts)), items)
