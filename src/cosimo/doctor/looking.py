"""What the doctor looks at: one pass over the vectors, then what has to encode, on a sample."""

import hashlib
from array import array
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

import numpy as np

from cosimo._arrays import as_vectors
from cosimo._progress import bar
from cosimo._random import generator
from cosimo.apply.jobs.duplicates import plain
from cosimo.doctor.subject import Subject
from cosimo.encode import tally
from cosimo.errors import DataError
from cosimo.measure.probes.batch_sensitivity import batch_sensitivity
from cosimo.measure.probes.dimension_sensitivity import dimension_sensitivity
from cosimo.measure.probes.frequency_bias import frequency_bias
from cosimo.measure.probes.int8_sensitivity import int8_sensitivity
from cosimo.measure.probes.length_bias import length_bias
from cosimo.measure.probes.noise_robustness import noise_robustness
from cosimo.measure.probes.of_items import vectors_of
from cosimo.measure.probes.prompt_check import prompt_check
from cosimo.measure.probes.stored_agreement import stored_agreement
from cosimo.measure.probes.truncation_share import truncation_share
from cosimo.measure.vectors.background_similarity import BackgroundSimilarity
from cosimo.measure.vectors.duplicates import DuplicateVectors
from cosimo.measure.vectors.hubness import Hubness
from cosimo.measure.vectors.moments import Moments
from cosimo.measure.vectors.norms import Norms
from cosimo.measure.vectors.one_pass import OnePass, Seen
from cosimo.measure.vectors.outlier_dimensions import OutlierDimensions
from cosimo.measure.vectors.representation_rank import EffectiveRank
from cosimo.measure.vectors.sampling import Reservoir
from cosimo.measure.vectors.value_levels import ValueLevels
from cosimo.space import Space
from cosimo.types import PerItem, Report, Rows, Vectors

SAMPLE = 2000
"""Vectors that are held, and of whose items texts are read."""
LISTS = 100
"""Items in a sample for each neighbour that hubs are counted by, up to 10 neighbours."""
STORED, CUT, NOISY, PROMPTED, BATCHED, WORDS = 300, 300, 100, 50, 64, 500
"""Texts, or words, that are encoded to be compared."""


@final
@dataclass(frozen=True, eq=False)
class Evidence:
    """What was seen of a subject.

    n, dim
        Vectors and their dimensions.
    reports
        By the name of the diagnostic.
    places, X, ids, texts
        A random sample of the vectors: where they were in the stream, and what is behind them.
    variances
        (d,) of the directions of all vectors along their principal axes, largest first.
    repeated
        How many of how many texts say the same as an earlier one, and how many say nothing; None without texts.
    unseen
        What could not be looked at, and why.
    """

    subject: Subject
    n: int
    dim: int
    reports: dict[str, Report]
    places: Rows = field(repr=False)
    X: Vectors = field(repr=False)
    ids: list[str] = field(repr=False)
    texts: list[str] | None = field(repr=False)
    variances: PerItem = field(repr=False)
    repeated: tuple[int, int, int] | None = None
    unseen: dict[str, str] = field(default_factory=dict)

    @property
    def hubs(self) -> list[tuple[str, int]]:
        """Items that are in most lists of nearest neighbours, and in how many lists of the sample they are."""
        listed = self.reports["Hubness"].settings.get("hubs", ()) if "Hubness" in self.reports else ()
        rows = {int(place): i for i, place in enumerate(self.places)}
        return [(self.ids[rows[place]], int(times)) for place, times in listed if place in rows]


