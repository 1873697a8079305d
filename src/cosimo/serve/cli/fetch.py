"""`cosimo fetch`: models onto this machine."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

import cosimo
from cosimo.serve.cli.output import note, watched


@dataclass(frozen=True)
class Fetch:
    """Bring models to this machine; the only command that uses the network.

    NAME is minilm, static (made from minilm) or wordllama, or org/name of a model on the Hugging Face Hub.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo fetch minilm",
        "cosimo fetch static wordllama",
    )

    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Models.")]
    force: Annotated[bool, typer.Option("--force", help="Download again what is there.")] = False

    def run(self) -> None:
        """Fetch one after the other, and say where they are."""
        for name in self.names:
            folder = cosimo.encode.fetch(name, progress=watched(), force=self.force)
            note(f"{name}: {folder}")
