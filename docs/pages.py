"""Pages of the site that say what other files say: README, changelog, and one page of Python for each room.

The pages exist only while the site is built, so none can be out of date.
"""

import re
from collections.abc import Iterable, Iterator
from html import unescape
from itertools import groupby
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from cosimo._lazy import read_stub

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "cosimo"
QUICK = "## Quick start\n"
FORMULA = re.compile(r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL)
DISPLAY = {"span": "inline", "div": "block"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to those in the folder."""
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn formulas into MathML, which browsers show without a script."""
    return FORMULA.sub(lambda found: convert(unescape(found["tex"]), display=DISPLAY[found["tag"]]), html)


def pages() -> dict[str, str]:
    """Text by path."""
    before, _, rest = read("README.md").partition(QUICK)
    quick, _, after = rest.partition("\n## ")
    made = {
        "index.md": f"{before}[Quick start](quickstart.md)\n\n## {after}",
        "quickstart.md": f"# Quick start\n{quick}",
        "changelog.md": read("CHANGELOG.md"),
        "contributing.md": read("CONTRIBUTING.md"),
        "api/cosimo.md": api("cosimo", SOURCE / "__init__.pyi"),
        "api/contracts.md": api("cosimo.contracts", SOURCE / "contracts" / "__init__.py"),
        "api/errors.md": "# Errors\n\n::: cosimo.errors\n",
    }
    rooms = {stub.parent.name: stub for stub in SOURCE.glob("*/__init__.pyi")}
    return made | {f"api/{room}.md": api(f"cosimo.{room}", stub) for room, stub in rooms.items()}


def read(name: str) -> str:
    """A file at the top of the checkout, with its links as they are from within the site."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return text.replace("](docs/", "](").replace("](CONTRIBUTING.md)", "](contributing.md)")


def api(package: str, stub: Path) -> str:
    """All public names of a package, each under the words of the file that holds it."""
    homes = sorted((home, name) for name, home in read_stub(stub).items() if home not in ("cosimo", "cosimo.errors"))
    files = groupby(homes, lambda pair: pair[0])
    return "\n".join([f"# {package}", *(part for home, of in files for part in section(package, home, of))])


def section(package: str, home: str, of: Iterable[tuple[str, str]]) -> Iterator[str]:
    """One file: its docstring, then its public names."""
    names = ", ".join(name for _, name in of)
    yield f"\n## {home.rpartition('.')[2]}\n"
    yield f"```python\nfrom {package} import {names}\n```\n"
    yield f"::: {home}\n    options:\n      members: [{names}]\n"
