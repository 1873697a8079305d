"""Figures that the claims of xsim-plus-plus compare."""

from functools import cache

import numpy as np
from scipy import stats

import data
from cosimo._arrays import unit
from cosimo.encode import FunctionEncoder
from cosimo.measure import XSimPP
from cosimo.measure.tasks.translation.margins import best_targets, margin_scores


class Held:
    """Vectors of texts that are encoded already."""

    def __init__(self, texts, X):
        self.place = {text: i for i, text in enumerate(texts)}
        self.X = X

    def system(self):
        zeros = np.zeros(self.X.shape[1], np.float32)
        return FunctionEncoder(
            lambda texts: np.array([self.X[self.place[t]] if t in self.place else zeros for t in texts])
        )


def mining_f1(A, B, right):
    """The best F1 of taking the pairs with the greatest margins, each source with its best target."""
    S = unit(A) @ unit(B).T
    best, margin = best_targets(S), margin_scores(S)
    found = np.argmax(best, axis=1)
    scores = margin[np.arange(len(S)), found]
    hits = np.cumsum((right & (found == np.arange(len(S))))[np.argsort(-scores, kind="stable")])
    return float(np.max(2 * hits / (np.arange(1, len(S) + 1) + right.sum())))


@cache
def measured():
    """Paraphrases of news as translations, real near-misses to mine among, and every variant's vectors of both."""

    from measure.variants import variants

    pairs = data.parquet("mrpc", "mrpc").drop_duplicates("sentence1")
    first, second = pairs.iloc[: len(pairs) // 2], pairs.iloc[len(pairs) // 2 :].iloc[:600]
    same = first[first.label == 1].drop_duplicates("sentence2").iloc[:400]
    task = XSimPP(list(same.sentence1), list(same.sentence2))
    texts = list(dict.fromkeys([*task.sources, *task.targets, *(copy.text for copy in task.copies)]))
    mined = list(dict.fromkeys([*second.sentence1, *second.sentence2]))
    return task, texts, second, mined, variants(texts), variants(mined)


@cache
def reports():
    """{variant: report}, and {variant: F1 of mining}."""
    task, texts, second, mined, vectors, others = measured()
    place = {text: i for i, text in enumerate(mined)}
    a, b = ([place[text] for text in side] for side in (second.sentence1, second.sentence2))
    right = second.label.to_numpy() == 1
    told = {name: task.run(Held(texts, X).system()) for name, X in vectors.items()}
    return told, {name: mining_f1(X[a], X[b], right) for name, X in others.items()}


@cache
def tatoeba(lang):
    """(400,) errors of MiniLM on sentences of a language, without near-copies."""

    from cosimo.encode import load_encoder

    table = data.parquet("tatoeba", "tatoeba")
    some = table[table.lang == lang].iloc[:400]
    return XSimPP(list(some.sentence), list(some.english)).run(load_encoder("minilm")).metrics["xsim_error"].per_item


@cache
def figures():
    """Errors of single systems, one value a sentence; agreement with mining as pseudo-values, one a family."""
    from measure.variants import leaving_families_out

    told, f1 = reports()
    found = {"0.5": np.full(400, 0.5), "minilm, hin, xsim": tatoeba("hin"), "minilm, cmn, xsim": tatoeba("cmn")}
    for name, report in told.items():
        found |= {
            f"{name}, xsim++": report.metrics["error"].per_item,
            f"{name}, xsim": report.metrics["xsim_error"].per_item,
        }
    for kind in ("xsim++", "xsim"):
        found[f"minilm 64 - 384, {kind}"] = found[f"minilm 64, {kind}"] - found[f"minilm 384, {kind}"]
        error = {name: float(found[f"{name}, {kind}"].mean()) for name in told}
        found[f"agreement, {kind}"] = leaving_families_out(
            lambda names, error=error: float(
                stats.spearmanr([error[n] for n in names], [1 - f1[n] for n in names]).statistic
            ),
            list(told),
        )
    task = measured()[0]
    kinds = [{copy.kind for copy in task.copies if copy.row == row} for row in range(len(task.targets))]
    both = np.array([kind >= {"number", "entity", "negation"} for kind in kinds])
    for kind in ("number", "entity", "negation"):
        found[f"minilm 384, {kind}"] = told["minilm 384"].metrics[kind].per_item[both]
    return found


def run(seed):
    """The figures of every system; nothing in them is random, so each seed gives the same."""
    return figures()
