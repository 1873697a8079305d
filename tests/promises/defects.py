"""Spaces with a defect planted in them, at several strengths, each beside a healthy twin."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cosimo import Collection, Space
from cosimo._arrays import unit
from cosimo.apply.jobs.duplicates import plain
from cosimo.encode import FunctionEncoder, tally
from cosimo.encode.truncation import note
from cosimo.encode.wrappers.cache import cached
from cosimo.encode.wrappers.sides import Sides

ENCODERS = ("minilm", "static", "wordllama")
PROMPTS = {"document": "passage: ", "query": "query: "}
DIMENSION = 7
"""The one that is made constant."""
BATCH = 32


@dataclass(eq=False)
class Remembered:
    """An encoder that encodes each text once, and knows which were cut."""

    name: str
    seen: dict[str, np.ndarray] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.encoder = cached(Space.load(self.name).encoder)
        self.dim = self.encoder.dim

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) vectors; what is cut is noted, as any encoder does."""
        new = [text for text in dict.fromkeys(texts) if text not in self.seen]
        if new:
            with tally() as told:
                X = self.encoder.encode(new)
            self.seen.update(zip(new, X, strict=True))
            if told.texts is not None:
                self.cut.update({text: told.limit for text, was in zip(new, told.texts, strict=True) if was})
            elif told.cut:  # the encoder only counts: ask one by one
                for text in new:
                    with tally() as one:
                        self.encoder.encode([text])
                    if one.cut:
                        self.cut[text] = one.limit
        limits = [self.cut[text] for text in texts if text in self.cut]
        if limits:
            note(len(limits), n=len(texts), limit=limits[0])
        return np.stack([self.seen[text] for text in texts])


class Patient(Sides):
    """An encoder with a defect: `change(X, texts)` of what a healthy one gives, `prompts` before texts, and a limit."""

    def __init__(
        self,
        healthy: Remembered,
        change: Callable[[np.ndarray, list[str]], np.ndarray] | None = None,
        *,
        prompts: dict[str | None, str] | None = None,
        words: int | None = None,
    ) -> None:
        self.healthy, self.change, self.prompts, self.words = healthy, change, prompts or {}, words
        self.dim = healthy.dim
        self.passport = FunctionEncoder(lambda texts: np.zeros((len(texts), self.dim)), name=healthy.name).passport

    def encode(self, items, *, role=None, given=None, batch_size=None, progress=False):
        """As any encoder; a batch is what one call of `change` sees."""
        texts = [self.prompts.get(role, "") + text for text in items]
        if self.words is not None:
            texts = self._cut(texts)
        if not texts:
            return np.empty((0, self.dim), np.float32)
        X = self.healthy(texts)
        if self.change is not None:
            size = batch_size or BATCH
            parts = range(0, len(texts), size)
            X = np.concatenate([self.change(X[i : i + size], list(items)[i : i + size]) for i in parts])
        return X.astype(np.float32)

    def _cut(self, texts: list[str]) -> list[str]:
        words = [text.split() for text in texts]
        note(sum(len(row) > self.words for row in words), n=len(texts), limit=self.words)
        return [" ".join(row[: self.words]) for row in words]


@dataclass(frozen=True, eq=False)
class Case:
    """A target to examine, with the finding that should come, None for a healthy twin."""

    defect: str
    strength: str
    finding: tuple[str, ...]
    target: Any
    items: list[str] | None = None


def _numbers(texts: Sequence[str]) -> np.ndarray:
    """(n,) a normal number for each text, always the same."""
    return np.array([np.random.default_rng(list(text.encode()[:64]) or [0]).normal() for text in texts])


def constant(size: float, length: float) -> Callable[..., np.ndarray]:
    def change(X, texts):
        X = X.copy()
        X[:, DIMENSION] = size * length
        return X

    return change


def shifted(size: float, length: float, rng: np.random.Generator, dim: int) -> Callable[..., np.ndarray]:
    v = rng.normal(size=dim)
    return lambda X, texts: X + size * length * v / np.linalg.norm(v)


def stretched(size: float) -> Callable[..., np.ndarray]:
    return lambda X, texts: unit(X) * np.exp(size * _numbers(texts))[:, None]


def pulled(size: float, length: float, mean: np.ndarray, hub: str) -> Callable[..., np.ndarray]:
    def change(X, texts):
        X = X.copy()
        for i, text in enumerate(texts):
            if text == hub:
                X[i] = length * unit(((1 - size) * unit(X[i : i + 1])[0] + size * mean)[None])[0]
        return X

    return change


def blended(size: float) -> Callable[..., np.ndarray]:
    return lambda X, texts: X - size * X.mean(axis=0) if len(X) > 1 else X


def rounded(X: np.ndarray, share: float) -> Callable[..., np.ndarray]:
    """To whole steps so wide that this share of all values becomes 0."""
    step = 2 * float(np.quantile(np.abs(X), share)) if share < 1 else 3 * float(np.abs(X).max())
    return lambda Y, texts: np.round(Y / step)


