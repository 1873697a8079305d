import numpy as np
import pytest

from cosimo.compare import MaxSim, blocks
from cosimo.compare.tokens import maxsim
from cosimo.errors import DataError, ShapeError
from cosimo.types import Tokens

EXAMPLES = [MaxSim()]


def ragged(*lengths, dim=6, seed=0, sign=None):
    rng = np.random.default_rng(seed)
    T = [rng.normal(size=(length, dim)) for length in lengths]
    return Tokens.stack([sign * np.abs(t) for t in T] if sign else T, dim=dim)


def by_loops(Q, K):
    return np.array([[sum(max(float(a @ b) for b in k) for a in q) for k in K] for q in Q])


def test_oracle_loops():
    Q, K = ragged(1, 4, 2), ragged(3, 1, 1, 7, seed=1)
    np.testing.assert_allclose(MaxSim()(Q, K), by_loops(Q, K), rtol=1e-12)
    K = ragged(5, 1, 3, seed=2)
    np.testing.assert_allclose(MaxSim().pairs(Q, K), np.diag(by_loops(Q, K)), rtol=1e-12)


def test_oracle_sentence_transformers():
    from sentence_transformers.util import similarity as theirs

    Q, K = ragged(1, 4, 2), ragged(3, 1, 7, seed=1)
    np.testing.assert_allclose(MaxSim()(Q, K), theirs.maxsim(list(Q), list(K)).numpy(), rtol=1e-5)
    np.testing.assert_allclose(MaxSim().pairs(Q, K), theirs.maxsim_pairwise(list(Q), list(K)).numpy(), rtol=1e-5)


def test_padding_cannot_win():
    """All products are negative, so a zero vector behind the short key would be everybody's best token."""
    Q, K = ragged(2, 3, sign=1), ragged(1, 9, seed=1, sign=-1)
    np.testing.assert_allclose(MaxSim()(Q, K), by_loops(Q, K), rtol=1e-12)
    assert (MaxSim()(Q, K) < 0).all()


def test_items_without_tokens():
    Q, K = ragged(2, 0, 1), ragged(0, 3, 0, seed=1)
    S = MaxSim()(Q, K)
    np.testing.assert_allclose(S[[0, 2], 1], by_loops(ragged(2, 1), ragged(3, seed=1))[:, 0])
    assert (S[[0, 2]][:, [0, 2]] == -np.inf).all()
    np.testing.assert_array_equal(S[1], 0)
    np.testing.assert_allclose(MaxSim().pairs(Q, K), np.diag(S))


def test_only_items_without_tokens():
    np.testing.assert_array_equal(MaxSim()(ragged(0, 0), ragged(2)), [[0], [0]])
    np.testing.assert_array_equal(MaxSim()(ragged(2), ragged(0, 0)), [[-np.inf, -np.inf]])


def test_tiles_stay_within_the_budget_unless_one_item_does_not(monkeypatch):
    seen = []

    def score(q, k):
        seen.append((q.lengths.tolist(), k.lengths.tolist()))
        return np.zeros((len(q), len(k)))

    monkeypatch.setattr(blocks, "BUDGET", 16)
    monkeypatch.setattr(maxsim, "late_interaction", score)
    MaxSim()(ragged(1), ragged(1, 3, 2, 0, 2, 1, 7, 4))
    assert [keys for _, keys in seen] == [[1, 3], [2, 0, 2], [1], [7], [4]]


def test_half_precision_is_computed_in_float32():
    T = ragged(3, 2)
    half = Tokens(T.values.astype(np.float16), T.offsets)
    assert MaxSim()(half, half).dtype == np.float32
    assert MaxSim().pairs(half, T).dtype == np.float64


def test_bad_tokens_refused():
    T = ragged(2, 1)
    with pytest.raises(ShapeError, match="queries have 6 dimensions and keys 4"):
        MaxSim()(T, ragged(2, dim=4))
    with pytest.raises(DataError, match="keys contains NaN"):
        MaxSim()(T, Tokens(np.full((2, 6), np.nan), np.array([0, 2])))
    with pytest.raises(DataError, match="maxsim compares Tokens, got queries of type ndarray"):
        MaxSim()(T.values, T)
    with pytest.raises(ShapeError, match="2 queries and 1 keys"):
        MaxSim().pairs(T, ragged(3))
