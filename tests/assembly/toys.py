"""A toy space for tests: bags of words hashed into a few dimensions, deterministic and model-free."""

import hashlib

import numpy as np

from cosimo import Space
from cosimo.encode import FunctionEncoder

DIM = 64


def bag_of_words(texts, *, salt=""):
    X = np.zeros((len(texts), DIM), np.float32)
    for i, text in enumerate(texts):
        for word in text.lower().split():
            digest = hashlib.sha256((salt + word).encode()).digest()
            X[i, digest[0] % DIM] += 1 if digest[1] % 2 else -1
    X[:, 0] += 0.01
    return X


def toy_space(name="toy", *, salt="", refiner=None, similarity="cosine"):
    encoder = FunctionEncoder(lambda texts: bag_of_words(texts, salt=salt), name=name, dim=DIM)
    return Space(encoder, refiner=refiner, similarity=similarity)


COLUMNS = ("id", "title", "abstract", "year", "venue")
PAPERS = [
    dict(zip(COLUMNS, row, strict=True))
    for row in (
        ("p1", "late interaction", "multi vector retrieval with tokens", 2020, "SIGIR"),
        ("p2", "whitening", "isotropic sentence vectors", 2021, "ACL"),
        ("p3", "cooking rice", "water and heat and rice", 1999, None),
        ("p4", "emoji 🙂 שלום", "right to left text and symbols", 2022, "EMNLP"),
    )
]
