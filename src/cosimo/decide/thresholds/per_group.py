r"""One promise a group: a rule for each group that has labels enough, and no borrowing from the others.

A promise for all says nothing about a member: at 0.90 over all of Banking77's intents the worst has 0.63. So each group
is a population of its own:

    enough labels, and the test succeeds       a cut of its own
    enough labels, and the test fails          always ask
    too few labels for any test                one group, the rest, tested as a whole: its promise is for no member
    never seen                                 always ask

`each` keeps every single promise with probability $1 - \delta$; `all` keeps them all at once, each of G at
$\delta / G$. The group must be known from the item alone when the rule is used.

Symbols: delta -> 1 - the rule's `confidence`.
Pitfalls: a group that fails falls back to the pooled cut, which is a choice made by the labels; only the groups
that came out well are reported.
"""

import inspect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo.contracts import Decider
from cosimo.decide.calibrators.platt import fitted_probability
from cosimo.decide.fitting.cuts import betting_size
from cosimo.decide.fitting.decisions import ASK
from cosimo.decide.fitting.groups import Part, Rows, context_of, group_names, rows_of, scope, split, together
from cosimo.decide.fitting.labelled import as_scores, labelled, same_scale
from cosimo.decide.fitting.looks import spent
from cosimo.decide.fitting.one_cut import require_fitted
from cosimo.decide.fitting.states import Arrays, load_decider, save_decider
from cosimo.errors import DataError, NotEnoughLabels, Refused, ShapeError
from cosimo.guarantee import Guarantee
from cosimo.statistics import zero_error_minimum
from cosimo.types import PerItem

BOUNDS = ("target", "precision", "recall", "rate")
"""What rules call what they promise."""


