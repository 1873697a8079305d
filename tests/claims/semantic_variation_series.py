"""Figures that the claims of semantic-variation-series compare."""

import itertools
import re
from functools import cache

import numpy as np

import data
from cosimo.encode import Table
from cosimo.measure import SemanticSeries, compare_encoders, p_k, window_diff


def articles():
    """Sentences of the 300 news articles of the Lee background corpus, those of five sentences or more."""

    texts = data.parquet("lee", "background").text
    split = [[s.strip() for s in re.split(r"(?<=[.?!])[\"']?\s+(?=[A-Z\"'])", text) if s.strip()] for text in texts]
    return [sentences for sentences in split if len(sentences) >= 5]


@cache
def tables():
    """{encoder: Table} of every sentence; TF-IDF and LSA are fitted on them."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    import cosimo
    from cosimo.encode.truncation import tally

    sentences = list(dict.fromkeys(itertools.chain.from_iterable(articles())))
    with tally():  # a sentence or two are longer than minilm reads
        X = {name: cosimo.Space.load(name).encode(sentences) for name in ("minilm", "wordllama", "static")}
    words = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(sentences)
    X["tf-idf"], X["lsa"] = words.toarray(), TruncatedSVD(100, random_state=0).fit_transform(words)
    return {name: Table(sentences, V, name=name) for name, V in X.items()}


NEURAL = ("minilm", "wordllama", "static")


def run(seed):
    """Figures of 20 documents, each 8 articles one after another."""
    rng = np.random.default_rng(seed)
    chosen = articles()
    rows = rng.permutation(len(chosen))[:160].reshape(20, 8)
    documents = [list(itertools.chain.from_iterable(chosen[i] for i in parts)) for parts in rows]
    truths = [np.cumsum([len(chosen[i]) for i in parts])[:-1] for parts in rows]
    found = {"half": 0.5}
    agreement = compare_encoders(tables(), documents, seed=seed)
    places = {name: i for i, name in enumerate(agreement.encoders)}
    for of, values in agreement.by_document.items():
        pairs = [(places[a], places[b]) for a, b in itertools.combinations(NEURAL, 2)]
        found[f"{of}, neural"] = np.mean([values[:, i, j] for i, j in pairs], axis=0)
        found[f"{of}, with tf-idf"] = np.mean([values[:, places[a], places["tf-idf"]] for a in NEURAL], axis=0)
    for error in (p_k, window_diff):
        name = error.__name__
        found[f"{name}, random"] = np.array([
            np.mean([error(t, 1 + rng.permutation(len(d) - 1)[:7], n=len(d)) for _ in range(200)])
            for d, t in zip(documents, truths, strict=True)
        ])  # fmt: skip
        for encoder, table in tables().items():
            texts = [SemanticSeries(table, smooth=3).fit(d) for d in documents]
            found[f"{name}, {encoder}"] = np.array([
                error(t, text.boundaries(7), n=len(d)) for d, t, text in zip(documents, truths, texts, strict=True)
            ])  # fmt: skip
    return found
