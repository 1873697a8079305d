"""What the tests of the command line play with: a few papers, and a model small enough to make on the spot."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from cosimo.encode import StaticEncoder

WORDS = (
    *("?", "late", "interaction", "multi", "vector", "retrieval", "whitening", "sentence", "rice", "cooking"),
    *("water", "heat", "🦊", "שלום", "c", "don", "t", "and", "or"),
)
PAPERS = [
    {"id": "p1", "title": "Late interaction", "abstract": "multi vector retrieval", "year": 2020, "venue": "SIGIR"},
    {"id": "p2", "title": "Whitening", "abstract": "sentence vector", "year": 2021, "venue": "ACL"},
    {"id": "p3", "title": "Cooking rice", "abstract": "water and heat", "year": 1999, "venue": None},
    {"id": "p4", "title": "שלום 🦊", "abstract": 'c++ or "don\'t"\n\tAND', "year": 2022, "venue": "ACL"},
]
KINDS = [word for word in WORDS[1:17] if word.isalpha()]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        return [line.split("\t") for line in self.out.splitlines()]

    @property
    def objects(self) -> list[dict]:
        return [json.loads(line) for line in self.out.splitlines()]


def save_space(folder: Path, *, seed: int) -> Path:
    """A folder of static vectors: each word a random direction of its own."""
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="?"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    table = np.random.default_rng(seed).standard_normal((len(WORDS), 24))
    StaticEncoder(table, tokenizer.to_str()).save(folder)
    return folder


def one_sentence(outcome: Outcome, *parts: str) -> None:
    """Exit code 1, and one line on stderr that says all this."""
    assert outcome.code == 1
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1
    for part in parts:
        assert part in outcome.err


def texts(n, seed):
    """Texts of a word that says what they are about, and others that blur it."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        kind = KINDS[int(rng.integers(len(KINDS)))]
        blur = [KINDS[int(i)] for i in rng.integers(len(KINDS), size=int(rng.integers(0, 4)))]
        yield kind, " ".join([kind, kind, *blur])
