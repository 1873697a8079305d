"""`cosimo calibrate`: a rule with a guarantee from labelled pairs, or a refusal that says what is missing."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

import cosimo
from cosimo.errors import DataError
from cosimo.serve.cli.arguments import Json, Precision, loaded
from cosimo.serve.cli.output import json_line, note
from cosimo.serve.cli.rules import tell

if TYPE_CHECKING:
    from cosimo.rules.rule import Rule


class Sampled(Enum):
    """How labelled pairs were drawn."""

    NATURAL = "natural"
    TOP_K = "top-k"
    BALANCED = "balanced"


@dataclass(frozen=True)
class Calibrate:
    """Make a rule with a guarantee from labels: for the hits of a collection, or with --space for pairs of texts.

    The labels are a labelling sample of `cosimo label`, or a file with columns query, id and label (with --space: a, b
    and label) and --sampled. With --false-accept they are queries that have no match in the collection (column query,
    label 0). Exit code 3: the labels cannot carry the promise, and the message says what could.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo calibrate papers.cosimo labels.csv --precision 0.90",
        "cosimo calibrate --space minilm pairs.csv --sampled natural --precision 0.90 --save same.json",
        "cosimo calibrate papers.cosimo unanswerable.csv --sampled natural --false-accept 0.05",
    )

    paths: Annotated[list[str], typer.Argument(metavar="[COLLECTION] LABELS", help="A collection and a labelled file.")]
    space: Annotated[
        str | None, typer.Option("--space", metavar="NAME|PATH", help="Make a rule for pairs of texts in this space.")
    ] = None
    precision: Annotated[float | None, typer.Option(metavar="P", help="Least share of matches among accepted.")] = None
    recall: Annotated[float | None, typer.Option(metavar="P", help="Least share of accepted among matches.")] = None
    false_accept: Annotated[
        float | None, typer.Option(metavar="P", help="Largest share of what does not match that is accepted.")
    ] = None
    confidence: Annotated[float, typer.Option(metavar="P", help="How sure the promise is to be.")] = 0.95
    sampled: Annotated[
        Sampled | None, typer.Option(help="How the labelled pairs were drawn, where no labelling sample says it.")
    ] = None
    a: Annotated[str | None, typer.Option("--a", metavar="COLUMN", help="Column of the query or first text.")] = None
    b: Annotated[str | None, typer.Option("--b", metavar="COLUMN", help="Column of the id or second text.")] = None
    y: Annotated[str, typer.Option("--label", metavar="COLUMN", help="Column of the label, 1 or 0.")] = "label"
    clusters: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of clusters, each of which was labelled whole.")
    ] = None
    probability: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of the probability with which a pair was drawn.")
    ] = None
    by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Field of the group of an item: a promise to each group.")
    ] = None
    k: Annotated[int, typer.Option("-k", metavar="K", help="Hits a query, where no labelling sample says it.")] = 10
    guard: Annotated[
        bool | None,
        typer.Option("--guard/--no-guard", help="Ask about opposites.  [default: only with --space]"),
    ] = None
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Under which the collection keeps the rule.")] = None
    save: Annotated[Path | None, typer.Option("--save", metavar="FILE", help="Write the rule to a file.")] = None
    arithmetic: Precision = None
    as_json: Json = False

    def run(self) -> None:
        """Make the rule, keep it, and say what it promises."""
        if len(self.paths) != (2 if self.space is None else 1):
            raise typer.BadParameter("calibrate needs COLLECTION LABELS, or --space NAME LABELS")
        if self.space is not None and self.save is None:
            raise typer.BadParameter("a rule for pairs belongs to no collection; say --save FILE where to keep it")
        if self.save is not None and not self.save.resolve().parent.is_dir():
            raise DataError(f"cannot write {self.save}: there is no such folder")
        labels = cosimo.Labels(
            self.paths[-1],
            a=self.a,
            b=self.b,
            y=self.y,
            sampled=None if self.sampled is None else self.sampled.value,
            clusters=self.clusters,
            probability=self.probability,
            by=self.by,
        )
        rule = self._of_pairs(labels) if self.space is not None else self._of_hits(labels)
        if self.save is not None:
            rule.save(self.save)
        if self.as_json:
            json_line({"guarantees": [guarantee.to_json() for guarantee in (rule.guarantee, *rule.beside)]})
        else:
            tell(rule)
        if self.space is None:
            used = f"search --with {self.name} uses it" if self.name else "used from the next search on"
            note(f"kept in {self.paths[0]}; {used}")
        if self.save is not None:
            note(f"written to {self.save}")

    def _of_pairs(self, labels: "cosimo.Labels") -> "Rule":
        space = loaded(self.space or "", self.arithmetic)
        return space.calibrate(
            labels,
            precision=self.precision,
            recall=self.recall,
            false_accept=self.false_accept,
            confidence=self.confidence,
            guard=True if self.guard is None else self.guard,
        )

    def _of_hits(self, labels: "cosimo.Labels") -> "Rule":
        with cosimo.Collection.open(self.paths[0]) as collection:
            return collection.calibrate(
                labels,
                precision=self.precision,
                recall=self.recall,
                false_accept=self.false_accept,
                confidence=self.confidence,
                name=self.name,
                k=self.k,
                guard=bool(self.guard),
            )
