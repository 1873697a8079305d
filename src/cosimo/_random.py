"""Randomness is an argument: a seed or a generator, never global state."""

import numpy as np

Seed = int | np.random.Generator


def generator(seed: Seed) -> np.random.Generator:
    """The generator itself, or a fresh one made from an integer.

    >>> float(generator(0).random()) == float(generator(0).random())
    True
    """
    return seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
