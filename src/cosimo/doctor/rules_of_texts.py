"""Findings about items: their texts, and what encoding makes of them."""

from collections.abc import Iterator

from cosimo.doctor import limits
from cosimo.doctor.findings import Finding, Severity, grade, grade_any
from cosimo.doctor.looking import Evidence
from cosimo.statistics import rate_interval
from cosimo.types import Estimate


def of_texts(seen: Evidence) -> Iterator[Finding]:
    """The outcome of every check that could be run."""
    yield copies(seen)
    yield from equal_vectors(seen)
    rules = {
        "truncation_share": cut_texts,
        "stored_agreement": other_vectors,
        "prompt_check": prompts,
        "batch_sensitivity": batches,
        "noise_robustness": noise,
        "length_bias": length_bias,
        "frequency_bias": word_frequency,
    }
    for name, rule in rules.items():
        if name in seen.reports:
            yield from rule(seen)


def copies(seen: Evidence) -> Finding:
    """Items that say the same."""
    if seen.repeated is None:
        found, what = seen.reports["DuplicateVectors"].metrics["exact"], "vectors are exact copies of earlier ones"
    else:
        times, n, _ = seen.repeated
        found, what = Estimate(times / n, rate_interval(times, n)), "texts say the same as an earlier one"
    return Finding(
        name="copies",
        severity=grade(Estimate(found.value), *limits.COPIES),  # all items were counted: nothing is estimated
        what=f"{found.value:.1%} of the {what}",
        measured=found,
        why="They fill the positions of an answer with one and the same, and make figures look better than they are.",
        fix="Keep each once: cosimo duplicates finds them, near copies too.",
        otherwise="They still take positions in answers, which this does not count.",
        remedies="" if seen.repeated is None else "copies",
    )


def equal_vectors(seen: Evidence) -> Iterator[Finding]:
    """Different texts with one vector."""
    if seen.repeated is None or seen.subject.parts:
        return
    times, n, empty = seen.repeated
    exact = seen.reports["DuplicateVectors"].metrics["exact"]
    if exact.value != exact.value:  # there is only one vector
        return
    more = exact.value - (times + empty) / n
    interval = rate_interval(min(max(round(more * seen.n), 0), seen.n), seen.n)
    found = Estimate(max(more, 0.0), interval)
    yield Finding(
        name="different texts, equal vectors",
        severity=grade(found, *limits.COPIES),
        what=f"{found.value:.1%} of the vectors equal another one although the texts differ",
        measured=found,
        why="The encoder does not see what tells these texts apart; no refiner can bring it back.",
        fix="Look at such texts: do they hold words that the model knows? Take another model.",
    )


def cut_texts(seen: Evidence) -> Iterator[Finding]:
    """Texts longer than the encoder reads."""
    report = seen.reports["truncation_share"]
    found, unread = report.metrics["cut"], report.metrics.get("unread")
    limit = report.settings["limit"]
    what = "no text exceeds the model's maximum" + ("" if limit is None else f" of {limit} tokens")
    if found.value > 0:
        what = f"{found.value:.0%} of the texts are truncated: they exceed the model's maximum of {limit} tokens"
        what += "" if unread is None else f"; {unread.value:.0%} of all their tokens are in no vector"
    yield Finding(
        name="cut texts",
        severity=grade(found, *limits.CUT),
        what=what,
        measured=found,
        why="What stands at the end of a truncated text cannot be found.",
        fix="Split texts into passages.",
        otherwise="What stands at the ends is still in no vector.",
        remedies="passages",
    )


def other_vectors(seen: Evidence) -> Iterator[Finding]:
    """Stored vectors that are not this encoder's."""
    report = seen.reports["stored_agreement"]
    found, rescaled = report.metrics["differing"], report.metrics["rescaled"]
    lowest = report.metrics["lowest"].value
    yield Finding(
        name="vectors of another encoder",
        severity=grade_any(found, limits.STRAY),
        what=f"{found.value:.1%} of the stored vectors are not what the encoder makes of their texts today "
        f"(lowest cosine {lowest:.3f})",
        measured=found,
        why="Vectors of two models, or of changed texts, do not compare: such items are found by chance.",
        fix="Build the collection anew, all of it in one space.",
        otherwise="These items themselves are still found by chance.",
        remedies="afresh",
    )
    counts = seen.subject.similarity.scale != "cosine"
    yield Finding(
        name="rescaled vectors",
        severity=grade_any(rescaled, limits.STRAY) if counts else "fine",
        what=f"{rescaled.value:.1%} of the stored vectors have another length than the encoder gives them"
        + ("" if counts else ", which cosine does not see"),
        measured=rescaled,
        why="Where vectors are compared by inner product, length decides who comes first.",
        fix="Store the vectors as the encoder makes them.",
        remedies="afresh" if counts else "",
    )


