"""Candidate pairs judged: by a rule with whatever it promises, or by a plain cut that promises nothing.

A rule holds for candidates like those it was calibrated on: of the same space, found the same way among about as many
items. Where that is not so its decisions are still given, and said to be outside the promise; a rule of another space,
scale, unit or guard is refused.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from cosimo.apply.jobs.candidates import Found
from cosimo.errors import DataError, GuaranteeVoid, Refused
from cosimo.rules.validity import guarded, opposites, outgrown
from cosimo.space import Space
from cosimo.types import PerItem, Rows

if TYPE_CHECKING:
    from cosimo.rules.rule import Rule

ACCEPT, ASK = 1, 0


@final
@dataclass(frozen=True, eq=False)
class Pairs:
    """The p candidate pairs and what was decided of each.

    a, b
        (p,) rows of the two items.
    scores
        (p,) on the named `scale`.
    decision
        (p,) int8: +1 accept, 0 ask, -1 reject.
    probability
        (p,) of a match, None where the rule knows none.
    reasons
        Why a pair is asked about whatever its score, None elsewhere.
    found
        How they were found, and among how many items: a rule made from labels of these pairs is tied to it.
    promise
        What is promised of the accepted ones, in words.
    """

    a: Rows
    b: Rows
    scores: PerItem
    scale: str
    decision: NDArray[np.int8]
    probability: PerItem | None
    reasons: Sequence[str | None]
    found: Mapping[str, str]
    promise: str

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """(p,) whether it counts as a match."""
        accepted: NDArray[np.bool_] = self.decision == ACCEPT
        return accepted

    @property
    def asked(self) -> NDArray[np.bool_]:
        """(p,) whether somebody has to look at it."""
        asked: NDArray[np.bool_] = self.decision == ASK
        return asked


@dataclass(frozen=True)
class Judge:
    """What decides about pairs in a space: either a rule, or the lowest score that is accepted.

    Raises
    ------
    DataError
        Neither or both are given.
    ScaleMismatch
        The rule is about something else than pairs, or about other scores.
    GuaranteeVoid
        It was made in another space or with another guard, or no longer holds.
    """

    space: Space
    rule: "Rule | None"
    min_score: float | None

    def __post_init__(self) -> None:
        if (self.rule is None) == (self.min_score is None):
            raise DataError("either a rule or min_score decides which pairs match; give one of the two")
        if self.min_score is not None and not math.isfinite(self.min_score):
            raise DataError(f"min_score must be a finite number, got {self.min_score}")
        if self.rule is not None:
            self._check(self.rule)

    @property
    def floor(self) -> float | None:
        """Lowest score of a candidate; a rule made from candidates above a floor looks at no others."""
        if self.rule is None:
            return self.min_score
        floor = self.rule.binds.get("floor")
        return None if floor is None else float(floor)

    def pairs(self, candidates: Found, how: str, items: int, *, left: Sequence[str], right: Sequence[str]) -> Pairs:
        """The candidates with their decisions.

        how, items
            How they were found, and among how many items.
        left, right
            Texts by row.
        """
        a, b, scores = candidates
        found = {"candidates": how, "items": str(items)}
        if self.floor is not None:
            found["floor"] = f"{self.floor:g}"
        scale = self.space.similarity_function.scale
        if self.rule is None:
            told = f"No promise: every candidate pair with a {scale} of at least {self.min_score:g} is accepted."
            everything = np.full(len(scores), ACCEPT, np.int8)
            return Pairs(a, b, scores, scale, everything, None, (None,) * len(scores), found, told)
        veto = opposites(self.rule.guard, [left[i] for i in a.tolist()], [right[j] for j in b.tolist()])
        told = _promise(self.rule, found)
        judged = self.rule.judge(scores, scale=scale, unit="pair", veto=None if veto is None else veto.reasons)
        return Pairs(a, b, scores, scale, judged.decision, judged.probability, judged.reasons, found, told)

    def _check(self, rule: "Rule") -> None:
        rule.judge(np.empty(0, np.float32), scale=self.space.similarity_function.scale, unit="pair")
        if rule.decider.needs:
            wanted = ", ".join(sorted(rule.decider.needs))
            raise Refused(f"this rule wants to know {wanted} of each pair, which candidate pairs do not come with")
        here = {"space": self.space.passport.key, **guarded(rule.guard)}
        for name, value in here.items():
            if (made := rule.binds.get(name, value)) != value:
                raise GuaranteeVoid(
                    f"the rule was made with the {name} {made}, and this is {value}: its cut means nothing here. Use "
                    "what it was made with, or calibrate again"
                )


def _promise(rule: "Rule", found: Mapping[str, str]) -> str:
    """What the rule promises of these candidates."""
    outside = _differences(rule.binds, found)
    if not outside:
        return str(rule.guarantee)
    return f"Outside the promise of the rule, which guarantees nothing here: {'; '.join(outside)}."


def _differences(binds: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """What a guarantee is tied to and is not so here, or is not known."""
    differences = []
    if "space" not in binds:
        differences.append("it does not say in which space it was made")
    if binds.get("candidates") != found["candidates"]:
        made = binds.get("candidates", "pairs found in a way it does not state")
        differences.append(f"it was made for {made}, and these are {found['candidates']}")
    made, items = binds.get("items", ""), int(found["items"])
    if not made.isdecimal():
        differences.append("it does not say among how many items its pairs were found")
    elif outgrown(int(made), came=items - int(made), went=int(made) - items):
        differences.append(f"its pairs were found among {int(made):,} items, these among {items:,}")
    others = sorted(set(binds) - {"space", "guard", *found})
    return differences + [f"it is tied to the {name} {binds[name]}, and there is none here" for name in others]
