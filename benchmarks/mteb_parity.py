"""Our tasks and those of the package mteb on the same data with the same space: both numbers, side by side.

    pip install "cosimo[bench,tables]"
    COSIMO_DATA=... python benchmarks/mteb_parity.py [--only STS,Clustering] [--out figures.json]

mteb's own task classes are filled with local data and run by `mteb.evaluate` on an `MtebEncoder`. The data are reduced
copies, or other data of the same kind, so no number here is to be put beside a published one. Where a protocol draws at
random, mteb's draws and ours differ; `spread` is the standard deviation over mteb's own draws.
"""

import argparse
import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import mteb
import numpy as np
import pandas as pd
from datasets import Dataset, DatasetDict
from sklearn.exceptions import UndefinedMetricWarning

from cosimo import Space, measure
from cosimo.encode import TruncationWarning
from cosimo.interchange import MtebEncoder

DATA = Path(os.environ["COSIMO_DATA"])
ROWS = 2000
DRAWS = 10


@dataclass
class Case:
    """A task of mteb with its data, ours with the same, and which of our metrics is which of mteb's."""

    theirs: object
    data: object
    ours: object
    metrics: dict
    draws: str | None = None
    """Where mteb keeps the single values of its main score."""


def read(name, **where):
    frame = pd.read_parquet(DATA / name)
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return frame.reset_index(drop=True)


def split(frame, *columns):
    return DatasetDict(test=Dataset.from_pandas(frame[list(columns)], preserve_index=False))


def sts():
    pairs = read("stsb/stsb_en.parquet", split="test")
    return Case(
        mteb.get_task("STSBenchmark"),
        split(pairs, "sentence1", "sentence2", "score"),
        measure.STS.read(pairs),
        {"spearman": "cosine_spearman", "pearson": "cosine_pearson"},
    )


def pair_classification():
    pairs = read("mrpc/mrpc.parquet", split="val").rename(columns={"label": "labels"})
    return Case(
        mteb.get_task("SprintDuplicateQuestions"),
        split(pairs, "sentence1", "sentence2", "labels"),
        measure.PairClassification.read(pairs, label="labels"),
        {"ap": "similarity_ap", "f1_best": "similarity_f1"},
    )


def classification():
    rng = np.random.default_rng(0)
    texts = {side: read("banking77/banking77.parquet", split=side) for side in ("train", "test")}
    few = {side: frame.iloc[rng.permutation(len(frame))[:ROWS]] for side, frame in texts.items()}
    data = {side: Dataset.from_pandas(frame[["text", "label"]], preserve_index=False) for side, frame in few.items()}
    ours = measure.Classification.read(pd.concat(few.values()), name="Banking77")
    return Case(
        mteb.get_task("Banking77Classification"),
        DatasetDict(data),
        ours,
        {"accuracy": "accuracy"},
        "scores_per_experiment",
    )


def clustering():
    """The legacy protocol: mteb clusters each row of the data once, so a row here is one order of all the texts."""
    texts = read("banking77/banking77.parquet", split="test").sample(ROWS, random_state=0)
    orders = [texts.sample(frac=1, random_state=i) for i in range(DRAWS)]
    rows = {
        "sentences": [list(order["text"]) for order in orders],
        "labels": [list(order["label"]) for order in orders],
    }
    return Case(
        mteb.get_task("TwentyNewsgroupsClustering"),
        DatasetDict(test=Dataset.from_dict(rows)),
        measure.Clustering.read(texts, name="Banking77", repeats=DRAWS),
        {"v_measure": "v_measure"},
        "v_measures",
    )


def resampled_clustering():
    """The protocol of today: draws with replacement, so most texts come several times, which raises the v-measure."""
    texts = read("banking77/banking77.parquet", split="test").sample(ROWS, random_state=0)
    theirs = mteb.get_task("TwentyNewsgroupsClustering.v2")
    theirs.max_fraction_of_documents_to_embed, theirs.max_document_to_embed = None, ROWS
    renamed = texts.rename(columns={"text": "sentences", "label": "labels"})
    return Case(
        theirs,
        split(renamed, "sentences", "labels"),
        measure.Clustering.read(texts, name="Banking77", repeats=DRAWS),
        {"v_measure": "v_measure", "ami": "ami"},
        "v_measures",
    )


