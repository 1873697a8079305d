"""Figures that the claims of pair-classification-audit compare."""

from functools import cache

import numpy as np

import data
from cosimo.encode import FunctionEncoder
from cosimo.measure import CuratedPairs, PairClassification, PairClassificationAudit

SIZE = 600


SETS = ("stsb", "sick", "mrpc", "abt-buy")


def tables():
    """Text, text, label and side (0 to train, 1 to test) of every set."""
    stsb = data.parquet("stsb", "stsb_en").query("score >= 4 or score <= 2")
    sick = data.parquet("sick", "sick")
    mrpc = data.parquet("mrpc", "mrpc")
    abt = data.parquet("entity_matching", "abt_buy").fillna("")
    sides = [abt.filter(regex=f"^{side}_").astype(str).agg(" ".join, axis=1) for side in ("left", "right")]
    return {
        "stsb": (stsb.sentence1, stsb.sentence2, stsb.score >= 4, stsb.split != "train"),
        "sick": (sick.sentence1, sick.sentence2, sick.entailment == "ENTAILMENT", sick.split != "train"),
        "mrpc": (mrpc.sentence1, mrpc.sentence2, mrpc.label == 1, mrpc.split != "train"),
        "abt-buy": (*sides, abt.label == 1, abt.split != "train"),
    }


def curated(name, columns, seed):
    """`SIZE` training and, where there are as many, test pairs at random."""
    rng = np.random.default_rng(seed)
    a, b, y, side = (np.asarray(column) for column in columns)
    tasks = []
    for part in (0, 1):
        rows = rng.permutation(np.flatnonzero(side.astype(int) == part))[:SIZE]
        tasks.append(PairClassification(a[rows].tolist(), b[rows].tolist(), y[rows].astype(int).tolist()))
    return CuratedPairs(name, *tasks)


@cache
def encoders():
    from cosimo.encode import load_encoder

    return {name: load_encoder(name) for name in ("minilm", "wordllama", "static")}


def tf_idf(source):
    """An encoder by words, weighed on the training texts of all sets."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [text for one in source for side in (one.train.a, one.train.b) for text in side]
    model = TfidfVectorizer(max_features=4000, sublinear_tf=True).fit(texts)
    return FunctionEncoder(lambda items: model.transform(items).toarray(), name="tf-idf", dim=4000)


@cache
def measured(seed):
    """Figures of one draw of the pairs, x 100 where they are shares of pairs."""
    found = tables()
    drawn = [curated(name, found[name], seed) for name in SETS]
    table = PairClassificationAudit(encoders() | {"tf-idf": tf_idf(drawn)}, drawn).run(seed=seed)
    figures = {}
    for metric in ("accuracy", "roc_auc"):
        for factor, share in table.variance_share(metric).items():
            figures[f"{metric}, share of {factor}"] = 100 * share
    for card in table.dataset_cards:
        figures[f"{card.name}, overlap of matches"] = 100 * card.positive_overlap
        figures[f"{card.name}, overlap of others"] = 100 * card.negative_overlap
    for name in (*encoders(), "tf-idf"):
        rows = [row for row in table.threshold_transfer if (row.encoder, row.similarity) == (name, "cosine")]
        figures[f"{name}, foreign cuts"] = 100 * float(np.mean([row.accuracy.value for row in rows]))
        own = [cell for cell in table.cells if (cell.encoder, cell.similarity) == (name, "cosine")]
        figures[f"{name}, own cuts"] = 100 * float(np.mean([cell.accuracy.value for cell in own]))
    return figures


def run(seed):
    """The figures of every system, for one draw of the pairs."""
    return measured(seed)