def look(subject: Subject, *, skip: Container[str] = (), seed: int = 0, progress: bool = False) -> Evidence:
    """Everything that fits the subject.

    skip
        Diagnostics of items to leave out.

    Raises
    ------
    DataError, ShapeError
        Vectors with NaN or infinity, or of different dimensions.
    """
    seen, diagnostics = Seen(), _diagnostics(seed)
    sample = seen.get(Reservoir, SAMPLE, seed)
    moments = seen.get(Moments, True)
    for diagnostic in diagnostics:
        diagnostic.gather(seen)
    with bar(progress, None, "examining vectors") as advance:
        for block in subject.blocks():
            seen.update(as_vectors(block, name="vectors").astype(np.float32, copy=False))
            advance(len(block))
    if not seen.n:
        raise DataError(f"{subject.name} holds no vectors: there is nothing to examine")
    # Few vectors have fewer neighbours each, or everything would be a hub.
    k = int(np.clip(len(sample.rows) // LISTS, 1, 10))
    diagnostics.append(Hubness(k=k, size=SAMPLE, seed=seed))
    ids, texts = subject.look_up(sample.numbers)
    evidence = Evidence(
        subject=subject,
        n=seen.n,
        dim=seen.dim,
        reports={type(one).__name__: one.report(seen) for one in diagnostics},
        places=sample.numbers,
        X=sample.rows,
        ids=ids,
        texts=texts,
        variances=moments.variances,
        repeated=None if subject.texts is None or texts is None else repeated_texts(subject.texts()),
    )
    _look_at_items(evidence, skip, seed=seed, progress=progress)
    return evidence


def _diagnostics(seed: int) -> list[OnePass]:
    kinds: list[Callable[..., OnePass]] = [
        Norms,
        BackgroundSimilarity,
        OutlierDimensions,
        DuplicateVectors,
        EffectiveRank,
        ValueLevels,
    ]
    return [kind(size=SAMPLE, seed=seed) for kind in kinds]


def repeated_texts(texts: Iterable[str]) -> tuple[int, int, int]:
    """Of n texts, how many say the same as an earlier one but for case and white space; n; and how many say nothing.

    >>> repeated_texts(["A cat", "a  cat", "a dog", " "])
    (1, 4, 1)
    """
    seen, empty = array("Q"), 0  # 8 bytes a text are all that is kept
    for text in texts:
        if said := plain(text):
            digest = hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            seen.append(int.from_bytes(digest, "little"))
        else:
            empty += 1
    return len(seen) - len(np.unique(np.array(seen, np.uint64))), len(seen) + empty, empty


def _look_at_items(evidence: Evidence, skip: Container[str], *, seed: int, progress: bool) -> None:
    """Add the reports of what looks at texts, and of what changes vectors."""
    steps = [*_of_vectors(evidence, seed), *_of_texts(evidence, seed)]
    steps = [(name, step) for name, step in steps if name not in skip]
    with bar(progress, len(steps), "examining items") as advance:
        for name, step in steps:
            try:
                with tally():  # what is cut is told in a finding
                    evidence.reports[name] = step()
            except DataError as error:
                evidence.unseen[name] = str(error)
            advance(1)


Step = tuple[str, Callable[[], Report]]


def _of_vectors(evidence: Evidence, seed: int) -> Iterator[Step]:
    similarity = evidence.subject.similarity
    given: dict[str, Any] = {"similarity": similarity, "passport": evidence.subject.passport, "seed": seed}
    yield "int8_sensitivity", partial(int8_sensitivity, evidence.X, **given)
    yield "dimension_sensitivity", partial(dimension_sensitivity, evidence.X, **given)


def _of_texts(evidence: Evidence, seed: int) -> Iterator[Step]:
    space, subject = evidence.subject.space, evidence.subject
    if evidence.texts is None or space is None:
        return
    rows = generator(seed).permutation(len(evidence.texts))

    def some(size: int) -> tuple[list[str], Vectors]:
        chosen = np.sort(rows[:size])
        return [evidence.texts[i] for i in chosen], evidence.X[chosen]  # type: ignore[index]

    few, X = some(CUT)
    yield "truncation_share", partial(truncation_share, space, few)
    yield "length_bias", partial(length_bias, space, evidence.texts, vectors=evidence.X, seed=seed)
    yield "frequency_bias", partial(frequency_bias, space, evidence.texts, words=WORDS, seed=seed)
    few, X = some(NOISY)
    yield "noise_robustness", partial(noise_robustness, space, few, vectors=X, seed=seed)
    yield "batch_sensitivity", partial(batch_sensitivity, _bare(space), some(BATCHED)[0], seed=seed)
    if _two_sided(space, evidence.texts[:8]):
        yield "prompt_check", partial(prompt_check, space, *some(PROMPTED))
    if subject.stored:
        yield "stored_agreement", partial(stored_agreement, space, *some(STORED))


def _two_sided(space: Space, texts: list[str]) -> bool:
    """Whether queries are encoded in another way than documents."""
    asked, kept = (vectors_of(space, texts, role=role) for role in ("query", "document"))
    return not np.allclose(asked, kept, atol=1e-5)


def _bare(space: Space) -> Space:
    """The space without a cache, which would answer without encoding."""
    from cosimo.encode.wrappers.cache import Cached

    inner = space.encoder.encoder if isinstance(space.encoder, Cached) else space.encoder
    return Space(inner, refiner=space.refiner, similarity=space.similarity_function)
