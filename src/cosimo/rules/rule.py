"""Rule: a fitted decider together with what it may be used for, as one object that can be stored.

A threshold alone is a number that fits any score. A rule knows its scale and its unit (a pair of items, a hit of a
search, a query), is bound to the path the scores came along, and refuses whatever its guarantee does not cover.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from cosimo.contracts import Decider
from cosimo.decide.fitting.labelled import as_scores
from cosimo.decide.fitting.states import load_decider, save_decider
from cosimo.errors import DataError, GuaranteeVoid, Refused, ScaleMismatch
from cosimo.files.atomic import replacing
from cosimo.guarantee import Guarantee, State
from cosimo.rules.validity import require
from cosimo.types import PerItem

FORMAT = 1
Judged = Literal["pair", "hit", "query"]
"""What a rule decides about: two items, an item found for a query, or whether a query has any match."""


@dataclass(frozen=True, eq=False)
class Judgements:
    """Decisions about n scores.

    decision
        (n,) int8: +1 accept, 0 ask, -1 reject.
    probability
        (n,) of a match, None where the rule knows none.
    reasons
        Why a pair is asked although its score would do, or cannot be judged; None elsewhere.
    """

    scores: PerItem
    decision: NDArray[np.int8]
    probability: PerItem | None
    reasons: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.scores)


@final
@dataclass(frozen=True, eq=False)
class Rule:
    """A fitted decider, the scale and unit it was fitted on, and its guarantee with all that voids it.

    guard
        Version of the opposites guard that is part of the rule, None where it has none.
    beside
        Further guarantees that hold at the same time, such as that of the rejected.
    """

    decider: Decider
    scale: str
    unit: Judged
    guarantee: Guarantee
    guard: str | None = None
    beside: tuple[Guarantee, ...] = ()

    @property
    def binds(self) -> Mapping[str, str]:
        """What the rule must be used with."""
        return self.guarantee.binds

    def judge(
        self,
        scores: PerItem,
        *,
        scale: str,
        unit: Judged,
        veto: Sequence[str | None] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Judgements:
        """Decide about n scores.

        veto
            (n,) why a pair must be asked whatever its score, None where there is nothing against it.

        Raises
        ------
        ScaleMismatch
            The scores measure something else, or belong to another unit.
        GuaranteeVoid
            The guarantee no longer holds.
        """
        self._require(scale, unit)
        S = as_scores(scores)
        given = {**(context or {}), "scale": scale}
        reasons: list[str | None] = [None] * len(S) if veto is None else list(veto)
        mask = np.array([reason is not None for reason in reasons], dtype=bool)
        decision = self.decider.predict(S, context=given, veto=mask)
        for i in np.flatnonzero(np.isnan(S)).tolist():
            reasons[i] = reasons[i] or "the score is not a number"
        return Judgements(S, decision, self._probability(S, given), tuple(reasons))

    def require(self, binds: Mapping[str, str], what: str) -> None:
        """Refuse a use in which something differs that the guarantee is bound to.

        Raises
        ------
        GuaranteeVoid
            With every difference.
        """
        require(self.binds, binds, what)

    def in_state(self, state: State) -> "Rule":
        """The same rule with its guarantee in another state."""
        beside = tuple(replace(guarantee, state=state) for guarantee in self.beside)
        return replace(self, guarantee=replace(self.guarantee, state=state), beside=beside)

    def to_json(self) -> dict[str, Any]:
        """JSON that `from_json` reads back."""
        saved, arrays = save_decider(self.decider)
        return {
            "format": FORMAT,
            "scale": self.scale,
            "unit": self.unit,
            "guard": self.guard,
            "guarantees": [guarantee.to_json() for guarantee in (self.guarantee, *self.beside)],
            "decider": saved,
            "arrays": {name: encode_array(array) for name, array in arrays.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Rule":
        """The rule written by `to_json`; `DataError` where it is none."""
        try:
            if data["format"] != FORMAT:
                raise DataError(f"this rule has format {data['format']}; this version reads {FORMAT}")
            arrays = {name: decode_array(array) for name, array in data["arrays"].items()}
            decider = load_decider(data["decider"], arrays)
            first, *beside = map(Guarantee.from_json, data["guarantees"])
            return cls(decider, str(data["scale"]), data["unit"], first, data["guard"], tuple(beside))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"this is not a rule written by cosimo ({type(error).__name__}: {error})") from error

    def save(self, path: str | Path) -> None:
        """Write the rule as one JSON file."""
        with replacing(Path(path)) as file:
            file.write(json.dumps(self.to_json(), indent=2, allow_nan=False).encode())

    @classmethod
    def load(cls, path: str | Path) -> "Rule":
        """The rule in a file written by `save`."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(f"{path} is not a rule written by cosimo ({error})") from error
        return cls.from_json(data)

    def _require(self, scale: str, unit: Judged) -> None:
        if unit != self.unit:
            raise ScaleMismatch(
                f"this rule judges a {self.unit} and was asked about a {unit}; a {unit} is another population, so "
                "calibrate a rule for it"
            )
        if scale != self.scale:
            raise ScaleMismatch(
                f"this rule was made for scores of the scale {self.scale!r} and got {scale!r}; calibrate one for these"
            )
        if self.guarantee.state != "valid":
            raise GuaranteeVoid(
                f"the rule's guarantee is {self.guarantee.state}: it no longer holds; label a new sample and calibrate"
            )

    def _probability(self, S: PerItem, context: Mapping[str, Any]) -> PerItem | None:
        try:
            return self.decider.probability(S, context=context)
        except Refused:
            return None


def encode_array(array: NDArray[Any]) -> dict[str, Any]:
    """An array as JSON."""
    plain = np.ascontiguousarray(array)
    content = base64.b64encode(plain.tobytes()).decode()
    return {"dtype": plain.dtype.str, "shape": list(plain.shape), "content": content}


def decode_array(saved: Mapping[str, Any]) -> NDArray[Any]:
    """The array written by `encode_array`."""
    dtype = np.dtype(saved["dtype"])
    if dtype.kind not in "fiub":
        raise DataError(f"a rule holds numbers, got dtype {dtype}")
    return np.frombuffer(base64.b64decode(saved["content"]), dtype).reshape(saved["shape"])
