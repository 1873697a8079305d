import numpy as np
import pytest

from cosimo.encode.pooling.poolings import POOLINGS, cls, last, maximum, mean, mean_sqrt_len, weighted_mean

NAIVE = {
    "mean": lambda tokens: sum(tokens) / len(tokens),
    "mean_sqrt_len": lambda tokens: sum(tokens) / len(tokens) ** 0.5,
    "weighted_mean": lambda tokens: sum((i + 1) * t for i, t in enumerate(tokens)) / sum(range(1, len(tokens) + 1)),
    "max": lambda tokens: np.array([max(t[j] for t in tokens) for j in range(len(tokens[0]))]),
    "cls": lambda tokens: tokens[0],
    "last": lambda tokens: tokens[-1],
}
THEIRS = {"mean_sqrt_len": "mean_sqrt_len_tokens", "weighted_mean": "weightedmean", "last": "lasttoken"}


def states(n=7, t=9, d=5, *, left=False, dtype=np.float64):
    """Negative token states with large padding, and their mask."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, t + 1, size=n)
    places = np.arange(t)[::-1] if left else np.arange(t)
    mask = places < lengths[:, None]
    T = -rng.uniform(1, 2, size=(n, t, d))
    return np.where(mask[:, :, None], T, 50.0).astype(dtype), mask


def test_every_pooling_has_its_oracle():
    assert NAIVE.keys() == POOLINGS.keys()


@pytest.mark.parametrize("left", [False, True], ids=["padded right", "padded left"])
@pytest.mark.parametrize("name", POOLINGS)
def test_equals_the_naive_loop_over_real_tokens(name, left):
    T, mask = states(left=left)
    naive = np.array([NAIVE[name](list(tokens[real])) for tokens, real in zip(T, mask, strict=True)])
    np.testing.assert_allclose(POOLINGS[name](T, mask), naive, rtol=1e-12)


@pytest.mark.parametrize("name", POOLINGS)
def test_equals_sentence_transformers(name):
    torch = pytest.importorskip("torch")
    modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules")

    T, mask = states(dtype=np.float32)
    features = {"token_embeddings": torch.tensor(T), "attention_mask": torch.tensor(mask).long()}
    theirs = modules.Pooling(T.shape[2], pooling_mode=THEIRS.get(name, name))(features)["sentence_embedding"].numpy()
    np.testing.assert_allclose(POOLINGS[name](T, mask), theirs, rtol=1e-5)


@pytest.mark.parametrize("name", POOLINGS)
def test_padding_never_counts(name):
    T, mask = states()
    changed = np.where(mask[:, :, None], T, -1e6)
    np.testing.assert_allclose(POOLINGS[name](changed, mask), POOLINGS[name](T, mask), rtol=1e-9)


@pytest.mark.parametrize("pool", [mean, mean_sqrt_len, weighted_mean, maximum, cls, last])
def test_no_real_token_gives_zero(pool):
    T, mask = states(n=2)
    mask[1] = False
    np.testing.assert_array_equal(pool(T, mask)[1], 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", POOLINGS)
def test_keeps_type_and_inputs(name, dtype):
    T, mask = states(dtype=dtype)
    before = T.copy(), mask.copy()
    assert POOLINGS[name](T, mask).dtype == dtype
    np.testing.assert_array_equal(T, before[0])
    np.testing.assert_array_equal(mask, before[1])
