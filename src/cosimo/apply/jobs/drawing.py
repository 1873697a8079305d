r"""Which candidate pairs to label, drawn so that what is learned from them is true of all candidate pairs.

Candidates share items, and such pairs depend on each other. Drawn are pairs that do not, by designs in which the chance
$\pi$ of each is known, so that a weight of $1 / \pi$ makes up for it:

    two lists   of each item on the left at most one pair, every pair as likely:   $\pi = 1 / \max_i \deg(i)$
    one list    the pairs whose random number is the lowest of all pairs with which they share an item:
                $\pi_{ij} = 1 / (\deg(i) + \deg(j) - 1)$

Pitfalls: pairs without common items, drawn in any order and counted alike. Items with few candidates are then
drawn far more often, and it is they whose candidates are right: of the candidates of Abt-Buy at 0.7 and above 22 % are
matches, of those drawn this way 42 %.

Reference: Matérn, Spatial variation (1960), whose second thinning of a point process this is.
"""

import numpy as np

from cosimo._random import Seed, generator
from cosimo.types import PerItem, Rows


def draw_across(a: Rows, b: Rows, *, seed: Seed = 0) -> Rows:
    """Places of pairs (a[i], b[i]), at most one of each a and all as likely, in random order.

    >>> draw_across(np.array([0, 0, 1]), np.array([5, 6, 5])).size <= 2
    True
    """
    rng = generator(seed)
    order = rng.permutation(len(a))
    grouped = order[np.argsort(a[order], kind="stable")]
    counts = np.bincount(a)
    number = np.empty(len(a), np.int64)  # of each pair among those of its item
    number[grouped] = np.arange(len(a)) - (np.cumsum(counts) - counts)[a[grouped]]
    wanted = rng.integers(0, max(int(counts.max(initial=0)), 1), len(counts))
    return rng.permutation(np.flatnonzero(number == wanted[a]))


def draw_among(a: Rows, b: Rows, *, seed: Seed = 0) -> tuple[Rows, PerItem]:
    """Places of pairs (a[i], b[i]) of one list of which no two share an item, in random order, and chances of all.

    >>> places, chances = draw_among(np.array([0, 0, 3]), np.array([1, 2, 4]))
    >>> chances
    array([0.5, 0.5, 1. ])
    """
    rng = generator(seed)
    degree = np.bincount(np.concatenate([a, b]))
    number = rng.random(len(a))
    lowest = np.ones(len(degree))
    np.minimum.at(lowest, a, number)
    np.minimum.at(lowest, b, number)
    drawn = np.flatnonzero((number == lowest[a]) & (number == lowest[b]))
    return rng.permutation(drawn), 1 / (degree[a] + degree[b] - 1)