@final
class PerGroup:
    """A rule with a promise for every group of pairs.

    rule
        Made afresh for each group; anything with a `confidence`, such as `PrecisionThreshold`.
    promise
        `each` for 1 - delta a group, separately; `all` for 1 - delta for all groups at once.
    smallest
        Units (pairs, or clusters) from which on a group is tested by itself; `None` for the fewest that could ever
        succeed. It must be chosen without a look at the labels.

    >>> from cosimo.decide import PrecisionThreshold
    >>> scores = np.concatenate([np.linspace(0.2, 0.9, 150), np.linspace(-0.5, 0.3, 150)])
    >>> rule = PerGroup(PrecisionThreshold(0.8)).fit(scores, np.arange(300) < 150, by=["a", "b"] * 150)
    >>> rule.predict([0.8, 0.8, -0.1], context={"by": ["a", "c", "b"]})
    array([1, 0, 0], dtype=int8)
    """

    parts_: tuple[Part, ...]
    scale_: str | None
    calibrator_: Decider | None
    guarantee_: Guarantee

    def __init__(self, rule: Decider, *, promise: Literal["each", "all"] = "each", smallest: int | None = None) -> None:
        self.rule, self.promise, self.smallest = rule, promise, smallest

    @property
    def needs(self) -> frozenset[str]:
        """Keys of `context` it cannot do without."""
        return self.rule.needs | {"by"}

    @property
    def guarantee(self) -> Guarantee | None:
        """What is promised of the groups that have a rule, None before `fit`; counted over all of them."""
        return getattr(self, "guarantee_", None)

    @property
    def by_group(self) -> Mapping[str, Guarantee | None]:
        """The guarantee of each group: None where all is asked, one and the same for all members of the rest."""
        require_fitted(self)
        return {group: part.guarantee for part in self.parts_ for group in part.groups}

    @property
    def scope(self) -> str:
        """Whom the promise is for, and whether it is for all at once, in words."""
        require_fitted(self)
        return scope(self.parts_, self.promise)

    def fit(
        self,
        scores: ArrayLike,
        y: ArrayLike | None = None,
        *,
        clusters: Sequence[Any] | None = None,
        by: Sequence[Any] | None = None,
        weights: ArrayLike | None = None,
        unlabelled: ArrayLike | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Self:
        """Learn from scores (n,), labels (n,) and groups `by` (n,).

        Raises
        ------
        NotEnoughLabels
            No group has enough labels to be tested, or none of those tested can carry the promise.
        DataError
            No `by`, or arguments that cannot be used.
        """
        if self.promise not in ("each", "all"):
            raise DataError(f"promise is 'each' or 'all', got {self.promise!r}")
        if unlabelled is not None:
            raise DataError("unlabelled scores have no group here; leave them out")
        S = as_scores(scores)
        groups = group_names(by, len(S), "fit(..., by=groups)")
        given = {"y": y if y is None else np.asarray(y), "clusters": clusters, "weights": weights}
        for name, values in given.items():
            if values is not None and np.shape(values) != S.shape:
                raise ShapeError(f"{name} must have shape ({len(S)},) like the scores, got {np.shape(values)}")
        populations = self._populations(groups, clusters)
        parts, refusals = [], []
        for members, is_rest in populations:
            rows = np.isin(groups, members)
            here = {name: rows_of(values, rows) for name, values in given.items()}
            rule: Any = _copied(self.rule, self._confidence(len(populations)))
            try:
                parts.append(Part(members, is_rest, rule.fit(S[rows], **here, context=context_of(context, rows))))
            except Refused as refusal:
                refusals.append(refusal)
                parts.append(Part(members, is_rest, None, str(refusal)))
        if len(refusals) == len(parts):
            raise _none_held(parts, refusals)
        self.parts_ = tuple(parts)
        self.scale_ = None if context is None else context.get("scale")
        self.calibrator_ = _pooled(self.rule, S, given, context)
        self.guarantee_ = together(self.parts_, self.promise, spent(_of(self.rule, "confidence"), None))
        return self

    def predict(
        self,
        scores: ArrayLike,
        *,
        context: Mapping[str, Any] | None = None,
        veto: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.int8]:
        """(n,) int8: +1 accept, 0 ask, -1 reject; groups without a rule, NaN and vetoed pairs are asked.

        context
            `by` holds the (n,) groups.
        """
        S = as_scores(scores)
        decision = np.full(len(S), ASK, dtype=np.int8)
        if veto is not None and veto.shape != decision.shape:
            raise ShapeError(f"veto must have shape {decision.shape} like the scores, got {veto.shape}")
        for rule, rows in self._rules(context, len(S)):
            decision[rows] = rule.predict(S[rows], context=context_of(context, rows), veto=rows_of(veto, rows))
        return decision

    def probability(self, scores: ArrayLike, *, context: Mapping[str, Any] | None = None) -> PerItem:
        """(n,) probability of a match: by the group's own labels, or by those of all where a group has no rule."""
        S = as_scores(scores)
        rules = list(self._rules(context, len(S)))
        if self.calibrator_ is None:
            raise Refused("this rule knows no probability, since its labels were of one class only")
        P = self.calibrator_.probability(S, context=context)
        for rule, rows in rules:
            with suppress(Refused):  # labels of one class in this group
                P[rows] = rule.probability(S[rows], context=context_of(context, rows))
        return P

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        require_fitted(self)
        rules = {str(i): part.rule for i, part in enumerate(self.parts_)} | {"pooled": self.calibrator_}
        states = {key: save_decider(rule) for key, rule in rules.items() if rule is not None}
        saved = {
            "kind": "per_group",
            "promise": self.promise,
            "smallest": self.smallest,
            "confidence": _of(self.rule, "confidence"),
            "scale": self.scale_,
            "parts": [[part.groups, part.is_rest, part.refusal] for part in self.parts_],
            "rules": {key: state for key, (state, _) in states.items()},
            "guarantee": self.guarantee_.to_json(),
        }
        return saved, {f"{key}/{name}": a for key, (_, arrays) in states.items() for name, a in arrays.items()}

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Arrays) -> Self:
        """The rule written by `state`."""
        rules = {
            key: load_decider(
                state, {name.partition("/")[2]: a for name, a in arrays.items() if name.startswith(f"{key}/")}
            )
            for key, state in saved["rules"].items()
        }
        parts = tuple(
            Part(tuple(groups), is_rest, rules.get(str(i)), refusal)
            for i, (groups, is_rest, refusal) in enumerate(saved["parts"])
        )
        one = next(part.rule for part in parts if part.rule is not None)
        made = cls(_copied(one, saved["confidence"]), promise=saved["promise"], smallest=saved["smallest"])
        made.parts_, made.calibrator_, made.scale_ = parts, rules.get("pooled"), saved["scale"]
        made.guarantee_ = Guarantee.from_json(saved["guarantee"])
        return made

    def _populations(
        self, groups: NDArray[np.str_], clusters: Sequence[Any] | None
    ) -> list[tuple[tuple[str, ...], bool]]:
        """The groups that are tested by themselves, and the rest as one, by sizes alone."""
        units = set(zip(groups.tolist(), map(str, range(len(groups)) if clusters is None else clusters), strict=True))
        sizes = Counter(group for group, _ in units)
        smallest = self.smallest or self._fewest(len(sizes), clusters is not None)
        populations = split(dict(sorted(sizes.items())), smallest)
        if populations[0][1]:
            unit = "pairs" if clusters is None else "clusters"
            raise NotEnoughLabels(
                f"the largest of {len(sizes)} groups has {max(sizes.values())} labelled {unit}, and a promise of its "
                f"own takes at least {smallest}; label more of each group, or make one promise for all without by",
                minimum=smallest,
                estimate=None,
                reachable=True,
            )
        return populations

    def _confidence(self, count: int) -> float:
        """Of the promise to each of so many populations."""
        confidence: float = _of(self.rule, "confidence")
        return confidence if self.promise == "each" else 1 - spent(confidence, None) / count

    def _fewest(self, count: int, clustered: bool) -> int:
        """Units without an error that the rule needs, by whatever it promises."""
        bounds = [getattr(self.rule, name) for name in BOUNDS if hasattr(self.rule, name)]
        delta = spent(self._confidence(count), _of(self.rule, "look")) / max(1, len(bounds))
        level = max((max(bound, 1 - bound) for bound in bounds), default=0.5)
        return betting_size(0, level, delta) if clustered else zero_error_minimum(level, delta)

    def _rules(self, context: Mapping[str, Any] | None, n: int) -> Iterator[tuple[Decider, Rows]]:
        """The rules that have something to decide, and the rows they decide."""
        require_fitted(self)
        same_scale(self.scale_, context)
        groups = group_names((context or {}).get("by"), n, "context={'by': groups}")
        for part in self.parts_:
            rows = np.isin(groups, part.groups)
            if part.rule is not None and rows.any():
                yield part.rule, rows


