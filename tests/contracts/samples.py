"""What the checks feed to a method: small, fixed, and with negative similarities in it."""

from typing import Any

import numpy as np

from cosimo.types import Codes, Gaussians, Hits, Tokens

DIM = 8

SENTENCES = (
    "a man plays the guitar",
    "",
    "someone makes music 🎸👩‍🚀",
    "the cat sleeps on the warm stove all afternoon while the rain falls outside",
    "السلام عليكم",
    "42",
    "not guilty",
    "nothing matches",
    "a man plays the guitar at night",
    "def add(a, b): return a + b",
)


def vectors(n: int, dtype: type = np.float32, *, dim: int = DIM, seed: int = 0) -> np.ndarray:
    """(n, dim) normal vectors around a common offset."""
    return (np.random.default_rng(seed).normal(size=(n, dim)) + 0.3).astype(dtype)


def clusters(n: int, *, groups: int = 20, dim: int = 16, seed: int = 0) -> np.ndarray:
    """(n, dim) vectors in tight groups, the same groups whatever the seed, as real embeddings are."""
    centres = np.random.default_rng(groups).normal(size=(groups, dim))
    rng = np.random.default_rng(seed)
    return (centres[rng.integers(groups, size=n)] + 0.3 * rng.normal(size=(n, dim))).astype(np.float32)


def tokens(n: int, dtype: type = np.float32, *, dim: int = DIM, seed: int = 0) -> Tokens:
    """n items of 1 to 5 tokens each, of very different lengths side by side."""
    lengths = [1 + (3 * i) % 5 for i in range(n)]
    X = vectors(sum(lengths), dtype, dim=dim, seed=seed)
    return Tokens(X, np.cumsum([0, *lengths], dtype=np.int64))


def gaussians(n: int, dtype: type = np.float32, *, dim: int = DIM, seed: int = 0) -> Gaussians:
    """n Gaussians of different width."""
    return Gaussians(vectors(n, dtype, dim=dim, seed=seed), vectors(n, dtype, dim=dim, seed=seed + 1) ** 2 + 0.1)


def codes(n: int, dtype: type = np.float32, *, dim: int = DIM, seed: int = 0) -> Codes:
    """n codes of 8 * dim bits."""
    bits = np.random.default_rng(seed).integers(256, size=(n, dim), dtype=np.uint8)
    return Codes(bits, 8 * dim)


def items(n: int, dtype: type = np.float32, *, dim: int = DIM, seed: int = 0) -> list[str]:
    """n sentences."""
    return [SENTENCES[(i + seed) % len(SENTENCES)] for i in range(n)]


EMBEDDINGS = {"vectors": vectors, "tokens": tokens, "gaussians": gaussians, "codes": codes, "items": items}


def take(E: Any, rows: np.ndarray) -> Any:
    """The chosen rows of any kind of embedding."""
    match E:
        case Tokens():
            return Tokens.stack([E[i] for i in rows], dim=E.values.shape[1])
        case Gaussians():
            return Gaussians(E.mean[rows], E.var[rows])
        case Codes():
            return Codes(E.bits[rows], E.n_bits, E.scheme)
        case np.ndarray():
            return E[rows]
        case _:
            return [E[i] for i in rows]


def shown(hits: Hits, k: int) -> list[np.ndarray]:
    """Scores and rows (n, k) of answers, which may be narrower by themselves."""
    missing = ((0, 0), (0, k - hits.rows.shape[1]))
    return [np.pad(hits.scores, missing, constant_values=-np.inf), np.pad(hits.rows, missing, constant_values=-1)]


def arrays(E: Any) -> list[np.ndarray]:
    """The arrays inside any value, for comparing bytes."""
    match E:
        case Tokens():
            return [E.values, E.offsets]
        case Gaussians():
            return [E.mean, E.var]
        case Codes():
            return [E.bits]
        case np.ndarray():
            return [E]
        case _:
            return [np.array(list(map(str, E)))]
