"""What every explainer keeps."""

import numpy as np

from contracts.collect import Example, Kind
from cosimo import Space
from cosimo.contracts import Explainer
from cosimo.encode import FunctionEncoder
from cosimo.types import Attribution

PAIRS = (
    ("a man plays", "someone makes music"),
    ("the cat sleeps", "a man"),
    ("not guilty", "guilty"),
    ("music", "music"),
)


def letters(texts):
    return [[text.count(letter) - 0.2 for letter in "aeimnst"] for text in texts]


SPACE = Space(FunctionEncoder(letters))


def _inputs(example: Example, n: int, dtype: type) -> tuple:
    return ([PAIRS[i % len(PAIRS)] for i in range(n)],)


def _answer(value: Explainer, pairs: list[tuple[str, str]]) -> list[np.ndarray]:
    """Score, base, sum of the weights, and what is left over."""
    found = [value.explain(SPACE, pair) for pair in pairs]
    rows = [(one.score, one.base, float(one.weights.sum()), one.faithfulness) for one in found]
    return [np.array(rows, dtype=np.float64).reshape(-1, 4)]


KIND = Kind("explainer", Explainer, inputs=_inputs, answer=_answer)


def explained(explainer: Example) -> list[Attribution]:
    return [explainer.fresh().explain(SPACE, pair) for pair in PAIRS]


def test_weights_are_of_the_units_of_both_sides(explainer):
    for (a, b), found in zip(PAIRS, explained(explainer), strict=True):
        assert found.weights.shape == (len(found.units_a), len(found.units_b))
        assert all(unit in a for unit in found.units_a)
        assert all(unit in b for unit in found.units_b)


def test_the_score_is_that_of_the_space(explainer):
    for (a, b), found in zip(PAIRS, explained(explainer), strict=True):
        np.testing.assert_allclose(found.score, SPACE.similarity([a], [b])[0, 0], rtol=1e-5)


def test_parts_add_up_as_far_as_it_says(explainer):
    for found in explained(explainer):
        assert abs(found.score - found.base - found.weights.sum()) <= found.faithfulness + 1e-5


def test_turned_round_the_parts_are_turned_round(explainer):
    for (a, b), found in zip(PAIRS, explained(explainer), strict=True):
        turned = explainer.fresh().explain(SPACE, (b, a))
        np.testing.assert_allclose(turned.weights, found.weights.T, atol=1e-5)
