"""Figures that the claims of model-similarity compare."""

from functools import cache
from itertools import combinations

import numpy as np
from scipy.stats import spearmanr

import data
from cosimo.measure import ModelSimilarity, linear_cka
from cosimo.refine import Truncate, Whitening
from cosimo.statistics import jackknife, random_groups

FAMILY = ("minilm", "minilm whitened", "minilm 192")


OTHERS = ("wordllama", "tf-idf", "lsa 256")


SAMPLE, GROUPS = 700, 20


@cache
def cranfield():
    """(documents, queries) without the two empty documents."""
    import pandas as pd

    folder = data.folder() / "cranfield"
    docs = [text for text in pd.read_parquet(folder / "docs.parquet").text if text.strip()]
    return docs, list(pd.read_parquet(folder / "queries.parquet").text)


@cache
def encoded():
    """The vectors of documents and queries of every model but LSA."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    from cosimo.encode import load_encoder, tally

    docs, queries = cranfield()
    with tally():  # abstracts are cut after 256 tokens, for every model that has a window
        found = {
            name: tuple(load_encoder(name).encode(items).astype(np.float64) for items in (docs, queries))
            for name in ("minilm", "static", "wordllama")
        }
    whitening, short = Whitening().fit(found["minilm"][0]), Truncate(192)
    for name, refiner in (("minilm whitened", whitening), ("minilm 192", short)):
        found[name] = tuple(refiner.transform(V) for V in found["minilm"])
    words = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit(docs)
    found["tf-idf"] = tuple(words.transform(items).toarray() for items in (docs, queries))
    return found


def all_models(seed):
    from sklearn.decomposition import TruncatedSVD

    found = encoded()
    lsa = TruncatedSVD(256, random_state=seed).fit(found["tf-idf"][0])
    return found | {"lsa 256": tuple(lsa.transform(V) for V in found["tf-idf"])}


def means(values):
    """Mean over the pairs within the family, and over those of one of it and one of the others."""
    within = np.mean([values[pair] for pair in combinations(FAMILY, 2)], axis=0)
    cross = np.mean([values[a, b] for a in FAMILY for b in OTHERS], axis=0)
    return within, cross


@cache
def run(seed):
    """The figures of every system; the seed draws the documents of CKA, its groups, and the start of LSA."""
    from claims import pseudo

    models = all_models(seed)
    measures = tuple(f"{name}@{k}" for name in ("jaccard", "ranksim") for k in (1, 5, 10, 50, 100))
    lists = ModelSimilarity((*measures, "cka"), sample=SAMPLE, groups=GROUPS, seed=seed).fit(models)
    per_query = {m: {pair: e.per_item for pair, e in lists.estimates_[m].items()} for m in measures}
    rows = np.sort(np.random.default_rng(seed).permutation(len(cranfield()[0]))[:SAMPLE])
    group = random_groups(SAMPLE, groups=GROUPS, seed=seed)
    kept = {name: np.linalg.qr(D[rows].T)[1].T if D.shape[1] > SAMPLE else D[rows] for name, (D, _) in models.items()}
    cka = {}
    for a, b in combinations(models, 2):
        left_out = jackknife(lambda some, a=a, b=b: linear_cka(kept[a][some], kept[b][some]), SAMPLE, clusters=group)
        whole = lists.estimates_["cka"][a, b].value
        cka[a, b] = cka[b, a] = GROUPS * whole - (GROUPS - 1) * left_out
    found = {"zero": 0.0, "one": 1.0}
    for name, values in {"cka": cka, **per_query}.items():
        found[f"{name}, within"], found[f"{name}, cross"] = means(values)
    wholes = lists.estimates_["cka"]
    low = min(combinations(FAMILY, 2), key=lambda pair: wholes[pair].value)
    high = max(((a, b) for a in FAMILY for b in OTHERS), key=lambda pair: wholes[pair].value)
    found |= {"cka, lowest within": cka[low], "cka, highest cross": cka[high]}
    pairs = list(combinations(models, 2))
    for k in (5, 100):
        table = np.array([per_query[f"jaccard@{k}"][pair] for pair in pairs])
        found[f"jaccard@{k}, spread"] = pseudo(lambda *columns: float(np.std(columns, axis=1, ddof=1).mean()), *table)
    table = np.array([per_query["jaccard@10"][pair] for pair in pairs])
    order = np.array([wholes[pair].value for pair in pairs])
    found["order"] = pseudo(lambda *columns: spearmanr(order, np.mean(columns, axis=1)).statistic, *table)
    found["minilm ~ minilm 192, cka"] = np.full(len(cranfield()[1]), wholes["minilm", "minilm 192"].value)
    found["minilm ~ minilm 192, jaccard@10"] = per_query["jaccard@10"]["minilm", "minilm 192"]
    return found
