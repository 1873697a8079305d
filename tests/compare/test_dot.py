import numpy as np

from cosimo.compare import Dot

EXAMPLES = [Dot()]


def test_oracle_loop():
    rng = np.random.default_rng(0)
    Q, K = rng.normal(size=(3, 5)), rng.normal(size=(4, 5))
    loop = [[sum(float(a) * float(b) for a, b in zip(q, k, strict=True)) for k in K] for q in Q]
    np.testing.assert_allclose(Dot()(Q, K), loop, rtol=1e-12)
    np.testing.assert_allclose(Dot().pairs(Q, K[:3]), np.diag(loop), rtol=1e-12)


def test_oracle_sentence_transformers():
    from sentence_transformers.util import dot_score, pairwise_dot_score

    rng = np.random.default_rng(1)
    Q, K = rng.normal(size=(2, 6, 384)).astype(np.float32)
    np.testing.assert_allclose(Dot()(Q, K), dot_score(Q, K).numpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(Dot().pairs(Q, K), pairwise_dot_score(Q, K).numpy(), rtol=1e-5, atol=1e-5)


def test_to_mips_is_the_identity():
    X = np.array([[1.0, -2.0]], np.float32)
    np.testing.assert_array_equal(Dot().to_mips(X, side="key"), X)
