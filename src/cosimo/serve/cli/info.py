"""`cosimo info`: what is on this machine, in a collection, or behind a model's name."""

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

import cosimo
from cosimo.serve.cli.arguments import Json
from cosimo.serve.cli.output import facts, json_line, table


@dataclass(frozen=True)
class Info:
    """Show the version and the models here, or the facts of a collection, a space or a model."""

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo info",
        "cosimo info papers.cosimo",
        "cosimo info minilm --json",
    )

    target: Annotated[
        str | None, typer.Argument(metavar="PATH|NAME", help="A collection, a saved space, a model folder or a model.")
    ] = None
    as_json: Json = False

    def run(self) -> None:
        """Write the facts."""
        if self.target is None:
            self._machine()
        elif (Path(self.target) / "items.db").is_file():
            with cosimo.Collection.open(self.target, mode="r") as collection:
                facts(collection.info(), as_json=self.as_json)
        else:
            facts(_space(self.target), as_json=self.as_json)

    def _machine(self) -> None:
        from cosimo.encode.models.homes import model_home
        from cosimo.encode.models.known import KNOWN

        here = {"version": cosimo.__version__, "python": platform.python_version()}
        models = [(name, model_home(name).is_dir(), known.about) for name, known in KNOWN.items()]
        if self.as_json:
            json_line({**here, "models": [dict(zip(("name", "here", "about"), m, strict=True)) for m in models]})
            return
        facts(here)
        table(
            ("model", "", "about"),
            [(name, "here" if fetched else f"cosimo fetch {name}", about) for name, fetched, about in models],
        )


def _space(name: str) -> dict[str, Any]:
    space = cosimo.Space.load(name)
    passport = space.passport
    return {
        "space": passport.name,
        "dim": passport.dim,
        "similarity": space.similarity_function.scale,
        **passport.facts["encoder"],
        "passport": passport.digest,
    }
