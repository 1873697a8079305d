"""`cosimo doctor`: what may be wrong with a collection or a space, how much it matters, and what mends it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

import cosimo
from cosimo.serve.cli.arguments import Format, Json, NoCache, TextColumns, columns
from cosimo.serve.cli.output import json_line, note, require_writable, table, watched, write_page

if TYPE_CHECKING:
    from cosimo.measure import Examination


@dataclass(frozen=True)
class Doctor:
    """Examine a collection, or a space with some texts: find what is wrong, and try what may mend it.

    In a pipe each finding is one line: severity, name, number, and what was seen and can be done, separated by tabs.
    Severity is serious, minor, or unclear: inconclusive, because there are too few items.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo doctor papers.cosimo",
        "cosimo doctor papers.cosimo --html report.html",
        "cosimo doctor minilm --items tickets.csv --text title,body --json",
    )

    target: Annotated[
        str, typer.Argument(metavar="COLLECTION|SPACE", help="A collection, a saved space, a model folder or a model.")
    ]
    items: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="For a space: records such as it is used for; - for standard input."),
    ] = None
    text: TextColumns = "text"
    format: Format = None
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with all figures and drawings.")] = (
        None
    )
    seed: Annotated[int, typer.Option(metavar="SEED", help="Draws samples and parts.")] = 0
    no_cache: NoCache = False
    as_json: Json = False

    def run(self) -> None:
        """Examine it, write the page, and show the findings."""
        if self.html is not None:
            require_writable(self.html)
        with cosimo.encode.uncached(self.no_cache):
            found = self._examined()
        if self.html is not None:
            write_page(self.html, found.to_html())
        self._show(found)

    def _examined(self) -> "Examination":
        examine = cosimo.measure.examine
        if (Path(self.target) / "items.db").is_file():
            if self.items is not None:
                raise typer.BadParameter("--items goes with a space; a collection has its own items")
            with cosimo.Collection.open(self.target, mode="r") as collection:
                return examine(collection, seed=self.seed, progress=watched())
        if self.items is None:
            space = cosimo.Space.load(self.target)  # a space that is not there is reported before missing items
            raise typer.BadParameter(f'"{space.passport.name}" is a space and has no items: give some, --items FILE')
        space = cosimo.Space.load(self.target)
        texts = cosimo.apply.Texts.read(self.items, text=columns(self.text), format=self.format)
        return examine(space, items=texts.texts, seed=self.seed, progress=watched())

    def _show(self, found: "Examination") -> None:
        if self.as_json:
            json_line(found.to_json())
            return
        table(
            ("", "finding", "measured", "what was seen, and what to do"),
            [(one.severity, one.name, one.measured.value, f"{one.what}. {one.next_step}") for one in found.findings],
        )
        note(f"{found.target}: {found.summary}")
        for remark in found.remarks:
            note(remark)
