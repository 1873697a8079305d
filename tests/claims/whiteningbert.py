"""Figures that the claims of whiteningbert compare."""

from functools import cache

import numpy as np
from scipy.stats import spearmanr

import data
from cosimo.compare import Cosine
from cosimo.refine import Whitening, layer_mean
from cosimo.refine.whiteningbert import token_mean


def sts(folder):
    """{name: (first sentences, second sentences, human scores)}; the one without a name is the test set of STS-B."""
    import pandas as pd

    tables = {year: pd.read_parquet(folder / "sts" / f"sts{year}.parquet") for year in (2012, 2013, 2016)}
    pairs = data.parquet("stsb", "stsb_en").query("split == 'test'")
    tables = {"": pairs} | {f", STS {year}": table for year, table in tables.items()}
    return {name: (list(t.sentence1), list(t.sentence2), t.score.to_numpy()) for name, t in tables.items()}


def figures(X, rows, scores):
    """Spearman x 100 of cosine and human score as pseudo-values (n,), as X is and whitened on its own sentences."""
    from claims import pseudo

    def spearman(a, b):
        return 100 * spearmanr(a, b).statistic

    whitened = Whitening().fit_transform(X)
    return {
        suffix: pseudo(spearman, Cosine().pairs(V[rows[0]], V[rows[1]]), scores)
        for suffix, V in (("", X), (", whitened", whitened))
    }


def token_ways(encoder, texts, *, single):
    """{way: vectors (n, d)} to make sentence vectors from token states.

    single
        The token that stands for its sentence: ("first token", 0) or ("last token", -1).
    """
    name, which = single
    top = encoder.encode_tokens(texts, layers=(-1,))
    return {
        name: np.stack([item[which] for item in top]),
        "top": token_mean(top),
        "first+top": layer_mean(encoder, texts),
    }


def measure(name, ways, pairs):
    """{system: (n,) pseudo-values} of the vectors that `ways(texts)` makes, on every data set."""
    found = {}
    for source, (first, second, scores) in pairs.items():
        texts, rows = np.unique([first, second], return_inverse=True)
        for way, X in ways([str(text) for text in texts]).items():
            for suffix, values in figures(X, rows.reshape(2, -1), scores).items():
                found[f"{name} {way}".strip() + suffix + source] = values
    return found


@cache
def measured():
    """Both models: MiniLM on all pairs, the slower SmolLM2 on STS-B."""
    from cosimo.encode import load_encoder
    from models import smollm2

    pairs = sts(data.folder())
    minilm, language_model = load_encoder("minilm"), smollm2()

    def of_minilm(texts):
        return {"": minilm.encode(texts)} | token_ways(minilm, texts, single=("first token", 0))

    def of_smollm2(texts):
        return token_ways(language_model, texts, single=("last token", -1))

    return measure("minilm", of_minilm, pairs) | measure("smollm2", of_smollm2, {"": pairs[""]})


def run(seed):
    """The figures of every system; nothing in them is random, so each seed gives the same."""
    return measured()
