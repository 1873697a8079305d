r"""The outcome of an audit of pair classification: its cells, and what their differences are owed to.

$$y_{des} = \mu + \alpha_d + \beta_e + \gamma_s + (\alpha\beta)_{de} + (\alpha\gamma)_{ds} + (\beta\gamma)_{es}
+ r_{des} \qquad \mathrm{share}_d = \frac{\sum_{des} \alpha_d^2}{\sum_{des} (y_{des} - \mu)^2}$$

Symbols: y -> a metric in the cell of a data set d, an encoder e and a similarity s; shares add up to 1. They describe
these cells: other sets, or another encoder among them, have other shares.
Pitfalls: shares of a grid with holes, which depend on the order in which factors are taken out.
Reference: Fisher 1925, Statistical Methods for Research Workers
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from cosimo.errors import DataError
from cosimo.measure.datasets.pair_cards import DatasetCard
from cosimo.statistics import Comparison
from cosimo.types import Estimate, Floats

FACTORS = ("dataset", "encoder", "similarity")
METRICS = ("accuracy", "f1", "ap", "roc_auc")
NO_ENCODER = "none"
"""The encoder of a similarity of texts."""


@dataclass(frozen=True, eq=False)
class AuditCell:
    """One encoder and similarity on the test pairs of one set.

    cut, accuracy
        The cut of the best accuracy on the training pairs, and what it gives on the test pairs.
    f1_cut, f1
        The same for F1.
    ap, roc_auc
        Over all cuts.
    accuracy_best
        The best accuracy that any cut gives on the test pairs: optimistic.
    """

    dataset: str
    encoder: str
    similarity: str
    cut: float
    accuracy: Estimate
    f1_cut: float
    f1: Estimate
    ap: Estimate
    roc_auc: Estimate
    accuracy_best: float


@dataclass(frozen=True, eq=False)
class CutTransfer:
    """What the cut of one set is worth on the test pairs of another.

    loss
        Accuracy by the other set's own cut less that by the foreign one, on the same pairs.
    """

    encoder: str
    similarity: str
    learnt_on: str
    used_on: str
    accuracy: Estimate
    loss: Comparison


@dataclass(frozen=True, eq=False)
class AuditTable:
    """The outcome of an audit.

    told
        What was cut off texts.
    """

    cells: tuple[AuditCell, ...]
    dataset_cards: tuple[DatasetCard, ...]
    threshold_transfer: tuple[CutTransfer, ...]
    told: tuple[str, ...] = ()

    def variance_share(self, metric: str = "accuracy") -> Mapping[str, float]:
        """Share of the variance over cells that data set, encoder, similarity and their interactions account for.

        Similarities of texts, which no encoder changes, are left out.

        metric
            `accuracy`, `f1`, `ap` or `roc_auc`.

        Raises
        ------
        DataError
            No such metric, or no cell with an encoder.
        """
        if metric not in METRICS:
            raise DataError(f"metric is one of {', '.join(METRICS)}, got {metric!r}")
        cells = [cell for cell in self.cells if cell.encoder != NO_ENCODER]
        if not cells:
            raise DataError("no cell has an encoder, so there is no variance to share")
        levels = [list(dict.fromkeys(getattr(cell, factor) for cell in cells)) for factor in FACTORS]
        Y = np.empty([len(level) for level in levels])
        for cell in cells:
            place = tuple(level.index(getattr(cell, factor)) for level, factor in zip(levels, FACTORS, strict=True))
            Y[place] = getattr(cell, metric).value
        return variance_shares(Y, FACTORS)

    def records(self) -> list[dict[str, Any]]:
        """One row a cell, as for a table."""
        return [
            {
                **{name: getattr(cell, name) for name in (*FACTORS, "cut", "f1_cut", "accuracy_best")},
                **{name: getattr(cell, name).value for name in METRICS},
            }
            for cell in self.cells
        ]

    def __str__(self) -> str:
        lines = [str(card) for card in self.dataset_cards]
        for cell in self.cells:
            figures = "  ".join(f"{name} {getattr(cell, name).value:.3f}" for name in METRICS)
            told = f"{cell.dataset}, {cell.encoder}, {cell.similarity}: {figures}"
            lines.append(f"{told} (best cut on the test pairs: accuracy {cell.accuracy_best:.3f})")
        for row in self.threshold_transfer:
            told = f"cut of {row.learnt_on} on {row.used_on}, {row.encoder}, {row.similarity}"
            lines.append(f"{told}: accuracy {row.accuracy.value:.3f}, {row.loss.difference:+.3f} lost")
        return "\n".join(lines)


def variance_shares(Y: Floats, factors: Sequence[str]) -> Mapping[str, float]:
    """Share of the variance of a full grid that each factor, pair of factors, ... accounts for; NaN where all is equal.

    >>> variance_shares(np.array([[1.0, 1.0], [-1.0, -2.0]]), ["data", "encoder"])
    {'data': 0.926, 'encoder': 0.037, 'data x encoder': 0.037}
    """
    axes = range(Y.ndim)
    effects: dict[tuple[int, ...], Floats] = {}
    for size in range(Y.ndim + 1):
        for kept in combinations(axes, size):
            mean = Y.mean(axis=tuple(axis for axis in axes if axis not in kept), keepdims=True)
            below = [effect for inner, effect in effects.items() if set(inner) <= set(kept)]
            effects[kept] = mean - sum(below, start=np.zeros_like(mean))
    total = float(((Y - Y.mean()) ** 2).sum())
    return {
        " x ".join(factors[axis] for axis in kept): (
            float((effect**2).sum()) * Y.size / effect.size / total if total > 0 else math.nan
        )
        for kept, effect in effects.items()
        if kept
    }
