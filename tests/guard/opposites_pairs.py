"""What the opposites guard catches and what it costs, beside a cut on minilm's cosine alone; prints Markdown.

    COSIMO_DATA=... python tests/guard/opposites_pairs.py [--contrasts FILE]

Minimal pairs are texts of STS-B (dev, test) and Banking77 (test) and the same texts with one thing changed by rule.
Antonyms are never taken from the guard's lists: they are the words by which SICK sentences that people labelled as
contradicting differ, the opposites among the Google analogies, and those of FILE (a line: a word and its opposites).
Negations, figures, units, weekdays and months are closed lists, which rule and guard share; there the rates say only
that the machinery works. Contradictions of SICK are the one set written by people.
"""

import argparse
import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

import cosimo
from cosimo.decide import OppositesGuard
from cosimo.statistics import clopper_pearson

Pairs = list[tuple[str, str]]
Maker = Callable[[str, random.Random], str | None]
Contrasts = set[tuple[str, str]]

AUXILIARY = re.compile(
    r"(?<=\w )(?<!how )(?<!what )(?<!why )(?<!where )(?<!when )(?<!who )"
    r"(is|are|was|were|can|will|would|could|should|has|does|did)\b(?! not)",
    re.IGNORECASE,
)
FIGURE = re.compile(r"(?<![\w.,:/-])\d{1,3}(?![\w.,:/-])|\b(?:two|three|four|five|six|seven|eight|nine|ten)\b")
FIGURES = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DATE = re.compile(rf"\b(?:{'|'.join(DAYS + MONTHS)})\b")
MEASURES = (("days", "weeks", "months", "hours", "years", "minutes"), ("dollars", "euros"), ("km", "miles", "metres"))
MEASURE = re.compile(rf"(?<=\d )(?:{'|'.join(word for words in MEASURES for word in words)})\b")
DATED = re.compile(r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)")
DENIAL = re.compile(r"\b(?:no|not|nobody|none|never|nothing|without|cannot)\b|n't\b", re.IGNORECASE)
FUNCTION = frozenset(
    ("a", "an", "the", "is", "are", "was", "were", "be", "being", "been", "of", "to", "in", "on", "at", "by", "with")
)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def negated(text: str, rng: random.Random) -> str | None:
    """ "is" becomes "is not" or "isn't"; questions that begin with it are left alone."""
    found = AUXILIARY.search(text)
    if not found:
        return None
    word = found[0].lower()
    denied = {"can": "cannot", "will": "will not"}.get(word, f"{word} not") if rng.random() < 0.5 else short(word)
    return text[: found.start()] + denied + text[found.end() :]


def short(word: str) -> str:
    return {"can": "can't", "will": "won't"}.get(word, f"{word}n't")


def swapped(contrasts: Mapping[str, list[str]]) -> Maker:
    """One word becomes its contrary."""

    def swap(text: str, rng: random.Random) -> str | None:
        places = [found for found in re.finditer(r"\b[a-z]+\b(?!')", text) if found[0] in contrasts]
        if not places:
            return None
        found = rng.choice(places)
        return text[: found.start()] + rng.choice(contrasts[found[0]]) + text[found.end() :]

    return swap


def renumbered(text: str, rng: random.Random) -> str | None:
    found = FIGURE.search(text)
    if not found or DATED.search(text):
        return None
    new = str(int(found[0]) + rng.randint(1, 9)) if found[0].isdigit() else other(found[0], FIGURES, rng)
    return text[: found.start()] + new + text[found.end() :]


def redated(text: str, rng: random.Random) -> str | None:
    return replaced(DATE.search(text), text, (DAYS, MONTHS), rng)


def remeasured(text: str, rng: random.Random) -> str | None:
    return replaced(MEASURE.search(text), text, MEASURES, rng)


def renamed(places: Iterable[Sequence[str]]) -> Maker:
    """A capital becomes another capital, a country another country, wherever in the sentence it stands."""
    groups = [tuple(sorted(set(group))) for group in places]
    found = re.compile(rf"\b(?:{'|'.join(name for group in groups for name in group)})\b")
    return lambda text, rng: replaced(found.search(text), text, groups, rng)


def replaced(
    found: re.Match[str] | None, text: str, groups: Iterable[tuple[str, ...]], rng: random.Random
) -> str | None:
    if not found:
        return None
    group = next(group for group in groups if found[0] in group)
    return text[: found.start()] + other(found[0], group, rng) + text[found.end() :]


def other(word: str, group: tuple[str, ...], rng: random.Random) -> str:
    return rng.choice([one for one in group if one != word])


def changed(texts: Iterable[str], make: Maker, *, seed: int = 0, limit: int = 1000) -> Pairs:
    """Up to `limit` minimal pairs."""
    rng = random.Random(seed)
    made = [(text, make(text, rng)) for text in sorted(set(texts))]
    pairs = [(text, new) for text, new in made if new is not None]
    return rng.sample(pairs, min(limit, len(pairs)))


