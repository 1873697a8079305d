"""Guarantee: what a decision rule promises, in numbers and in one honest sentence.

A guarantee is a statement about the *rule* over draws of the labelled sample. It never says that a given hit is right,
nor how likely it is that a given certificate is wrong.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from cosimo.errors import DataError

Kind = Literal["confident", "average", "estimate"]
Unit = Literal["pair", "query", "cluster"]
State = Literal["valid", "stale", "moved", "broken"]

PHRASES: Mapping[str, str] = {
    "precision": "at least {target} of the accepted pairs are matches",
    "precision per cluster": "a random accepted pair of a random cluster that has any is a match with probability at "
    "least {target}",
    "recall": "at least {target} of the true matches are accepted",
    "recall per cluster": "a random cluster has at least {target} of its true matches accepted on average",
    "rejected matches": "at most {target} of the true matches are rejected",
    "rejected matches per cluster": "a random cluster has at most {target} of its true matches rejected on average",
    "false accepts": "at most {target} of the pairs that do not match are accepted",
    "false accepts per cluster": "a random cluster has at most {target} of its pairs that do not match accepted on "
    "average",
    "coverage": "at least {target} of the queries that have a relevant item get one of them",
    "coverage per cluster": "in a random cluster at least {target} of the queries that have a relevant item get one of "
    "them on average",
    "recall per query": "a query that has relevant items gets at least {target} of them on average",
    "false found": "at most {target} of the queries that have no match are told that there is one",
    "false found per cluster": "in a random cluster at most {target} of the queries that have no match are told that "
    "there is one, on average",
    "calibrated probability": "of the pairs given a probability p about the share p are matches; accepted from "
    "{target} on",
}
"""Estimands by name, as they are said."""

LIKE_LABELLED = "pairs like the labelled ones"
"""The population as far as a decider knows it; who knows more puts it in this place."""
UNKNOWN_ORIGIN = "of unknown origin: you assert that they are a random sample of what will be decided"


@dataclass(frozen=True)
class Guarantee:
    """What a decision rule promises, for which unit, population and sampling, and what voids it.

    estimand
        A name in `PHRASES`; `target` is its bound.
    delta
        Allowed probability, over the draw of the labels and over all looks, that the statement is false.
    kind
        `confident`: holds with probability 1 - delta over draws of the labels. `average`: holds on average over them.
        `estimate`: promises nothing, and is never printed as a guarantee.
    unit, n_units, n_accepted, errors
        What was counted as independent, how many there were, how many of them were accepted and how many were wrong.
    population, sampling
        What the statement is about, and how the labels were drawn from it.
    look
        Which attempt at this promise it was; earlier ones have used up part of delta.
    binds
        What the rule must be used with: space, scores, candidates, collection, guard.
    breaks_if
        What voids it, in words.
    state
        `stale` when the collection has grown, `moved` when the scores have, `broken` when an audit says so.

    >>> rule = Guarantee("precision", 0.9, 0.05, "confident", "pair", 400, 220, 9, "exact binomial")
    >>> print(rule)
    Guarantee: with probability at least 95 % over the draw of the 400 labelled pairs, at least 0.9 of the accepted...
    """

    estimand: str
    target: float
    delta: float
    kind: Kind
    unit: Unit
    n_units: int
    n_accepted: int
    errors: int
    method: str
    population: str = LIKE_LABELLED
    sampling: str = UNKNOWN_ORIGIN
    look: int = 1
    binds: Mapping[str, str] = field(default_factory=dict)
    breaks_if: str = "what is decided is drawn differently from what was labelled"
    created: str = ""
    state: State = "valid"

    def __post_init__(self) -> None:
        if self.estimand not in PHRASES:
            raise DataError(f"no estimand {self.estimand!r}; there are {', '.join(PHRASES)}")

    @property
    def statement(self) -> str:
        """What is said of the rule, without how sure it is."""
        return PHRASES[self.estimand].format(target=f"{self.target:g}")

    def __str__(self) -> str:
        units = {"pair": "pairs", "query": "queries", "cluster": "clusters"}[self.unit]
        sure = {
            "confident": f"Guarantee: with probability at least {100 * (1 - self.delta):g} % over the draw of the "
            f"{self.n_units:,} labelled {units}, ",
            "average": f"Guarantee on average over draws of {self.n_units:,} labelled {units}, not for each draw: ",
            "estimate": f"Estimate from {self.n_units:,} labelled {units}, no promise: ",
        }[self.kind]
        wrong = f", {self.errors:,} of them wrong" if self.estimand.startswith("precision") else ""
        state = "" if self.state == "valid" else f" State: {self.state}; it holds no longer."
        return (
            f"{sure}{self.statement}, for {self.population}. Labels: {self.sampling}. Counted: {self.n_accepted:,} "
            f"accepted{wrong}; {self.method}, look {self.look}. "
            f"It says nothing about a single decision. Void if {self.breaks_if}.{state}"
        )

    def to_json(self) -> dict[str, Any]:
        """JSON that `from_json` reads back."""
        return {**asdict(self), "binds": dict(self.binds)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Guarantee":
        """The guarantee written by `to_json`."""
        try:
            return cls(**data)
        except TypeError as error:
            raise DataError(f"this is not a guarantee written by cosimo ({error})") from error
