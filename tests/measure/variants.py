"""Two dozen small models of seven families, from a few passes over the texts: for claims about what orders models."""

import hashlib
import re
from collections.abc import Sequence
from functools import cache

import numpy as np

from cosimo.encode import load_encoder
from cosimo.refine import Whitening
from cosimo.refine.whiteningbert import token_mean

FAMILIES = ("minilm", "static", "wordllama", "smollm2", "words", "letters", "random")
"""What the names of variants begin with."""


def variants(texts: Sequence[str]) -> dict[str, np.ndarray]:
    """{name: vectors (n, d)}; those that are fitted are fitted on these texts."""
    found = {}
    for name in ("minilm", "static", "wordllama"):
        X = load_encoder(name).encode(texts)
        found |= {f"{name} {d}": X[:, :d] for d in (X.shape[1], 64)} | {
            f"{name} whitened": Whitening().fit_transform(X)
        }
    minilm = load_encoder("minilm")
    found |= {f"minilm layer {i}": token_mean(minilm.encode_tokens(texts, layers=(i,))) for i in range(1, 7)}
    X = smollm2_input(texts)
    found |= {"smollm2 input": X, "smollm2 input whitened": Whitening(200).fit_transform(X)}
    for name, analyser, grams in (("words", "word", (1, 1)), ("letters", "char_wb", (3, 4))):
        X = latent(texts, analyser, grams)
        found |= {f"{name} {d}": X[:, :d] for d in (200, 20)}
    return found | {f"random {d}": random_words(texts, d) for d in (300, 50)}


def latent(texts: Sequence[str], analyser: str, grams: tuple[int, int]) -> np.ndarray:
    """(n, 200) the leading directions of tf-idf weights."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    weights = TfidfVectorizer(analyzer=analyser, ngram_range=grams, min_df=2, sublinear_tf=True).fit_transform(texts)
    return TruncatedSVD(200, random_state=0).fit_transform(weights)


def random_words(texts: Sequence[str], d: int) -> np.ndarray:
    """(n, d) means over the words of a text, each a random vector of its own."""

    @cache
    def of(word: str) -> np.ndarray:
        return np.random.default_rng(list(hashlib.sha256(word.encode()).digest())).normal(size=d)

    return np.array(
        [np.mean([of(word) for word in re.findall(r"\w+", text.lower())] or [np.zeros(d)], 0) for text in texts]
    )


def smollm2_input(texts: Sequence[str]) -> np.ndarray:
    """(n, 576) means over a text's tokens of the vectors that SmolLM2 reads them as."""
    from models import smollm2

    model = smollm2()
    table = model.model.get_input_embeddings().weight.detach().numpy()
    return np.array([table[model.tokenizer(text)["input_ids"] or [0]].mean(axis=0) for text in texts])


def leaving_families_out(statistic, names: Sequence[str]) -> np.ndarray:
    """(7,) pseudo-values of a statistic of names of variants, one a family."""
    n, whole = len(FAMILIES), statistic(list(names))
    without = [statistic([name for name in names if name.split()[0] != family]) for family in FAMILIES]
    return n * whole - (n - 1) * np.array(without)
