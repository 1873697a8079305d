"""The side of a collection that decides: pairs to label, rules from labels, and judged hits."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeAlias

from cosimo.errors import DataError
from cosimo.rules.desk import Desk
from cosimo.types import Hits, Query

if TYPE_CHECKING:  # and imported by the methods: a search without rules needs none of it
    from cosimo.guarantee import State
    from cosimo.rules.ledger import Purpose
    from cosimo.rules.rule import Rule
    from cosimo.rules.sampling import Design
    from cosimo.rules.sheet import LabelSheet


RuleOrName: TypeAlias = "str | Rule | None"
"""A rule, the name it is kept under, or None for no rule at all."""


class Deciding(ABC):
    """Gives a collection labels, rules and their guarantees."""

    @property
    @abstractmethod
    def _desk(self) -> Desk:
        """What deciding needs of the collection."""

    def _judged(self, hits: Hits, query: Query, decider: RuleOrName, *, plain: bool) -> Hits:
        """The hits with what the rules say of them, if there are any."""
        if decider is None or (decider == "auto" and not self._desk.store.shelf.names()):
            return hits
        from cosimo.rules.serving import judged

        return judged(self._desk, hits, query, decider=decider, plain=plain)

    def sample_for_labels(
        self,
        queries: Any,
        n: int = 300,
        *,
        k: int = 10,
        where: str | None = None,
        same: str | None = None,
        design: "Design" = "random",
        seed: int = 0,
        progress: bool = False,
    ) -> "LabelSheet":
        """Hits worth labelling, drawn so that a guarantee can be made from the labels.

        queries
            A random sample of what users ask: a path, a list of texts, or a table with a column query, text or
            question. Repeated ones count once.
        n
            About as many labels: one hit of each query as long as there are enough queries.
        k, where
            The search that is to be decided about; the guarantee will hold for it and for no other.
        same
            A declared field, and a column of the queries, whose equal values mark a match; it fills in the labels.
        design
            `random`, or `strata`: as many labels at high scores as at low ones, with weights to make up for it.
        """
        from cosimo.rules.of_hits import draw_sheet
        from cosimo.rules.sheet import Queries

        fields = self._desk.store.fields
        if same is not None and same not in fields:
            known = ", ".join(fields) or "none"
            raise DataError(f"same={same!r} is no declared field of this collection; its fields are: {known}")
        asked = Queries.read(queries, same)
        return draw_sheet(self._desk, asked, n, k=k, where=where, design=design, seed=seed, progress=progress)

    def calibrate(
        self,
        labels: Any,
        *,
        precision: float | None = None,
        recall: float | None = None,
        false_accept: float | None = None,
        confidence: float = 0.95,
        name: str | None = None,
        k: int = 10,
        guard: bool = False,
    ) -> "Rule":
        """A rule for the hits of a search, with its guarantee; it is kept with the collection.

        Every call, refused or not, is a look at the labels: the ledger counts them, and each has less of the allowed
        failure probability to spend than the one before.

        labels
            A labelled sheet, or `Labels` that say how pairs were drawn: queries, ids of items, and 1 or 0.
        precision, recall
            Least share of matches among accepted hits, and of accepted hits among matches; one of them, or both.
        false_accept
            Instead: largest share of the queries without any match that are told they have one. The labels are then
            about queries alone: 0 for each that has no match here, 1 for each that has.
        name
            Under which the rule is kept: by default `search`, and `match` for `false_accept`.
        k
            Hits a query; a sheet knows it by itself.
        guard
            Whether a hit that says the opposite of its query is asked about, whatever its score.

        Raises
        ------
        NotEnoughLabels
            The labels cannot carry the promise; the message says what could.
        Refused
            Nobody said how the labels were drawn, or they were used before to choose something.
        """
        from cosimo.rules.labels import as_labels
        from cosimo.rules.of_hits import rule_for_hits, rule_for_queries
        from cosimo.rules.promise import Promise

        promise = Promise(precision, recall, false_accept, confidence)
        given = as_labels(labels)
        if false_accept is None:
            stored = rule_for_hits(self._desk, promise, given, k=k, guard=guard)
        else:
            stored = rule_for_queries(self._desk, promise, given)
        stored.write(self._desk, name or ("search" if false_accept is None else "match"))
        return stored.rule

    def rules(self) -> "dict[str, Rule]":
        """The rules that are kept, by name, in the state they are in today."""
        from cosimo.rules.serving import rule_named

        return {name: rule_named(self._desk, name) for name in self._desk.store.shelf.names()}

    def mark_rule(self, name: str, state: "State") -> None:
        """Note that a rule's guarantee holds no longer, which a monitor or an audit says: searches then go unjudged.

        state
            `moved` (`ScoreMonitor`, `VectorMonitor`), `broken` (`Audit`), or `valid` again.
        """
        from cosimo.rules.serving import mark

        mark(self._desk, name, state)

    def forget_rule(self, name: str) -> bool:
        """Drop a rule; whether there was one. The ledger keeps that it was made."""
        return self._desk.store.shelf.remove(name)

    def note_labels(self, labels: Any, purpose: "Purpose") -> None:
        """Note that labels were used to train, tune or evaluate something: they will not certify it.

        labels
            As in `calibrate`.
        """
        from cosimo.rules.labels import as_labels
        from cosimo.rules.ledger import CHOOSING, note_use

        if purpose not in CHOOSING:
            raise DataError(f"purpose is one of {', '.join(CHOOSING)}, got {purpose!r}")
        note_use(self._desk.store.shelf, as_labels(labels).read("query", "id"), purpose, {})