def _of(rule: Decider, name: str) -> Any:
    if not hasattr(rule, name):
        raise DataError(
            f"PerGroup wants a rule that promises something at a confidence, such as PrecisionThreshold; "
            f"{type(rule).__name__} has no {name}"
        )
    return getattr(rule, name)


def _copied(rule: Decider, confidence: float) -> Decider:
    """A fresh rule of the same arguments at another confidence."""
    arguments = {name: getattr(rule, name) for name in inspect.signature(type(rule)).parameters}
    made: Decider = type(rule)(**{**arguments, "confidence": confidence})
    return made


def _none_held(parts: Sequence[Part], refusals: Sequence[Refused]) -> NotEnoughLabels:
    """The refusal where no population could be given a promise."""
    known = [refusal for refusal in refusals if isinstance(refusal, NotEnoughLabels)]
    return NotEnoughLabels(
        f"none of {len(parts)} groups can be given the promise; {parts[0].name}: {parts[0].refusal}",
        minimum=max((refusal.minimum for refusal in known), default=0),
        estimate=None,
        reachable=any(refusal.reachable for refusal in known),
    )


def _pooled(rule: Decider, S: PerItem, given: Mapping[str, Any], context: Mapping[str, Any] | None) -> Decider | None:
    """Probabilities for groups without a rule, from all labelled pairs that have a score."""
    if given["y"] is None:
        return None
    there = np.isfinite(S)
    with suppress(Refused):
        labels = labelled(S[there], context=context, **{name: rows_of(values, there) for name, values in given.items()})
        return fitted_probability(getattr(rule, "calibrator", None), labels)
    return None
