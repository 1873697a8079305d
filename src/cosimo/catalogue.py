"""The field as data: 228 papers on embedding similarity, one row each, joined to the code that implements them.

A row says what a method does for a user and which room it belongs to. What became of it is never written into the
row; it is derived each time from three files, so it cannot be out of date:

    no method file                        -> listed
    method file, no evidence              -> implemented
    evidence of other claims or code      -> stale
    evidence of these claims and code     -> "12 of 13 held"

The method file of `some-name` in room `refine` is `refine/**/some_name.py`; claims are registered in
`claims/some-name.toml` before they are run, and their outcome is `evidence/some-name.json`, whichever way it came out.
Code is the same as long as the syntax trees of the method's files, and of what they import from their room, are
(`_fingerprint`): a file that was moved or whose docstrings were mended keeps its evidence.
"""

import difflib
import hashlib
import json
import math
import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from cosimo._fingerprint import closure, of_file
from cosimo.errors import DataError

if TYPE_CHECKING:
    from cosimo.contracts import Encoder

State = Literal["listed", "implemented", "measured", "stale"]

PACKAGE = Path(__file__).parent
"""The folder of the installed package."""


@dataclass(frozen=True)
class Row:
    """One paper: its number and key, its title, the room and slot it belongs to, and what it does for a user.

    file
        Names of its modules, separated by blanks, where they do not follow from the key; `room/name` for one that lies
        in another room than the row's.
    link
        Where to read it.
    assumes
        What its code takes for granted where the paper could not be had, or leaves it open.
    """

    n: int
    name: str
    paper: str
    home: str
    slot: str
    summary: str
    file: str | None = None
    link: str | None = None
    assumes: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Module names without folder, the one that holds the method first."""
        return tuple(self.file.split()) if self.file else (self.name.replace("-", "_"),)


@cache
def _read() -> tuple[Row, ...]:
    lines = (PACKAGE / "catalogue.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(Row(**json.loads(line)) for line in lines)


def rows() -> list[Row]:
    """All rows, in the order of their numbers.

    >>> len(rows())
    228
    """
    return list(_read())


def row(name: str) -> Row:
    """The row under a key.

    Raises
    ------
    DataError
        With the closest keys there are.

    >>> row("whiteningbert").n
    204
    """
    known = {row.name: row for row in _read()}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else "`cosimo methods` lists all keys"
        raise DataError(f'the catalogue has no method "{name}"; {hint}')
    return known[name]


def module(row: Row, *, package: Path = PACKAGE) -> str | None:
    """Dotted path of the module that holds the method, found without importing it; `None` where there is none yet."""
    paths = _paths(row, package)
    return None if paths is None else ".".join(("cosimo", *paths[0].relative_to(package).with_suffix("").parts))


def evidence(row: Row, *, package: Path = PACKAGE) -> dict[str, Any] | None:
    """The published outcome of the row's claims, `None` where none was run."""
    path = _beside(package, "evidence") / f"{row.name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def claims(row: Row, *, package: Path = PACKAGE) -> list[dict[str, Any]]:
    """The registered claims of a row, none where it makes none."""
    path = _beside(package, "claims") / f"{row.name}.toml"
    return (
        cast("list[dict[str, Any]]", tomllib.loads(path.read_text(encoding="utf-8"))["claim"]) if path.exists() else []
    )


def fingerprint(row: Row, *, package: Path = PACKAGE) -> dict[str, Any]:
    """What a row's evidence depends on: a digest of its claims, and one for each file by its path in the package.

    Where the function that runs a claim lies does not matter.
    """
    files = {file for path in _paths(row, package) or () for file in closure(path, package)}
    return {
        "claims": _digest_of_claims(row, package),
        "files": {path.relative_to(package).as_posix(): of_file(path) for path in sorted(files)},
    }


