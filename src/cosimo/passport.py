r"""Passports: what vectors depend on, so that two spaces cannot be mixed without anybody noticing.

Two passports compare in three values:

- *identical*: the hashes of everything the vectors depend on are equal;
- *compatible*: something differs on paper (another runtime, a callable without a hash), but the stored vectors of
  the probe items agree, $\min_i \cos(a_i, b_i) \ge 0.9999$;
- *different*: refused, with the differences shown.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from cosimo._arrays import unit
from cosimo.errors import DataError, PassportMismatch
from cosimo.types import Vectors

AGREEMENT = 0.9999
"""Lowest cosine between probe vectors that still counts as the same space."""

PROBES = (
    "a man is playing a guitar",
    "how do I reset my password?",
    "The quick brown fox jumps over the lazy dog.",
    "42",
    "Ünïcödé, naïve café, 東京, Москва",
    "turn the lights off in the kitchen",
    "def add(a, b): return a + b",
    "What is the boiling point of water at sea level?",
    "Stock markets fell sharply on Monday.",
    "not guilty",
    "https://example.org/a?b=c",
    "She sells sea shells by the sea shore, and the shells she sells are surely seashells.",
    "protein folding with graph neural networks",
    "I love it!!! :-)",
    "3.14 metres per second",
    "a",
)
"""Items whose vectors stand for a text encoder's behaviour: the first half as queries, the rest as documents."""


def fingerprint(value: Any) -> str:
    """SHA-256 of a JSON value written in one canonical way.

    >>> fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Comparison:
    """The outcome of comparing two passports; true unless they are different."""

    verdict: Literal["identical", "compatible", "different"]
    differences: tuple[str, ...] = ()
    agreement: float | None = None

    def __bool__(self) -> bool:
        return self.verdict != "different"


class _WhenAsked:
    """A field that may be given as a function, which is called when the field is first read."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, passport: Any, owner: type | None = None) -> Vectors | None:
        given = None if passport is None else passport.__dict__[self.name]
        if callable(given):
            given = passport.__dict__[self.name] = given()
        probe: Vectors | None = given
        return probe

    def __set__(self, passport: Any, value: Vectors | Callable[[], Vectors | None] | None) -> None:
        passport.__dict__[self.name] = value


@dataclass(frozen=True, eq=False)
class Passport:
    """What a space's vectors depend on.

    kind
        How the vectors are made, such as `onnx` or `callable`.
    name
        What people call it; never decides a comparison.
    dim
        Dimensions of the vectors.
    facts
        Everything that changes the vectors, as JSON: hashes of weights and tokeniser, pooling, prompts, precision,
        refiners, the hash of a corpus.
    content
        Whether the facts pin the content by hash; without it only behaviour can show that two spaces agree.
    probe
        (16, d) vectors of the probe items, `None` when there is nothing to probe. May be given as a function: where
        hashes decide, nothing is encoded.
    """

    kind: str
    name: str
    dim: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    content: bool = True
    probe: _WhenAsked = _WhenAsked()

    @property
    def digest(self) -> str:
        """SHA-256 over kind, dimensions and facts."""
        return fingerprint({"kind": self.kind, "dim": self.dim, "facts": self.facts})

    @property
    def key(self) -> str:
        """A short name that changes with the vectors: the digest and, where no hash pins the content, the behaviour."""
        if self.content or self.probe is None:
            return self.digest[:16]
        rounded = np.round(np.asarray(self.probe, dtype=np.float64), 2) + 0.0  # no negative zero
        return f"{self.digest[:16]}-{hashlib.sha256(rounded.tobytes()).hexdigest()[:8]}"

    def compare(self, other: "Passport") -> Comparison:
        """Whether vectors under the two passports may be used together."""
        if self.content and other.content and self.digest == other.digest:
            return Comparison("identical")
        differences = tuple(_differences(self, other))
        if self.dim != other.dim or self.facts.get("similarity") != other.facts.get("similarity"):
            return Comparison("different", differences)
        if self.probe is None or other.probe is None or self.probe.shape != other.probe.shape:
            return Comparison("different", differences or ("neither side has probe vectors to compare",))
        mine, theirs = unit(self.probe), unit(other.probe)
        same = (mine == theirs).all(axis=1)  # zero vectors, too, agree with each other
        agreement = float(np.where(same, 1, (mine * theirs).sum(axis=1)).min())
        if agreement >= AGREEMENT:
            return Comparison("compatible", differences, agreement)
        return Comparison("different", (*differences, f"probe vectors: cosine {agreement:.4f}"), agreement)

    def require(self, other: "Passport", what: str) -> None:
        """Refuse `other` unless it is identical or compatible.

        Raises
        ------
        PassportMismatch
            With every difference, mine first.
        """
        comparison = self.compare(other)
        if not comparison:
            shown = "; ".join(comparison.differences)
            raise PassportMismatch(
                f'{what} was made by "{self.name}" and cannot be used with "{other.name}": {shown}. '
                "Open it with the space that made it, or build it again."
            )

    def to_json(self) -> dict[str, Any]:
        """JSON that `from_json` reads back, probe vectors included."""
        return {
            "kind": self.kind,
            "name": self.name,
            "dim": self.dim,
            "facts": dict(self.facts),
            "content": self.content,
            "probe": None if self.probe is None else base64.b64encode(self.probe.astype("<f4").tobytes()).decode(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Passport":
        """The passport written by `to_json`."""
        try:
            dim = int(data["dim"])
            raw = data["probe"]
            probe = None if raw is None else np.frombuffer(base64.b64decode(raw), "<f4").reshape(-1, dim)
            return cls(str(data["kind"]), str(data["name"]), dim, dict(data["facts"]), bool(data["content"]), probe)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"this is not a passport written by cosimo ({error})") from error


def _differences(mine: Passport, other: Passport) -> Iterator[str]:
    left = {"kind": mine.kind, "dim": mine.dim, **_flat(mine.facts)}
    right = {"kind": other.kind, "dim": other.dim, **_flat(other.facts)}
    for key in sorted(left.keys() | right.keys()):
        if left.get(key) != right.get(key):
            yield f"{key}: {_short(left.get(key))} here, {_short(right.get(key))} there"


def _flat(facts: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in facts.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 24 else f"{text[:12]}…{text[-4:]}"