def retrieval():
    docs, queries, qrels = (read(f"cranfield/{part}.parquet").astype(str) for part in ("docs", "queries", "qrels"))
    for frame in (queries, qrels):
        frame["query_id"] = "q" + frame["query_id"]  # or query 1 would be taken for document 1
    judged = {}
    for query, doc, gain in zip(qrels["query_id"], qrels["doc_id"], qrels["gain"], strict=True):
        judged.setdefault(query, {})[doc] = int(gain)
    data = {
        "corpus": Dataset.from_dict({"id": docs["doc_id"], "title": [""] * len(docs), "text": docs["text"]}),
        "queries": Dataset.from_dict({"id": queries["query_id"], "text": queries["text"]}),
        "relevant_docs": judged,
        "top_ranked": None,
    }
    corpus, asked = (dict(zip(ids, texts, strict=True)) for ids, texts in _sides(docs, queries))
    return Case(
        mteb.get_task("NFCorpus"),
        {"default": {"test": data}},
        measure.Retrieval(corpus, asked, judged, name="Cranfield"),
        {"ndcg@10": "ndcg_at_10", "map": "map_at_1000", "mrr": "mrr_at_1000", "recall@100": "recall_at_100"},
    )


def _sides(docs, queries):
    return (docs["doc_id"], docs["text"]), (queries["query_id"], queries["text"])


def reranking():
    """Queries with right and wrong candidates only: mteb counts the others, as 0 or 1."""
    frame = read("trecqa/trecqa.parquet", split="dev").drop_duplicates(["query", "answer"])
    frame = frame[frame.groupby("query")["label"].transform("nunique") == 2]
    texts = {text: f"d{i}" for i, text in enumerate(frame["answer"].unique())}
    queries = {text: f"q{i}" for i, text in enumerate(frame["query"].unique())}
    judged, ranked = {}, {}
    for query, answer, label in zip(frame["query"], frame["answer"], frame["label"], strict=True):
        judged.setdefault(queries[query], {})[texts[answer]] = int(label)
        ranked.setdefault(queries[query], []).append(texts[answer])
    data = {
        "corpus": Dataset.from_dict({"id": list(texts.values()), "title": [""] * len(texts), "text": list(texts)}),
        "queries": Dataset.from_dict({"id": list(queries.values()), "text": list(queries)}),
        "relevant_docs": judged,
        "top_ranked": ranked,
    }
    return Case(
        mteb.get_task("AskUbuntuDupQuestions"),
        {"default": {"test": data}},
        measure.Reranking.read(frame, document="answer", name="TREC-QA"),
        {"map": "map_at_1000", "mrr@10": "mrr_at_10", "ndcg@10": "ndcg_at_10"},
    )


def bitext():
    pairs = read("tatoeba/tatoeba.parquet", lang="deu").drop_duplicates("english")
    renamed = pairs.rename(columns={"sentence": "sentence1", "english": "sentence2"})
    return Case(
        mteb.get_task("Tatoeba", hf_subsets=["deu-eng"]),
        {"deu-eng": split(renamed, "sentence1", "sentence2")},
        measure.Bitext.read(pairs, a="sentence", b="english", name="Tatoeba"),
        {"accuracy": "accuracy"},
    )


CASES = {
    "STS": sts,
    "PairClassification": pair_classification,
    "Classification": classification,
    "Clustering": clustering,
    "ClusteringResampled": resampled_clustering,
    "Retrieval": retrieval,
    "Reranking": reranking,
    "Bitext": bitext,
}


def by_mteb(space, case):
    """The scores of mteb's task on our data."""
    case.theirs.dataset, case.theirs.data_loaded = case.data, True
    result = mteb.evaluate(MtebEncoder(space), case.theirs, cache=None, co2_tracker=False, show_progress_bar=False)
    (scores,) = result.task_results[0].scores["test"]
    return scores


def spread(values):
    """Standard deviation of the values of single draws, which lie in lists, by level or with other metrics."""
    listed = values["Level 0"] if isinstance(values, dict) else values
    return float(np.std([value["accuracy"] if isinstance(value, dict) else value for value in listed], ddof=1))


def compared(space, case):
    scores, report = by_mteb(space, case), case.ours.run(space)
    rows = {
        ours: {
            "mteb": scores[theirs],
            "ours": report.metrics[ours].value,
            "difference": report.metrics[ours].value - scores[theirs],
        }
        for ours, theirs in case.metrics.items()
    }
    drawn = {} if case.draws is None else {"spread": spread(scores[case.draws])}
    return {"mteb_task": type(case.theirs).__name__, "n": report.n, "metrics": rows} | drawn


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(CASES), help="kinds of tasks, separated by commas")
    parser.add_argument("--space", default="minilm")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    for told in (TruncationWarning, UndefinedMetricWarning):  # of both sides alike; of classes nobody was put into
        warnings.simplefilter("ignore", told)
    space = Space.load(arguments.space)
    figures = {"space": arguments.space, "passport": space.passport.key, "mteb_version": mteb.__version__, "tasks": {}}
    for kind, case in CASES.items():
        if kind in arguments.only.split(","):
            figures["tasks"][kind] = compared(space, case())
            print(kind, json.dumps(figures["tasks"][kind], indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
