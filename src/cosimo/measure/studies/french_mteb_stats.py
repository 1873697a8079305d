r"""Which of many models are really better over many data sets, and which cannot be told apart.

    r_ij = rank of model j on data set i, 1 the best;        R_j = mean_i r_ij
    pair (j, l):  signs of r_ij - r_il flipped over i,       Holm over the M (M - 1) / 2 pairs
    clique:       a largest group of models of which no two are declared different

The samples are the data sets, or families of them: the ranks of a family's data sets are averaged and ranked again,
so that STS12 to STS16 count once. Ranks make scores of different metrics comparable, and flipping the sign of one
pair's difference changes nobody else's rank, so that the test holds for equal models whatever the others are.

The pairwise tests of Conover and Nemenyi after Friedman's (`cosimo.measure.studies.rank_tests`) are there to reproduce
published tables, and declare nothing unless Friedman's test rejects. Where half of the models are equal and the others
lie far apart, Conover's finds a difference among the equal ones in a third to a half of the cases instead of .05, and
in a tenth to a quarter after Holm's correction; sign flips keep to .05. What Nemenyi's says of two models depends on
which others were run.

Symbols: n -> data sets or families, M -> models, R -> `ranks` (M,).
Pitfalls: scores of different metrics averaged; seeds or items taken for the samples; the error rate checked
only where all models are equal; stars for a difference that so few data sets could not have shown.
Reference: Extending the Massive Text Embedding Benchmark to French, 2024, https://arxiv.org/abs/2405.20468
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cosimo._extras import need
from cosimo._random import Seed
from cosimo.errors import DataError
from cosimo.measure.studies.rank_tests import (
    Results,
    conover_p,
    critical_difference,
    family_codes,
    friedman_p,
    nemenyi_p,
    ranks_within,
    score_table,
)
from cosimo.statistics import holm, sign_flip_test, smallest_sign_flip_p
from cosimo.types import Floats

PostHoc = Literal["sign-flip", "conover", "conover-holm", "nemenyi"]


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """M models by average rank over data sets; print it.

    models
        Names, best average rank first, which is the order of all else.
    ranks
        (M,) average ranks, 1 the best possible.
    friedman_p
        p-value of "all models are equal".
    p
        (M, M) p-value of each pair, adjusted for all pairs unless `posthoc` is `conover`.
    different
        (M, M) whether two models are declared different at `alpha`.
    cliques
        The largest groups of models of which no two are different; a model may be in several.
    critical_difference
        Difference of average ranks from which on two models are different; None but for `nemenyi`.
    posthoc, alpha, n_units, warnings
        How the pairs were tested, on how many independent data sets, and what these cannot show.
    """

    models: tuple[str, ...]
    ranks: Floats
    friedman_p: float
    p: Floats
    different: NDArray[np.bool_]
    cliques: tuple[tuple[str, ...], ...]
    critical_difference: float | None
    posthoc: PostHoc
    alpha: float
    n_units: int
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self._over()}; all equal: p = {self.friedman_p:.2g}; pairs: {self.posthoc}"]
        width = max(len(model) for model in self.models)
        for rank, model, others in zip(self.ranks, self.models, self.different, strict=True):
            beaten = ", ".join(self.models[j] for j in np.flatnonzero(others & (self.ranks > rank)))
            lines.append(f"{rank:5.2f}  " + (f"{model:<{width}}  better than {beaten}" if beaten else model))
        return "\n".join((*lines, *self.warnings))

    def cd_diagram(self, ax: Any = None) -> Any:
        """The critical-difference diagram: average ranks on a line, a bar through models that cannot be told apart.

        ax
            Axes of matplotlib; None for a new figure.

        Raises
        ------
        MissingExtra
            matplotlib is not installed.
        """
        M, bars = len(self.models), [clique for clique in self.cliques if len(clique) > 1]
        if ax is None:
            _, ax = need("matplotlib.pyplot", extra="plots").subplots(figsize=(8, 1.5 + 0.25 * (M + len(bars))))
        rank_of = dict(zip(self.models, self.ranks, strict=True))
        for depth, clique in enumerate(bars, start=1):
            places = [rank_of[model] for model in clique]
            ax.plot(places, [-depth] * len(places), color="C0", linewidth=3, marker="o", markersize=5)
        for depth, (model, rank) in enumerate(rank_of.items(), start=len(bars) + 1):
            side = "left" if rank < (M + 1) / 2 else "right"
            ax.plot([rank, rank], [0, -depth], color="0.7", linewidth=0.8, zorder=0)
            ax.text(rank, -depth, f" {model} {rank:.2f} ", va="center", ha=side)
        cd = self.critical_difference
        told = "" if cd is None else f", critical difference {cd:.2f}"
        ax.set_title(f"{self._over()}, {self.posthoc}, alpha {self.alpha:g}{told}")
        ax.set(xlim=(0.8, M + 0.2), ylim=(-len(bars) - M - 1, 0), yticks=[])
        ax.spines[["left", "right", "bottom"]].set_visible(False)
        ax.xaxis.tick_top()
        return ax

    def _over(self) -> str:
        return f"average rank over {self.n_units} independent data sets"


def compare_models(
    results: Results,
    test: Literal["friedman", "iman-davenport"] = "friedman",
    *,
    posthoc: PostHoc = "sign-flip",
    families: Mapping[str, str] | None = None,
    alpha: float = 0.05,
    seed: Seed = 0,
) -> ModelComparison:
    """Which of M models are better than which, over data sets.

    results
        A DataFrame, a row a model and a column a data set, or a mapping model -> {data set: score}; more is better.
    test
        The test of "all models are equal".
    posthoc
        The tests of the pairs; any but `sign-flip` only to reproduce what was published.
    families
        Family of each data set, which counts once; a data set without one is its own.
    alpha
        Probability of any wrong difference that is accepted.

    Raises
    ------
    DataError
        Fewer than two models or independent data sets, or a model without a score on one of them.

    >>> ours = {f"set {i}": 0.5 + i / 50 for i in range(8)}
    >>> theirs = {name: score - 0.1 for name, score in ours.items()}
    >>> print(compare_models({"ours": ours, "theirs": theirs, "chance": dict.fromkeys(ours, -0.1)}))
    average rank over 8 independent data sets; all equal: p = 0.00034; pairs: sign-flip
     1.00  ours    better than theirs, chance
     2.00  theirs  better than chance
     3.00  chance
    """
    if test not in ("friedman", "iman-davenport"):
        raise DataError(f"test is 'friedman' or 'iman-davenport', got {test!r}")
    if not 0 < alpha < 1:
        raise DataError(f"alpha must lie between 0 and 1, got {alpha}")
    models, sets, X = score_table(results)
    ranks = ranks_within(X, family_codes(sets, families)[0])
    n, M = ranks.shape
    if min(n, M) < 2:
        raise DataError(f"wanted two models and two independent data sets at least, got {M} and {n}")
    order = np.argsort(ranks.mean(axis=0), kind="stable")
    ranks = ranks[:, order]
    names = tuple(models[j] for j in order)
    overall = friedman_p(ranks, iman_davenport=test == "iman-davenport")
    p = np.ones((M, M))
    upper = np.triu_indices(M, 1)
    p[upper] = _pairs(ranks, posthoc, alpha, seed)
    p = np.minimum(p, p.T)
    different = (p <= alpha) & (posthoc == "sign-flip" or overall <= alpha)
    return ModelComparison(
        models=names,
        ranks=ranks.mean(axis=0),
        friedman_p=overall,
        p=p,
        different=different,
        cliques=tuple(tuple(names[j] for j in clique) for clique in _cliques(~different)),
        critical_difference=critical_difference(n, M, alpha=alpha) if posthoc == "nemenyi" else None,
        posthoc=posthoc,
        alpha=alpha,
        n_units=n,
        warnings=_limits(n, M, posthoc, alpha),
    )


def _pairs(ranks: Floats, posthoc: PostHoc, alpha: float, seed: Seed) -> Floats:
    """p-values of all pairs, in the order of `numpy.triu_indices`."""
    if posthoc == "sign-flip":
        first, second = np.triu_indices(ranks.shape[1], 1)
        enough = max(9999, math.ceil(4 * len(first) / alpha))  # so that the smallest p passes Holm's first step
        differences = (ranks[:, first] - ranks[:, second]).T
        return holm([sign_flip_test(D, n_resamples=enough, seed=seed) for D in differences])
    if posthoc == "nemenyi":
        return nemenyi_p(ranks)
    if posthoc in ("conover", "conover-holm"):
        return conover_p(ranks) if posthoc == "conover" else holm(conover_p(ranks))
    raise DataError(f"posthoc is 'sign-flip', 'conover', 'conover-holm' or 'nemenyi', got {posthoc!r}")


def _cliques(joined: NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """Maximal groups of which every two are joined, by Bron and Kerbosch's search, sorted."""
    neighbours = [set(np.flatnonzero(row).tolist()) - {i} for i, row in enumerate(joined)]
    found = []
    stack: list[tuple[tuple[int, ...], set[int], set[int]]] = [((), set(range(len(joined))), set())]
    while stack:
        clique, candidates, seen = stack.pop()
        if not candidates | seen:
            found.append(tuple(sorted(clique)))
            continue
        pivot = max(candidates | seen, key=lambda i: len(candidates & neighbours[i]))
        for i in candidates - neighbours[pivot]:
            stack.append(((*clique, i), candidates & neighbours[i], seen & neighbours[i]))
            candidates, seen = candidates - {i}, seen | {i}
    return sorted(found)


def _limits(n: int, M: int, posthoc: PostHoc, alpha: float) -> tuple[str, ...]:
    """What n data sets cannot show of M models, and what a test for reproduction is worth."""
    if posthoc != "sign-flip":
        return (f"{posthoc} is for reproduction: its error rate does not hold where only some of the models are equal",)
    pairs = M * (M - 1) // 2
    if pairs * smallest_sign_flip_p(n) <= alpha:
        return ()
    needed = 1 + math.ceil(math.log2(pairs / alpha))
    return (f"{M} models cannot be separated with this many tasks: {n} independent ones, {needed} are needed",)