def natural_contrasts(sick: pd.DataFrame) -> Contrasts:
    """The one word of its own that each of two contradicting sentences has, function words and denials apart."""
    found = set()
    for row in sick[sick.entailment == "CONTRADICTION"].itertuples():
        first, second = (frozenset(text.lower().split()) for text in (row.sentence1, row.sentence2))
        own = first - second - FUNCTION, second - first - FUNCTION
        if all(len(words) == 1 for words in own) and not DENIAL.search(f"{row.sentence1} {row.sentence2}"):
            found.add((next(iter(own[0])), next(iter(own[1]))))
    return found


def held_out(data: Path, file: Path | None) -> dict[str, Contrasts]:
    """Contrary words that nobody made for the guard, by where they come from."""
    analogies = pd.read_parquet(data / "analogies/questions_words.parquet")
    rows = analogies[analogies.section == "gram2-opposite"]
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()] if file else []
    found = {
        "SICK": natural_contrasts(pd.read_parquet(data / "sick/sick.parquet")),
        "analogies": set(zip(rows.a, rows.b, strict=True)) | set(zip(rows.c, rows.d, strict=True)),
        "file": {(word, opposite) for word, *opposites in lines for opposite in opposites},
    }
    # A pair counts once, whichever way round it was found.
    return {name: {(min(pair), max(pair)) for pair in pairs} for name, pairs in found.items() if pairs}


