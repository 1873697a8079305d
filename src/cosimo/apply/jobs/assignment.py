r"""One-to-one: of accepted pairs, those that give every item at most one partner and score highest together.

$$ \max_{M} \sum_{(i, j) \in M} \Big( \epsilon + \frac{s_{ij} - s_{\min}}{s_{\max} - s_{\min}} \Big) $$

over sets $M$ of accepted pairs without a common item: a maximum-weight matching of a sparse bipartite graph, solved
exactly. Scores are counted from the lowest accepted one up, so that the zero of their scale does not matter and one
clear pair is not given up for two doubtful ones.

Pitfalls: taking the best pair again and again, which may leave two items alone that had each other; a set of
pairs chosen this way depends on all items, so a rule's promise is about the accepted pairs before it.

Reference: On implementing 2D rectangular assignment algorithms (2016), https://doi.org/10.1109/TAES.2016.140952
"""

import numpy as np
from numpy.typing import NDArray

from cosimo.types import PerItem, Rows

EPSILON = 1e-6
"""What any pair is worth more than none."""


def one_to_one(a: Rows, b: Rows, scores: PerItem) -> NDArray[np.bool_]:
    """(p,) which of the pairs (a[i], b[i]), each there once, are kept; equal arguments give equal answers.

    >>> one_to_one(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.9, 0.8, 0.7]))
    array([ True, False, False])
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    kept = np.ones(len(scores), dtype=np.bool_)
    contested = np.flatnonzero((np.bincount(a)[a] > 1) | (np.bincount(b)[b] > 1)) if len(a) else np.empty(0, np.int64)
    if not contested.size:
        return kept
    left, row = np.unique(a[contested], return_inverse=True)
    right, column = np.unique(b[contested], return_inverse=True)
    S = scores.astype(np.float64)
    cost = 1 + (S.max() - S[contested]) / (np.ptp(S) or 1)
    n, m = len(left), len(right)
    # A column of its own for each row, dearer than any pair, stands for no partner.
    rows, columns = np.concatenate([row, np.arange(n)]), np.concatenate([column, m + np.arange(n)])
    graph = csr_array((np.concatenate([cost, np.full(n, 2 + EPSILON)]), (rows, columns)), shape=(n, m + n))
    partner = np.asarray(min_weight_full_bipartite_matching(graph)[1])
    kept[contested] = partner[row] == column
    return kept
