r"""Leave one out: which words of two texts make them similar, found by leaving out a word of each.

$$ w_{ij} = s(a, b) - s(a_{\setminus i}, b) - s(a, b_{\setminus j}) + s(a_{\setminus i}, b_{\setminus j}) $$

What word i of a and word j of b add together: s(a, b) with both, less what is left when one of them is missing, so that
what each does alone is not counted. Where a score is a sum over pairs of words it is exactly that of the pair, and the
weights add up to the score; elsewhere they do not, and `faithfulness` says by how much.

Symbols: s(a, b) -> `score`, w -> `weights` (words of a, words of b), |s - sum of w| -> `faithfulness`.

Pitfalls: weights read as shares of the score where `faithfulness` is large; a word whose twin stays in the text, which
is missed by nobody; a text that makes no sense without the word, to which a model gives any vector.

Reference: Covert, Lundberg and Lee 2021, Explaining by Removing: A Unified Framework for Model Explanation,
https://arxiv.org/abs/2011.14878
"""

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from cosimo.errors import DataError
from cosimo.space import Space
from cosimo.types import Attribution


@final
class LeaveOneOut:
    """Explains the score of two texts by pairs of their words; encodes each text once more for each word it has.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = Space(FunctionEncoder(lambda texts: [[t.count("x"), -t.count("y")] for t in texts]), similarity="dot")
    >>> LeaveOneOut().explain(space, ("x y", "y")).weights
    array([[0.],
           [1.]], dtype=float32)
    """

    def __repr__(self) -> str:
        return "LeaveOneOut()"

    def explain(self, system: Space, items: tuple[Any, Any]) -> Attribution:
        """Weights of pairs of words of two texts.

        Raises
        ------
        DataError
            Not two texts, or one without a word.
        """
        pair = [item for item in items if isinstance(item, str)]
        if len(pair) != 2 or len(items) != len(pair):
            raise DataError(f"an explanation is of two texts, got {items!r}")
        sides = [text.split() for text in pair]
        if not all(sides):
            raise DataError("there is nothing to explain in a text without a word")
        texts = [[text, *_without(words)] for text, words in zip(pair, sides, strict=True)]
        S = system.similarity(*texts)
        weights = S[0, 0] - S[1:, :1] - S[:1, 1:] + S[1:, 1:]
        score = float(S[0, 0])
        left = abs(score - float(weights.sum(dtype=np.float64)))
        return Attribution(tuple(sides[0]), tuple(sides[1]), weights, 0.0, score, left)


def _without(words: Sequence[str]) -> list[str]:
    """The text without each of its words in turn.

    >>> _without(["a", "b", "c"])
    ['b c', 'a c', 'a b']
    """
    return [" ".join([*words[:i], *words[i + 1 :]]) for i in range(len(words))]