@dataclass(frozen=True)
class Status:
    """How far a row has come.

    held, claims
        How many of the registered claims held, and how many there are, where it was measured.
    moved
        Files that lie elsewhere than when it was measured, unchanged.
    changed
        What is no longer as it was when it was measured: files, or the claims.
    """

    state: State
    held: int = 0
    claims: int = 0
    moved: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.held} of {self.claims} held" if self.state == "measured" else self.state


def status(row: Row, *, package: Path = PACKAGE) -> Status:
    """How far a row has come, derived from its files."""
    if _paths(row, package) is None:
        return Status("listed")
    outcome = evidence(row, package=package)
    if outcome is None:
        return Status("implemented")
    verdicts = [claim["verdict"] for claim in outcome["claims"]]
    measured = outcome["fingerprint"]
    gone = [name for name, digest in measured["files"].items() if not _is(package / name, digest)]
    moved = {name for name in gone if _elsewhere(name, measured["files"][name], package)}
    changed = [name for name in gone if name not in moved]
    changed += ["claims"] * (measured["claims"] != _digest_of_claims(row, package))
    return Status(
        "stale" if changed else "measured", verdicts.count("holds"), len(verdicts), tuple(sorted(moved)), tuple(changed)
    )


def _digest_of_claims(row: Row, package: Path) -> str:
    asked = [{key: value for key, value in claim.items() if key != "test"} for claim in claims(row, package=package)]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _is(path: Path, digest: str) -> bool:
    return path.exists() and of_file(path) == digest


def _elsewhere(name: str, digest: str, package: Path) -> bool:
    """Whether a file does, at another place, what this one did; files that kept their name are looked at first."""
    same_name = sorted(package.rglob(Path(name).name))
    return any(_is(path, digest) for path in (*same_name, *sorted(package.rglob("*.py"))))


def find(question: str, encoder: "Encoder | None" = None, *, k: int = 10) -> list[Row]:
    """The k rows that answer a question best, best first.

    encoder
        Compares by meaning; without one, rows are ranked by the words they share with the question, rare words
        counting more, and rows that share none are left out.

    >>> find("merge several models", k=1)[0].name
    'self-positioning'
    """
    table = rows()
    texts = [f"{row.summary} {row.name.replace('-', ' ')}. {row.paper}" for row in table]
    scores = _by_words(question, texts) if encoder is None else _by_meaning(question, texts, encoder)
    best = sorted(range(len(table)), key=lambda i: -scores[i])[: max(k, 0)]
    return [table[i] for i in best if encoder is not None or scores[i] > 0]


def _paths(row: Row, package: Path) -> list[Path] | None:
    """All method files of a row, or `None` unless every one is there."""
    found = []
    for name in row.files:
        room, _, stem = name.rpartition("/")
        found.append(next(iter(sorted((package / (room or row.home)).rglob(f"{stem}.py"))), None))
    return None if None in found else cast("list[Path]", found)


def _beside(package: Path, name: str) -> Path:
    """Evidence and claims lie inside an installed package, and at the top of a checkout."""
    inside = package / name
    return inside if inside.exists() else package.parents[1] / name


def _by_meaning(question: str, texts: list[str], encoder: "Encoder") -> list[float]:
    from cosimo._arrays import unit

    K = unit(encoder.encode(texts, role="document"))
    q = unit(encoder.encode([question], role="query"))[0]
    return cast("list[float]", (K @ q).tolist())


def _by_words(question: str, texts: list[str]) -> list[float]:
    # Five letters stand for a word, so that "vectors" meets "vector" and "smaller" meets "small".
    bags = [{word[:5] for word in re.findall(r"\w+", text.lower())} for text in (question, *texts)]
    asked, documents = bags[0], bags[1:]
    seen = Counter(word for bag in documents for word in bag)
    rarity = {word: math.log(len(texts) / seen[word]) for word in asked if word in seen}
    return [sum(rarity[word] for word in asked & bag) / math.sqrt(len(bag)) for bag in documents]
