"""Files for people: pairs a rule asks about, and pairs drawn at random to be labelled.

The two are not the same. Pairs that are asked about come best first, and their answers settle these pairs alone: they
are the hard ones, and say nothing of those that are accepted. Pairs to label are drawn from all candidates by a known
design (see `cosimo.apply.jobs.drawing`): a rule can be calibrated on as many of the first as one has the patience to
label.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cosimo._random import Seed
from cosimo.apply.jobs.drawing import draw_across, draw_among
from cosimo.apply.jobs.pairs import Pairs
from cosimo.apply.jobs.texts import Texts
from cosimo.files.records import Record, Records, write_records
from cosimo.types import Rows

UNSURE = "the score decides neither way"


def write_asked(pairs: Pairs, left: Texts, right: Texts, path: str | Path) -> int:
    """Write the pairs that are asked about, best first; how many there are."""
    places = np.flatnonzero(pairs.asked)
    chances = pairs.probability

    def row(place: int) -> dict[str, Any]:
        known = {
            "probability": None if chances is None else float(chances[place]),
            "reason": pairs.reasons[place] or UNSURE,
        }
        return _row(pairs, left, right, place) | known

    return _write(row, places[np.argsort(-pairs.scores[places], kind="stable")], path)


def write_to_label(pairs: Pairs, left: Texts, right: Texts, path: str | Path, *, seed: Seed = 0) -> int:
    """Write pairs to be labelled, in random order, each with how it was found and drawn; how many there are."""
    if left is right:
        places, chances = draw_among(pairs.a, pairs.b, seed=seed)
    else:
        places, chances = draw_across(pairs.a, pairs.b, seed=seed), None

    def row(place: int) -> dict[str, Any]:
        drawn = {} if chances is None else {"probability": float(chances[place])}
        return _row(pairs, left, right, place) | drawn | dict(pairs.found)

    return _write(row, places, path)


def _row(pairs: Pairs, left: Texts, right: Texts, place: int) -> dict[str, Any]:
    a, b = int(pairs.a[place]), int(pairs.b[place])
    return {
        "label": "",
        "a": left.texts[a],
        "b": right.texts[b],
        "score": float(pairs.scores[place]),
        "a_id": left.ids[a],
        "b_id": right.ids[b],
    }


def _write(row: Callable[[int], dict[str, Any]], places: Rows, path: str | Path) -> int:
    def rows() -> Iterator[Record]:
        return (Record(number, row(place)) for number, place in enumerate(places.tolist(), 1))

    return write_records(Records("pairs", rows), path)
