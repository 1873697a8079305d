"""Examine a space: look at it, tell what may be wrong, and try what might mend it."""

from collections.abc import Sequence
from typing import Any

from cosimo.doctor.examination import Examination
from cosimo.doctor.findings import Finding, ranked, with_trial
from cosimo.doctor.job import deal
from cosimo.doctor.looking import SAMPLE, Evidence, look
from cosimo.doctor.rules_of_texts import of_texts
from cosimo.doctor.rules_of_vectors import of_vectors
from cosimo.doctor.subject import subject_of
from cosimo.doctor.trials import try_all
from cosimo.types import Estimate


def examine(
    target: Any,
    *,
    items: Sequence[str] | None = None,
    pairs: tuple[Any, Any] | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Examination:
    """What may be wrong with a collection, a space or vectors, how much it matters, and what mends it.

    All stored vectors go by once; whatever encodes is done on a random sample. What can be tried against a finding is
    tried: of the remedies of a kind one is chosen on some items, and its effect is measured on others that share none
    with them. Nothing is advised that was tried and whose effect there is not above 0 by its interval.

    target
        A `Collection`; a `Space` or encoder, with `items`; or vectors (n, d).
    items
        Texts such as a space is used for; the texts behind given vectors.
    pairs
        Two sides of one length, (questions, answers), texts or vectors: remedies are then tried on these instead of
        questions made of the items' own words.
    seed
        Draws samples, parts and faults.

    Raises
    ------
    DataError, ShapeError
        Nothing to look at, vectors with NaN, items that are no texts, or pairs that do not fit.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(400, 20)) - 3.0
    >>> found = examine(X)
    >>> found.worst, found.findings[0].name
    ('serious', 'common direction')
    """
    subject = subject_of(target, items, size=SAMPLE, seed=seed)
    seen = look(subject, seed=seed, progress=progress)
    findings = [*_mismatch(seen), *of_vectors(seen), *of_texts(seen)]
    findings, remarks = _tried(findings, seen, pairs, seed)
    left_out = tuple(f"{name.replace('_', ' ')} was not checked: {why}." for name, why in seen.unseen.items())
    return Examination(
        target=subject.name,
        n=seen.n,
        dim=seen.dim,
        findings=tuple(finding for finding in ranked(findings) if finding.severity != "fine"),
        fine=tuple(finding for finding in findings if finding.severity == "fine"),
        reports=seen.reports,
        variances=seen.variances,
        hubs=tuple(seen.hubs),
        remarks=(*subject.remarks, *left_out, *remarks),
        seed=seed,
        passport=subject.passport,
    )


def _mismatch(seen: Evidence) -> list[Finding]:
    """The encoder that is here is another than the one that made the vectors."""
    if not seen.subject.mismatch:
        return []
    return [
        Finding(
            name="another encoder",
            severity="serious",
            what=seen.subject.mismatch,
            measured=Estimate(float("nan")),
            why="Questions would be encoded by another model than the items were, and find them by chance.",
            fix="Open it with the space that made it, or build it anew.",
        )
    ]


def _tried(findings: list[Finding], seen: Evidence, pairs: Any, seed: int) -> tuple[list[Finding], tuple[str, ...]]:
    """The findings with what came of their remedies, and what to tell of the trials."""
    kinds = sorted({one.remedies for one in findings if one.remedies and (one.matters or one.tentative)})
    if not kinds and pairs is None:
        return findings, ()
    parts = deal(seen, pairs, seed=seed)
    if parts is None:
        why = "there are too few texts of six words or more" if seen.subject.space else "there is no encoder here"
        return findings, (f"No remedy was tried: {why}.",)
    able = [kind for kind in kinds if parts.measure.texts is not None or kind in ("directions", "lengths")]
    trials = try_all(able, parts, seed=seed)
    told = next((trial.question for trial in trials.values()), "")
    note = (
        f"Remedies were chosen on some items and measured on others: {told}. This measures how well items are told "
        "apart, not how useful the answers are to people."
    )
    return [with_trial(one, trials.get(one.remedies)) for one in findings], (note,) if trials else ()