def both_ways(contrasts: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The contraries of each word."""
    found: dict[str, list[str]] = {}
    for a, b in sorted({*contrasts, *((b, a) for a, b in contrasts)}):
        found.setdefault(a, []).append(b)
    return found


def minimal_pairs(texts: list[str], sources: Mapping[str, Contrasts], places: pd.DataFrame) -> dict[str, Pairs]:
    """Minimal pairs by kind."""
    makers: dict[str, Maker] = {
        "negation": negated,
        **{f"antonyms of {name}": swapped(both_ways(contrasts)) for name, contrasts in sources.items()},
        "numbers": renumbered,
        "units": remeasured,
        "dates": redated,
        "names": renamed((places.a, places.b)),
    }
    return {kind: changed(texts, make) for kind, make in makers.items()}


def both(frame: pd.DataFrame) -> Pairs:
    return list(zip(frame.sentence1, frame.sentence2, strict=True))


def paraphrases(data: Path) -> dict[str, Pairs]:
    """Pairs that people called equal, none of them seen while the guard was written."""
    stsb = pd.read_parquet(data / "stsb/stsb_en.parquet")
    mrpc = pd.read_parquet(data / "mrpc/mrpc.parquet")
    sick = pd.read_parquet(data / "sick/sick.parquet")
    return {
        "STS-B dev and test, score >= 4.5": both(stsb[(stsb.split != "train") & (stsb.score >= 4.5)]),
        "MRPC val, label 1": both(mrpc[(mrpc.split == "val") & (mrpc.label == 1)]),
        "SICK entailment, score >= 4.5": both(sick[(sick.entailment == "ENTAILMENT") & (sick.score >= 4.5)]),
    }


def same_intent(data: Path, *, n: int = 2000, seed: int = 0) -> Pairs:
    """Random pairs of one intent: not paraphrases, but what a matcher of intents accepts."""
    bank = pd.read_parquet(data / "banking77/banking77.parquet")
    groups = [group.text.tolist() for _, group in bank[bank.split == "test"].groupby("label")]
    rng = random.Random(seed)
    return [(x, y) for x, y in (rng.sample(rng.choice(groups), 2) for _ in range(n))]


def rate(guard: OppositesGuard, pairs: Pairs) -> float:
    """Share of the pairs that are vetoed."""
    return float(guard.veto(*map(list, zip(*pairs, strict=True))).mask.mean()) if pairs else float("nan")


def cosines(space: Any, pairs: Pairs) -> np.ndarray:
    first, second = zip(*pairs, strict=True)
    return space.similarity_pairwise(space.encode(list(first)), space.encode(list(second)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contrasts", type=Path)
    data = Path(os.environ["COSIMO_DATA"])
    guard, space = OppositesGuard(), cosimo.Space.load("minilm")
    sources = held_out(data, parser.parse_args().contrasts)
    honest = paraphrases(data)
    same = cosines(space, next(iter(honest.values())))
    cut = float(np.quantile(same, 0.1))
    say(f"guard {guard.version}; cut {cut:.3f} lets 90 % of {len(same)} STS-B paraphrases pass\n")
    say("| minimal pairs | n | caught | AUC of cosine | accepted by the cut | and by the guard |")
    say("|---|---|---|---|---|---|")
    for name, pairs in contrary(data, sources).items():
        say(line(name, pairs, guard, cosines(space, pairs), same, cut))
    say("\n| same meaning | n | vetoed | by reason |\n|---|---|---|---|")
    for name, pairs in {**honest, "Banking77, same intent (not paraphrases)": same_intent(data)}.items():
        vetoes = guard.veto(*map(list, zip(*pairs, strict=True)))
        say(f"| {name} | {len(pairs):,} | {share(vetoes.mask, 1)} | {reasons(vetoes.reasons)} |")
    say("\n| contrary words nobody made for the guard | n | known |\n|---|---|---|")
    for name, words in sources.items():
        framed = [(f"it is {a}", f"it is {b}") for a, b in sorted(words)]
        say(f"| {name} | {len(words)} | {100 * rate(guard, framed):.0f} % |")
    example(space)
    speed(guard, data)


def contrary(data: Path, sources: Mapping[str, Contrasts]) -> dict[str, Pairs]:
    """All pairs that do not mean the same, by name."""
    stsb = pd.read_parquet(data / "stsb/stsb_en.parquet")
    bank = pd.read_parquet(data / "banking77/banking77.parquet")
    sick = pd.read_parquet(data / "sick/sick.parquet")
    analogies = pd.read_parquet(data / "analogies/questions_words.parquet")
    places = analogies[analogies.section == "capital-world"]
    unseen = stsb[stsb.split != "train"]
    texts = {
        "STS-B": [*unseen.sentence1, *unseen.sentence2],
        "Banking77": bank[bank.split == "test"].text.tolist(),
    }
    made = {
        f"{name}, {kind}": pairs
        for name, rows in texts.items()
        for kind, pairs in minimal_pairs(rows, sources, places).items()
        if pairs
    }
    opposed = both(sick[sick.entailment == "CONTRADICTION"])
    denied = [bool(DENIAL.search(f"{a} {b}")) for a, b in opposed]
    return {
        **made,
        "SICK, contradictions with a denial": [pair for pair, denial in zip(opposed, denied, strict=True) if denial],
        "SICK, contradictions without": [pair for pair, denial in zip(opposed, denied, strict=True) if not denial],
    }


def line(name: str, pairs: Pairs, guard: OppositesGuard, S: np.ndarray, same: np.ndarray, cut: float) -> str:
    vetoed = guard.veto(*map(list, zip(*pairs, strict=True))).mask
    auc = roc_auc_score(np.r_[np.ones(len(same)), np.zeros(len(S))], np.r_[same, S])
    accepted = cut <= S
    shares = [f"{100 * mask.mean():.0f} %" for mask in (accepted, accepted & ~vetoed)]
    return f"| {name} | {len(pairs):,} | {share(vetoed)} | {auc:.2f} | {shares[0]} | {shares[1]} |"


def share(mask: np.ndarray, digits: int = 0) -> str:
    """A rate with its exact 95 % interval, pairs taken as independent."""
    low, high = clopper_pearson(int(mask.sum()), len(mask))
    return f"{100 * mask.mean():.{digits}f} % ({100 * low:.{digits}f} to {100 * high:.{digits}f})"


def reasons(given: Iterable[str | None]) -> str:
    kinds = [re.sub(r"^different |(:| on one side).*", "", reason) for reason in given if reason]
    return ", ".join(f"{kind} {kinds.count(kind)}" for kind in sorted(set(kinds), key=lambda kind: -kinds.count(kind)))


def example(space: Any) -> None:
    text = "turn on dark mode"
    others = ["turn off dark mode", "enable the night theme", "switch the dark theme on"]
    say("\n| " + text + " | cosine |\n|---|---|")
    for one, score in zip(others, cosines(space, [(text, one) for one in others]), strict=True):
        say(f"| {one} | {score:.3f} |")


def speed(guard: OppositesGuard, data: Path) -> None:
    texts = pd.read_parquet(data / "banking77/banking77.parquet").text.tolist()
    mrpc = pd.read_parquet(data / "mrpc/mrpc.parquet")
    short = ["turn on dark mode"] * 20_000, ["please switch the dark mode on"] * 20_000
    say("")
    for name, (a, b) in {
        "four to six words": short,
        "Banking77, at random": (texts, texts[::-1]),
        "MRPC": (mrpc.sentence1.tolist(), mrpc.sentence2.tolist()),
    }.items():
        took = min(seconds(guard, a, b) for _ in range(3))
        say(f"{name}: {len(a) / took:,.0f} pairs in a second of one core")


def seconds(guard: OppositesGuard, a: list[str], b: list[str]) -> float:
    started = time.process_time()
    guard.veto(a, b)
    return time.process_time() - started


if __name__ == "__main__":
    main()
