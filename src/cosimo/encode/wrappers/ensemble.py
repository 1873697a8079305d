r"""Several encoders as one: what each was trained for, in one vector.

$$x = \frac{1}{m} \sum_j u_j(t) \quad (\mathrm{mean}) \qquad x = [u_1(t); \dots; u_m(t)] \quad (\mathrm{concat}),
\qquad u_j(t) = \frac{f_j(t)}{\lVert f_j(t) \rVert}$$

$f_j$ -> `encoders`, m of them. A cosine of concatenated vectors is the mean of the encoders' cosines; one of mean
vectors has the products of different encoders in it, which are nearly 0 where their spaces have nothing in common.

Pitfalls: norms differ by training, so that without normalising the longer vectors decide alone; dimensions of
two spaces averaged one by one as if they meant the same, and the result compared with a vector of one of the two.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, final

import numpy as np

from cosimo._arrays import unit
from cosimo.contracts import Encoder
from cosimo.encode.items import check_items
from cosimo.encode.truncation import Tally, note, tally
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import DataError, ShapeError
from cosimo.passport import Passport
from cosimo.types import Role, Vectors


@final
class EnsembleEncoder(Sides):
    """Encodes with several encoders and puts their vectors together.

    encoders
        One or more.
    how
        `mean` of vectors of the same dimensions, or `concat`.
    normalise
        Whether each encoder's vectors are divided by their length first.

    Raises
    ------
    DataError, ShapeError
        No encoder, another `how`, or a mean of vectors of different dimensions.

    >>> from cosimo.encode import Table
    >>> by_use, by_taste = Table(["tea", "salt"], [[3, -4], [0, 5]]), Table(["tea", "salt"], [[1, 0], [0, -2]])
    >>> EnsembleEncoder([by_use, by_taste]).encode(["tea", "salt"])
    array([[ 0.8, -0.4],
           [ 0. ,  0. ]], dtype=float32)
    >>> EnsembleEncoder([by_use, by_taste], how="concat").encode(["tea"])
    array([[ 0.6, -0.8, 1. , 0. ]], dtype=float32)
    """

    def __init__(
        self, encoders: Sequence[Encoder], *, how: Literal["mean", "concat"] = "mean", normalise: bool = True
    ) -> None:
        self.encoders, self.how, self.normalise = encoders, how, normalise
        if how not in ("mean", "concat"):
            raise DataError(f'how is "mean" or "concat", got {how!r}')
        if not len(encoders):
            raise DataError("an ensemble wants at least one encoder, got none")
        dims = [encoder.dim for encoder in encoders]
        if how == "mean" and len(set(dims)) > 1:
            raise ShapeError(f'a mean wants encoders of the same dimensions, got {dims}; how="concat" takes any')

    @property
    def dim(self) -> int:
        """Dimensions of the vectors."""
        return self.encoders[0].dim if self.how == "mean" else sum(encoder.dim for encoder in self.encoders)

    @cached_property
    def passport(self) -> Passport:
        """Those of all encoders, in order, and how their vectors are put together."""
        made_by = [encoder.passport for encoder in self.encoders]
        facts = {
            "encoders": [{"kind": one.kind, "dim": one.dim, **one.facts} for one in made_by],
            "how": self.how,
            "normalise": self.normalise,
        }
        name = "+".join(one.name for one in made_by)
        return Passport("ensemble", name, self.dim, facts, all(one.content for one in made_by), self._probe)

    def _probe(self) -> Vectors | None:
        probes = [encoder.passport.probe for encoder in self.encoders]
        there = [probe for probe in probes if probe is not None]
        return self._together(there) if len(there) == len(probes) else None

    def encode(
        self,
        items: Sequence[Any],
        *,
        role: Role | None = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Vectors:
        """(n, d) float32, one row an item, in the order given; a text that any encoder cuts counts as cut."""
        listed = check_items(items)
        parts, worst = [], Tally()
        for encoder in self.encoders:
            with tally() as seen:
                parts.append(encoder.encode(listed, role=role, given=given, batch_size=batch_size, progress=progress))
            worst = max(worst, seen, key=lambda tallied: tallied.cut)
        note(worst.cut, n=len(listed), limit=worst.limit, texts=worst.texts)
        return self._together(parts)

    def _together(self, parts: Sequence[Vectors]) -> Vectors:
        """(n, d) float32 of the vectors (n, d_j) of all encoders."""
        rows = [unit(part) for part in parts] if self.normalise else parts
        X = np.mean(rows, axis=0) if self.how == "mean" else np.concatenate(rows, axis=1)
        return X.astype(np.float32, copy=False)
