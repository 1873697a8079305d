"""Figures that the claims of wic compare."""

from functools import cache

import numpy as np

import data
from cosimo.measure import SpanEncoder, WordInContext


@cache
def measured():
    """Which tested pairs each system is right about (n,), as 0 or 100."""
    from cosimo.encode import load_encoder

    task = WordInContext.read(data.folder() / "wic" / "wic.parquet")
    minilm, wordllama = load_encoder("minilm"), load_encoder("wordllama")
    systems = {
        "minilm": SpanEncoder(minilm),
        "minilm, sentence": SpanEncoder(minilm, part="text"),
        "wordllama": SpanEncoder(wordllama),
    }
    found = {name: 100 * task.run(system).metrics["accuracy"].per_item for name, system in systems.items()}
    return found | {"chance": np.full_like(found["minilm"], 50.0)}


def run(seed):
    """The figures of every system; nothing in them is random, so each seed gives the same."""
    return measured()