def prompts(seen: Evidence) -> Iterator[Finding]:
    """Vectors made for another role, or texts that bring the prompt along."""
    report = seen.reports["prompt_check"]
    found, doubled = report.metrics["astray"], report.metrics["doubled"]
    told = report.warnings[0] if found.value > 0 else "the vectors were made for their role"
    yield Finding(
        name="prompts",
        severity=grade_any(found, limits.STRAY),
        what=told,
        measured=found,
        why="The model was trained with its prompts: without them, or with those of the other side, it finds less.",
        fix='Encode documents with role="document" and queries with role="query".',
        otherwise="They are still not what the model was trained for.",
        remedies="afresh",
    )
    yield Finding(
        name="prompts twice",
        severity=grade_any(doubled, limits.STRAY),
        what=f"{doubled.value:.1%} of the texts begin with a prompt that the model puts there itself",
        measured=doubled,
        why="It is read twice, and pulls all such texts together.",
        fix="Take the prompts out of the texts.",
    )


def batches(seen: Evidence) -> Iterator[Finding]:
    """Vectors that depend on their neighbours."""
    report = seen.reports["batch_sensitivity"]
    moved = report.metrics["moved"]
    n = report.n
    found = Estimate(moved.value, rate_interval(round(moved.value * n), n), moved.per_item)
    yield Finding(
        name="batches",
        severity=grade_any(found, limits.STRAY),
        what=f"{found.value:.0%} of the vectors depend on what else was encoded with them "
        f"(lowest cosine {report.metrics['lowest'].value:.4f})",
        measured=found,
        why="An item stored today and asked for tomorrow is not found at its own position, and figures do not repeat.",
        fix="Encode one item a call, or another precision; look for statistics over the batch.",
    )


def noise(seen: Evidence) -> Iterator[Finding]:
    """Faults that texts do not survive."""
    report = seen.reports["noise_robustness"]
    for kind in report.settings["kinds"]:
        found, cosine = report.metrics[f"{kind}_found"], report.metrics[f"{kind}_cosine"].value
        said = kind.replace("_", " ")
        severity: Severity = "fine" if found.value != found.value else grade(found, *limits.LOST)
        if severity == "fine" and cosine < limits.FAR:
            severity = "minor"
        yield Finding(
            name=f"noise: {said}",
            severity=severity,
            what=f"known-item recall@1 with {said}: {found.value:.2f} (n = {report.settings['among']}); "
            f"mean cosine original/perturbed {cosine:.2f}",
            measured=found,
            why="People write so, and what they look for is then not found.",
            fix="Normalise case and white space before encoding, or search by words as well.",
        )


def length_bias(seen: Evidence) -> Iterator[Finding]:
    """Scores that follow lengths."""
    report = seen.reports["length_bias"]
    said = {"longer": "the lengths of the two texts", "alike": "how similar their lengths are"}
    for name, what in said.items():
        found = report.metrics[name]
        yield Finding(
            name=f"length: {name}",
            severity=_both_ways(found, limits.LENGTH_BIAS),
            what=f"scores of random pairs correlate with {what} (partial rank correlation {found.value:+.2f})",
            measured=found,
            why="Long or short texts come first whatever they say, unless length goes with the topic here.",
            fix="Split texts into passages of like length.",
        )


def word_frequency(seen: Evidence) -> Iterator[Finding]:
    """Vectors that tell how common a word is."""
    report = seen.reports["frequency_bias"]
    said = {"norm": "lengths of word vectors", "similarity": "mean cosines of words with others"}
    for name, what in said.items():
        found = report.metrics[name]
        if found.value == found.value:
            yield Finding(
                name=f"word frequency: {name}",
                severity=_both_ways(found, limits.FREQUENCY),
                what=f"{what} correlate with word frequency (rank correlation {found.value:+.2f})",
                measured=found,
                why="Common words pull texts together, or rare ones decide, whatever they mean.",
                fix="Weight words by their frequency, or remove the mean and the top principal component.",
                remedies="directions",
            )


def _both_ways(found: Estimate, limit: limits.Limits) -> Severity:
    """A correlation, in either direction; never more than minor, as it may have a good reason."""
    if found.value != found.value:
        return "fine"
    sign = -1.0 if found.value < 0 else 1.0
    severity = grade(found, sign * limit[0], sign * limit[1])
    return "minor" if severity == "serious" else severity
