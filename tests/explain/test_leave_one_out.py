import numpy as np
import pytest

from cosimo import Space
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError
from cosimo.explain import LeaveOneOut

EXAMPLES = [LeaveOneOut()]

TABLE = dict(zip(["a", "b", "c", "d", "e"], np.random.default_rng(0).normal(size=(5, 4)), strict=True))


def summed(similarity):
    """Texts as the sum of their words' vectors."""
    zero = np.zeros(4)
    return Space(
        FunctionEncoder(lambda texts: [sum((TABLE[word] for word in text.split()), zero) for text in texts], dim=4),
        similarity=similarity,
    )


def test_oracle_a_bilinear_score_is_taken_apart_exactly():
    found = LeaveOneOut().explain(summed("dot"), ("a b c", "d e"))
    wanted = [[TABLE[x] @ TABLE[y] for y in "de"] for x in "abc"]
    np.testing.assert_allclose(found.weights, wanted, atol=1e-5)
    assert found.weights.sum() == pytest.approx(found.score, abs=1e-5)
    assert found.faithfulness < 1e-5
    assert (found.units_a, found.units_b, found.base) == (("a", "b", "c"), ("d", "e"), 0.0)


def test_oracle_definition_by_a_loop():
    space, a, b = summed("cosine"), ["a", "b", "c"], ["b", "d"]

    def score(x, y):
        return float(space.similarity([" ".join(x)], [" ".join(y)])[0, 0])

    found = LeaveOneOut().explain(space, (" ".join(a), " ".join(b)))
    for i in range(3):
        for j in range(2):
            rest_a, rest_b = a[:i] + a[i + 1 :], b[:j] + b[j + 1 :]
            wanted = score(a, b) - score(rest_a, b) - score(a, rest_b) + score(rest_a, rest_b)
            assert found.weights[i, j] == pytest.approx(wanted, abs=1e-5)
    assert found.faithfulness == pytest.approx(abs(found.score - found.weights.sum()), abs=1e-5)


def test_a_common_word_weighs_most(minilm):
    found = LeaveOneOut().explain(Space.load(minilm), ("a guitar", "my guitar"))
    assert np.unravel_index(found.weights.argmax(), found.weights.shape) == (1, 1)


@pytest.mark.parametrize("items", [("a", ""), (" ", "a"), ("a",), ("a", "b", "c"), ("a", None)], ids=repr)
def test_what_is_no_pair_of_texts_is_refused(items):
    with pytest.raises(DataError, match=r"two texts|without a word"):
        LeaveOneOut().explain(summed("dot"), items)
