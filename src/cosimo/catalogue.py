"""The field as data: 228 papers on embedding similarity, one row each, joined to the code that implements them.

A row says what a method does for a user and which room it belongs to. What became of it is never written into the
row; it is derived each time from three files, so it cannot be out of date:

    no method file                              -> listed
    method file, no evidence                    -> implemented
    evidence whose hashes are not today's       -> stale
    every registered claim held / none / some   -> holds / does-not-hold / mixed

The method file of `some-name` in room `refine` is `refine/**/some_name.py`; claims are registered in `claims.toml`
before they are run, and their outcome is `evidence/some-name.json`, whichever way it came out.
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

from cosimo.errors import DataError

if TYPE_CHECKING:
    from cosimo.contracts import Encoder

Status = Literal["listed", "implemented", "holds", "mixed", "does-not-hold", "stale"]

PACKAGE = Path(__file__).parent
"""The folder of the installed package."""

BASE = (
    "AcceptAskReject",
    "Accuracy",
    "AdjustedMutualInformation",
    "AdjustedRand",
    "Affine",
    "Analogy",
    "Audit",
    "AveragePrecision",
    "BackgroundSimilarity",
    "BestAccuracy",
    "BestF1",
    "BetaCalibration",
    "Bitext",
    "Centre",
    "Chain",
    "Chunking",
    "Classification",
    "Clustering",
    "Cosine",
    "Dot",
    "Draw",
    "DuplicateVectors",
    "Duplicates",
    "EnsembleEncoder",
    "Euclidean",
    "ExactIndex",
    "Examination",
    "FalseAcceptThreshold",
    "Finding",
    "FunctionEncoder",
    "Hamming",
    "HeldOutAccuracy",
    "HeldOutF1",
    "HnswIndex",
    "Hubness",
    "IntrinsicDimension",
    "Isotonic",
    "Isotropy",
    "IvfIndex",
    "Judgements",
    "Kendall",
    "Lexical",
    "ListwiseSpearman",
    "MAP",
    "MRR",
    "Manhattan",
    "Matches",
    "MaxSim",
    "NAUC",
    "NDCG",
    "NoMatch",
    "Normalise",
    "Norms",
    "OnnxEncoder",
    "OppositesGuard",
    "OutlierDimensions",
    "PCA",
    "PairClassification",
    "Pairs",
    "Pearson",
    "PerGroup",
    "Platt",
    "Precision",
    "PrecisionThreshold",
    "Precomputed",
    "QueryRecallThreshold",
    "RPrecision",
    "Recall",
    "RecallThreshold",
    "ReciprocalRankFusion",
    "Reliability",
    "RemoteEncoder",
    "Reranking",
    "Retrieval",
    "RocAuc",
    "Rule",
    "STS",
    "ScoreMonitor",
    "SentenceTransformerEncoder",
    "Spearman",
    "SqliteStore",
    "StaticEncoder",
    "Success",
    "Summarization",
    "Table",
    "Texts",
    "Trial",
    "TripletAccuracy",
    "Triplets",
    "Truncate",
    "TruncationWarning",
    "Uniformity",
    "VMeasure",
    "ValueLevels",
    "VectorMonitor",
    "VennAbers",
    "Vetoes",
    "XsimError",
)
"""Public classes of the rooms that implement no row: the common ground the rows are built on."""


@dataclass(frozen=True)
class Row:
    """One paper: its number and key, its title, the room and slot it belongs to, and what it does for a user.

    file
        Names of its modules, separated by blanks, where they do not follow from the key.
    link
        Where to read it.
    """

    n: int
    name: str
    paper: str
    home: str
    slot: str
    summary: str
    file: str | None = None
    link: str | None = None

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


def hashes(row: Row, *, package: Path = PACKAGE) -> dict[str, str]:
    """SHA-256 of what a row's evidence depends on: the text of its method files, and its registered claims."""
    method = "\0".join(path.read_text(encoding="utf-8") for path in _paths(row, package) or ())
    register = _beside(package, "claims.toml")
    claims = tomllib.loads(register.read_text(encoding="utf-8")) if register.exists() else {}
    texts = {"method": method, "claims": json.dumps(claims.get(row.name, []), sort_keys=True)}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def status(row: Row, *, package: Path = PACKAGE) -> Status:
    """How far a row has come, derived from its files."""
    if _paths(row, package) is None:
        return "listed"
    outcome = evidence(row, package=package)
    if outcome is None:
        return "implemented"
    if outcome["hashes"] != hashes(row, package=package):
        return "stale"
    verdicts = {claim["verdict"] for claim in outcome["claims"]}
    return cast("Status", verdicts.pop() if len(verdicts) == 1 else "mixed")


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
    found = [next(iter(sorted((package / row.home).rglob(f"{stem}.py"))), None) for stem in row.files]
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