def cases(healthy: Remembered, texts: list[str], folder: Path, seed: int, other: Remembered) -> Iterator[Case]:
    """All defects at all strengths, on the same texts, and their healthy twins.

    other
        Whose vectors are mixed in.
    """
    rng = np.random.default_rng(seed)
    with tally():
        X = healthy(texts)
    yield Case("none", "by cosine", (), Space(Patient(healthy)), texts)
    yield Case("none", "by inner product", (), Space(Patient(healthy, lambda X, _: unit(X)), similarity="dot"), texts)
    yield from _of_encoders(healthy, texts, X, rng)
    yield from _of_texts(healthy, texts)
    yield from stored_cases(healthy, texts, folder, rng, other)


def _of_encoders(healthy: Remembered, texts: list[str], X: np.ndarray, rng: np.random.Generator) -> Iterator[Case]:
    """An encoder that gives something else than it should."""
    length, mean = float(np.linalg.norm(X, axis=1).mean()), unit(unit(X).mean(axis=0)[None])[0]

    def case(defect, strength, finding, change, similarity="cosine"):
        return Case(defect, strength, finding, Space(Patient(healthy, change), similarity=similarity), texts)

    for size in (0.2, 0.5, 1.0):
        change = constant(size, length)
        yield case("constant dimension", f"{size:g} of a length", ("dominating dimension",), change)
    for size in (0.05, 0.2, 0.5):
        told = f"lengths vary by {size:.0%}"
        yield case("unnormalised vectors", told, ("unequal lengths",), stretched(size), "dot")
    for size in (0.5, 0.8, 1.0):
        change = pulled(size, length, mean, texts[0])
        yield case("hub", f"an item pulled {size:.0%} to the middle", ("hubs",), change)
    for size in (0.5, 1.0, 2.0):
        change = shifted(size, length, rng, healthy.dim)
        yield case("mean shift", f"{size:g} of a length", ("common direction",), change)
    for size in (0.02, 0.1, 0.5):
        yield case("batch-dependent encoder", f"{size:g} of the batch's mean off", ("batches",), blended(size))
    for share in (0.6, 0.9, 1.0):
        finding = ("coarse values", "zero vectors")
        yield case("zeroed int8", f"{share:.0%} of the values 0", finding, rounded(X, share))


def _of_texts(healthy: Remembered, texts: list[str]) -> Iterator[Case]:
    """Texts that come twice, and texts that are cut."""
    for share in (0.02, 0.1, 0.3):
        count = round(share * len(texts))
        copied = [*texts[: len(texts) - count], *(text.upper() for text in texts[:count])]
        yield Case("duplicates", f"{share:.0%} of the items", ("copies",), Space(Patient(healthy)), copied)
    counts = np.array([len(text.split()) for text in texts])
    for share in (0.05, 0.25, 0.75):
        words = max(int(np.quantile(counts, 1 - share)), 1)
        target = Space(Patient(healthy, words=words))
        yield Case("truncated texts", f"about {share:.0%} of the texts", ("cut texts",), target, texts)


def stored_cases(
    healthy: Remembered, texts: list[str], folder: Path, rng: np.random.Generator, other: Remembered
) -> Iterator[Case]:
    """Defects of what was stored."""
    stored = partial(_stored, healthy, texts, folder)
    order = rng.permutation(len(texts))
    yield Case("none", "stored", (), stored("plain", {}, None))
    if other.dim == healthy.dim:
        strange = lambda X, chosen: other(chosen)  # noqa: E731
    else:
        Q = np.linalg.qr(rng.normal(size=(healthy.dim, healthy.dim)))[0]
        strange = lambda X, chosen: X @ Q  # noqa: E731
    for share in (0.01, 0.05, 0.3):
        rows = {texts[i] for i in order[: max(round(share * len(texts)), 1)]}
        target = stored(f"mixed{share}", {}, lambda X, some, rows=rows: _where(some, rows, X, strange(X, some)))
        yield Case("mixed spaces", f"{share:.0%} of the vectors", ("vectors of another encoder",), target)
    yield Case("none", "stored, with prompts", (), stored("prompts", PROMPTS, None))
    bare = lambda X, some: healthy(some)  # noqa: E731
    for share in (0.05, 0.25, 1.0):
        rows = {texts[i] for i in order[: round(share * len(texts))]}
        target = stored(f"bare{share}", PROMPTS, lambda X, some, rows=rows: _where(some, rows, X, bare(X, some)))
        yield Case("missing prompt", f"{share:.0%} of the vectors", ("prompts",), target)
    swapped = lambda X, some: healthy([PROMPTS["query"] + text for text in some])  # noqa: E731
    yield Case("missing prompt", "all with that of the other side", ("prompts",), stored("swapped", PROMPTS, swapped))


def _where(some: list[str], rows: set[str], X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    return np.where(np.array([text in rows for text in some])[:, None], Y, X)


def _stored(healthy: Remembered, texts: list[str], folder: Path, name: str, prompts: Any, change: Any) -> Collection:
    """A collection whose vectors were made with the defect, and whose encoder is well again."""
    patient = Patient(healthy, change, prompts=prompts)
    collection = Collection.create(folder / f"{name}.cosimo", Space(patient))
    collection.add(texts)
    patient.change = None
    return collection


def distinct(texts: Sequence[str]) -> list[str]:
    """Texts that say something, each once."""
    return list({said: text for text in texts if (said := plain(text))}.values())
