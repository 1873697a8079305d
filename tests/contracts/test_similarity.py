"""What every similarity keeps, chosen by its tags."""

from collections.abc import Callable

import numpy as np
import pytest

from contracts.collect import Example, Kind, where
from contracts.samples import EMBEDDINGS, take
from cosimo.contracts import Similarity
from cosimo.errors import ShapeError
from cosimo.types import Tokens


def _inputs(example: Example, n: int, dtype: type) -> tuple:
    embed = EMBEDDINGS[example.value.tags.takes]
    return embed(n, dtype), embed(4, dtype, seed=1)


KIND = Kind("similarity", Similarity, inputs=_inputs, answer=lambda value, Q, K: [value(Q, K)], keeps_floats=True)

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def sides(similarity: Example, n: int = 6) -> tuple:
    embed = EMBEDDINGS[similarity.value.tags.takes]
    return embed(n), embed(n, seed=1)


def takes(*kinds: str) -> Callable:
    """Run a check on similarities of these embeddings."""
    return where(lambda similarity: similarity.value.tags.takes in kinds)


def test_pairs_are_the_diagonal(similarity):
    Q, K = sides(similarity)
    np.testing.assert_allclose(similarity.value.pairs(Q, K), np.diag(similarity.value(Q, K)), **CLOSE)


def test_pairs_of_unequal_length_refused(similarity):
    Q, K = sides(similarity)
    with pytest.raises(ShapeError):
        similarity.value.pairs(Q, take(K, np.arange(len(K) - 1)))


def test_scores_do_not_depend_on_the_other_rows(similarity):
    Q, K = sides(similarity)
    S = similarity.value(Q, K)
    some = np.array([4, 1])
    np.testing.assert_allclose(similarity.value(take(Q, some), take(K, some)), S[np.ix_(some, some)], **CLOSE)


@takes("vectors", "tokens")
def test_blocks_change_nothing(similarity):
    """More rows than any block holds, against one query at a time."""
    embed = EMBEDDINGS[similarity.value.tags.takes]
    Q, K = embed(7), embed(3000, seed=1)
    S = similarity.value(Q, K)
    for i in (0, 6):
        np.testing.assert_allclose(similarity.value(take(Q, np.array([i])), K)[0], S[i], **CLOSE)


@where(lambda similarity: similarity.value.tags.symmetric)
def test_symmetric(similarity):
    Q, K = sides(similarity)
    np.testing.assert_allclose(similarity.value(Q, K), similarity.value(K, Q).T, **CLOSE)


@where(lambda similarity: similarity.value.tags.self_best)
def test_self_is_best(similarity):
    Q, K = sides(similarity)
    own = similarity.value.pairs(Q, Q)[:, None]
    others = [Q, K] if similarity.value.tags.takes != "vectors" else [Q, K, 3 * Q]
    assert all((own >= similarity.value(Q, other) - 1e-5).all() for other in others)


def test_within_bounds(similarity):
    low, high = similarity.value.tags.bounded
    S = similarity.value(*sides(similarity))
    assert low is None or S.min() >= low
    assert high is None or S.max() <= high


@takes("vectors")
def test_bounds_hold_for_equal_and_opposite(similarity):
    low, high = similarity.value.tags.bounded
    X = EMBEDDINGS["vectors"](50)
    S = similarity.value(X, np.concatenate([X, -X]))
    assert low is None or S.min() >= low
    assert high is None or S.max() <= high


@takes("vectors")
def test_zero_vector_is_finite(similarity):
    X = np.concatenate([np.zeros((1, 8), np.float32), EMBEDDINGS["vectors"](3)])
    assert np.isfinite(similarity.value(X, X)).all()
    assert np.isfinite(similarity.value.pairs(X, X)).all()


def test_no_keys(similarity):
    Q, K = sides(similarity, 3)
    assert similarity.value(Q, take(K, np.arange(0))).shape == (3, 0)
    none = take(Q, np.arange(0))
    assert similarity.value.pairs(none, none).shape == (0,)


@takes("vectors", "tokens", "gaussians", "codes")
def test_other_dimension_refused(similarity):
    embed = EMBEDDINGS[similarity.value.tags.takes]
    Q, K = embed(3), embed(3, dim=5)
    with pytest.raises(ShapeError, match=r"\d"):
        similarity.value(Q, K)
    with pytest.raises(ShapeError, match=r"\d"):
        similarity.value.pairs(Q, K)


@takes("tokens")
def test_padding_never_counts(similarity):
    """A short item beside a long one scores as it does alone, though every similarity is negative."""
    positive = np.abs(EMBEDDINGS["vectors"](8)) + 0.1
    Q, K = Tokens(positive, np.array([0, 2, 8])), Tokens(-positive, np.array([0, 1, 8]))
    S = similarity.value(Q, K)
    for i in range(2):
        for j in range(2):
            alone = similarity.value(take(Q, np.array([i])), take(K, np.array([j])))
            np.testing.assert_allclose(alone, S[i : i + 1, j : j + 1], **CLOSE)
            np.testing.assert_allclose(
                similarity.value.pairs(take(Q, np.array([i])), take(K, np.array([j]))), S[i, j], **CLOSE
            )


@where(lambda similarity: hasattr(similarity.value, "to_mips"))
def test_inner_products_rank_the_same(similarity):
    Q, K = sides(similarity, 20)
    inner = similarity.value.to_mips(Q, side="query") @ similarity.value.to_mips(K, side="key").T
    np.testing.assert_array_equal(np.argsort(-inner, axis=1), np.argsort(-similarity.value(Q, K), axis=1))


def test_scale_names_the_scores(similarity):
    assert similarity.value.scale
    assert similarity.value.scale == similarity.fresh().scale
