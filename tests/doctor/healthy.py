"""A healthy space to plant defects in, made on the spot: a random direction a word, and texts of such words."""

from zlib import crc32

import numpy as np

from assembly.toys import DIM
from cosimo import Space
from cosimo.encode import FunctionEncoder

RNG = np.random.default_rng(0)
SYLLABLES = ("ba", "ko", "mi", "ru", "ta", "ne", "so", "li", "da", "fu")
VOCABULARY = [a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES[:4]]
TEXTS = [" ".join(RNG.permutation(VOCABULARY)[: RNG.integers(8, 20)]) for _ in range(240)]
TABLE = np.random.default_rng(5).normal(size=(4096, DIM))


def spread(texts):
    """Healthy vectors: a random direction a word, the mean of a text's words, at unit length."""
    rows = [[crc32(word.encode()) % len(TABLE) for word in text.lower().split()] or [0] for text in texts]
    X = np.stack([TABLE[row].mean(axis=0) for row in rows])
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def space(change=None, *, query=None, similarity="cosine"):
    made = spread if change is None else lambda texts: change(spread(texts))
    return Space(FunctionEncoder(made, query=query, dim=DIM, name="spread"), similarity=similarity)
