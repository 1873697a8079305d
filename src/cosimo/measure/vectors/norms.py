r"""Norm spread: how long the vectors of a space are, and whether they have length 1, as cosine by inner product needs.

    |x_i| = sqrt(sum_k x_ik^2),        unnormalised: | |x_i| - 1 | > 0.001

Pitfalls: cosine taken by inner product of vectors that nobody normalised; a zero vector, which has no direction
and is closest to nothing, or to everything, as the code divides.
"""

from collections.abc import Mapping
from typing import ClassVar, final

import numpy as np

from cosimo.measure.vectors.directions import Directions
from cosimo.measure.vectors.one_pass import Block, OnePass, Reading, Seen
from cosimo.measure.vectors.sampling import Reservoir, group_estimate, histogram, left_out_groups
from cosimo.statistics import rate_interval
from cosimo.types import Estimate

QUANTILES = {"q01": 0.01, "median": 0.5, "q99": 0.99}


@final
class Norms(OnePass):
    """How long the vectors are.

    Figures: `mean`, `sd`, `shortest` and `longest` length of all vectors, the shares of them that are `unnormalised`
    (longer or shorter than 1 by more than 0.001) and `zero`; `q01`, `median` and `q99` of a random sample. The report's
    settings hold a histogram of that sample.

    size
        Vectors in the sample.
    seed
        Draws it.

    >>> diagnostic = Norms()
    >>> diagnostic.update(np.array([[0.6, -0.8], [3.0, -4.0], [0.0, 0.0], [-1.0, 0.0]]))
    >>> found = diagnostic.result().metrics
    >>> found["mean"].value, found["unnormalised"].value, found["zero"].value
    (1.75, 0.5, 0.25)
    """

    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        **dict.fromkeys(("mean", "sd", "shortest", "longest", *QUANTILES), (0.0, np.inf)),
        **dict.fromkeys(("unnormalised", "zero"), (0.0, 1.0)),
    }
    least: ClassVar[int] = 1

    def __init__(self, *, size: int = 2000, seed: int = 0) -> None:
        self.size, self.seed = size, seed

    def gather(self, seen: Seen) -> tuple[Directions, Reservoir]:
        """Sums over all lengths, and a sample for their quantiles."""
        return seen.get(Directions), seen.get(Reservoir, self.size, self.seed)

    def read(self, seen: Seen) -> Reading:
        """Mean, spread and shares of all, quantiles of the sample."""
        whole, sample = self.gather(seen)
        lengths = Block(sample.rows).lengths
        n, m = seen.n, len(lengths)
        quantiles = list(QUANTILES.values())

        def figures(x: np.ndarray) -> list[float]:
            return [float(x.mean()), float(x.std()), *np.quantile(x, quantiles, method="inverted_cdf").tolist()]

        left = left_out_groups(lambda rows: figures(lengths[rows]), m, seed=self.seed) if m > 1 else None
        of_all = [whole.mean_length, whole.sd_length]
        values = of_all + figures(lengths)[2:]
        metrics = {"shortest": Estimate(float(whole.shortest)), "longest": Estimate(float(whole.longest))}
        for i, (name, value) in enumerate(zip(("mean", "sd", *QUANTILES), values, strict=True)):
            rows = n if i < len(of_all) else m
            metrics[name] = Estimate(value) if left is None else group_estimate(value, left[:, i], sample=m, n=rows)
        for name, count in (("unnormalised", whole.unnormalised), ("zero", whole.zero)):
            metrics[name] = Estimate(count / n, rate_interval(count, n))
        return Reading(metrics, {"sample": m, "histogram": histogram(lengths)}, _told(whole))


def _told(whole: Directions) -> tuple[str, ...]:
    told = []
    if whole.zero:
        told.append(f"{whole.zero:,} of {whole.n:,} vectors are zero: they have no direction, and a cosine of 0")
    if whole.unnormalised > whole.zero:
        told.append(
            f"{whole.unnormalised - whole.zero:,} of {whole.n:,} vectors have another length than 1: normalise them, "
            "or compare by cosine and not by inner product"
        )
    return tuple(told)
