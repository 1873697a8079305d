"""Rulebook: pairs to label, rules from labels, and judged hits, for whatever searches.

It knows a `Searcher` and the shelf that keeps rules and the ledger, and nothing else of the collection they belong to.
What makes and judges by rules is imported when it is first needed: a search without rules needs none of it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from cosimo.contracts import Searcher
from cosimo.errors import DataError
from cosimo.search.stores.shelf import Shelf
from cosimo.types import Hits, Query

if TYPE_CHECKING:
    from cosimo.guarantee import State
    from cosimo.rules.ledger import Purpose
    from cosimo.rules.of_hits import Drawing
    from cosimo.rules.promise import Promise
    from cosimo.rules.rule import Rule
    from cosimo.rules.sheet import LabelSheet

RuleOrName: TypeAlias = "str | Rule | None"
"""A rule, the name it is kept under, or None for no rule at all."""


@dataclass(frozen=True, eq=False)
class Rulebook:
    """The rules about the searches of one `Searcher`.

    searcher
        Searches without decisions.
    shelf
        Keeps the rules and the ledger of the labels they were made from.
    """

    searcher: Searcher
    shelf: Shelf

    def judged(self, hits: Hits, query: Query, decider: RuleOrName, *, plain: bool) -> Hits:
        """The hits with what the rules say of them, if there are any."""
        if decider is None or (decider == "auto" and not self.shelf.names()):
            return hits
        from cosimo.rules.serving import judged

        return judged(self.searcher, self.shelf, hits, query, decider=decider, plain=plain)

    def sample(self, queries: Any, asked: "Drawing", *, same: str | None, progress: bool = False) -> "LabelSheet":
        """Hits worth labelling, drawn as asked; `same` is a field whose equal values mark a match."""
        from cosimo.rules.of_hits import draw_sheet
        from cosimo.rules.sheet import Queries

        if same is not None and same not in self.searcher.fields:
            known = ", ".join(self.searcher.fields) or "none"
            raise DataError(f"same={same!r} is no declared field of this collection; its fields are: {known}")
        kind = str if same is None else self.searcher.fields[same]
        return draw_sheet(self.searcher, self.shelf, Queries.read(queries, same, kind), asked, progress=progress)

    def calibrate(self, labels: Any, promise: "Promise", *, name: str | None, k: int, guard: bool) -> "Rule":
        """A rule with its guarantee from labels, kept under its name."""
        from cosimo.rules.labels import as_labels
        from cosimo.rules.of_hits import rule_for_hits, rule_for_queries

        given = as_labels(labels)
        if promise.false_accept is None:
            stored = rule_for_hits(self.searcher, self.shelf, promise, given, k=k, guard=guard)
        else:
            stored = rule_for_queries(self.searcher, self.shelf, promise, given)
        stored.write(self.shelf, name or ("search" if promise.false_accept is None else "match"))
        return stored.rule

    def rules(self) -> "dict[str, Rule]":
        """The rules that are kept, by name, in the state they are in today."""
        from cosimo.rules.serving import rule_named

        return {name: rule_named(self.searcher, self.shelf, name) for name in self.shelf.names()}

    def mark(self, name: str, state: "State") -> None:
        """Keep the rule under this name in another state."""
        from cosimo.rules.serving import mark

        mark(self.shelf, name, state)

    def forget(self, name: str) -> bool:
        """Drop a rule; whether there was one. The ledger keeps that it was made."""
        return self.shelf.remove(name)

    def note(self, labels: Any, purpose: "Purpose") -> None:
        """Note that labels were used to choose something: they will not certify it."""
        from cosimo.rules.labels import as_labels
        from cosimo.rules.ledger import CHOOSING, note_use

        if purpose not in CHOOSING:
            raise DataError(f"purpose is one of {', '.join(CHOOSING)}, got {purpose!r}")
        note_use(self.shelf, as_labels(labels).read("query", "id"), purpose, {})
