"""A space for tests of decisions: texts near the centres of classes, so that scores tell matches, but not quite."""

import hashlib

import numpy as np

from cosimo import Space
from cosimo.encode import FunctionEncoder

CLASSES, DIM = 30, 24
PROBES = [f"{i} probe {i}" for i in range(16)]
CENTRES = np.random.default_rng(0).normal(size=(CLASSES, DIM)).astype(np.float32)


def letters(n):
    """A number as a word without digits, which no guard takes for a quantity."""
    return (letters(n // 26 - 1) if n >= 26 else "") + chr(97 + n % 26)


def number(word):
    """The number in digits or `letters`."""
    value = 0
    for letter in word if not word.isdigit() else "":
        value = 26 * value + ord(letter) - 96
    return int(word) if word.isdigit() else value - 1


def encode(texts):
    """`7 wet paint 12`, or `h wet paint m`, lies near the centre of class 7, the nearer the smaller 12 modulo 4."""
    rows = []
    for text in texts:
        words = text.split()
        noise = np.random.default_rng(int(hashlib.md5(text.encode()).hexdigest()[:8], 16)).normal(size=DIM)
        rows.append(CENTRES[number(words[0]) % CLASSES] + noise * (number(words[-1]) % 4) * 0.7)
    return np.asarray(rows, np.float32).reshape(-1, DIM)


def space():
    return Space(FunctionEncoder(encode, name="classes", dim=DIM, probes=PROBES))
