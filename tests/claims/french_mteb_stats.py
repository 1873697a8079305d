"""Figures that the claims of french-mteb-stats compare."""

from functools import cache

import numpy as np
from scipy.stats import spearmanr

import data
from cosimo.measure import compare_models
from cosimo.measure.studies.rank_tests import (
    family_codes,
    friedman_p,
    ranks_within,
    score_table,
)
from measure.test_french_mteb_stats import PARTIAL, table

REPETITIONS = 200


POSTHOCS = ("sign-flip", "conover", "conover-holm", "nemenyi")


def simulated(seed):
    """{system: (200,) wrong or not, or share found} on tables whose truth is known: 8 models, 12 data sets."""
    rng = np.random.default_rng(seed)
    spaced = np.arange(8) / 2  # every two models differ, neighbours by half the noise
    found = {"nominal": 0.05}
    rows = []
    for _ in range(REPETITIONS):
        noise = rng.normal(size=(3, 12, 8))
        row = {"global null, friedman": float(friedman_p(ranks_within(noise[0])) <= 0.05)}
        for posthoc in POSTHOCS:
            null, partial, apart = (
                compare_models(table(quality + block), posthoc=posthoc)
                for quality, block in zip((np.zeros(8), PARTIAL, spaced), noise, strict=True)
            )
            equal = [partial.models.index(f"model {j}") for j in range(4)]
            row[f"global null, {posthoc}"] = float(null.different.any())
            row[f"partial null, {posthoc}"] = float(partial.different[np.ix_(equal, equal)].any())
            row[f"power, {posthoc}"] = apart.different.sum() / 56
        rows.append(row)
    return found | {name: np.array([row[name] for row in rows]) for name in rows[0]}


def read(*path):

    return data.parquet(*path)


def pair_sets(rng):
    """{data set: (texts, texts, truth, whether it is of two classes)}, at most 200 pairs of each, or 400 of records."""
    sick, mrpc, men = read("sick/sick"), read("mrpc/mrpc"), read("word_similarity/word_similarity")
    men = men[men.dataset == "MEN-TR-3k"]
    sts = {f"STS {year}": read(f"sts/sts{year}") for year in (2012, 2013, 2016)} | {"STS-B": read("stsb/stsb_en")}
    graded = sts | {"SICK": sick, "MEN": men.rename(columns={"word1": "sentence1", "word2": "sentence2"})}
    named = {}
    for name, frame in (graded | {"MRPC": mrpc}).items():
        some = frame.iloc[rng.permutation(len(frame))[:200]]
        truth = some.label if name == "MRPC" else some.score
        named[name] = (list(some.sentence1), list(some.sentence2), truth.to_numpy(float), name == "MRPC")
    for name, file in (("Abt-Buy", "abt_buy"), ("DBLP-ACM", "dblp_acm")):
        frame = read(f"entity_matching/{file}")
        some = frame.iloc[rng.permutation(len(frame))[:400]]
        column = "name" if file == "abt_buy" else "title"
        named[name] = (list(some[f"left_{column}"]), list(some[f"right_{column}"]), some.label.to_numpy(float), True)
    docs, pairs = read("lee/docs").set_index("doc_id").text, read("lee/pairs")
    named["Lee"] = (list(docs[pairs.doc1]), list(docs[pairs.doc2]), pairs.score.to_numpy(), False)
    return named


def class_sets(rng):
    """{data set: (training texts, their classes, test texts, their classes)}."""
    found = {}
    for name, n in (("banking77", 1200), ("trec", 600), ("subj", 600), ("ag_news", 600)):
        frame = read(name, name)
        some = frame.iloc[rng.permutation(len(frame))[: n + 200]]
        texts, labels = [str(text) for text in some.text], some.label.to_numpy(str)
        found[name] = (texts[:n], labels[:n], texts[n:], labels[n:])
    return found


def search_sets(rng):
    """{data set: (queries, documents, gains (queries, documents))}."""
    found = {}
    docs, queries, judged = (read("cranfield", name) for name in ("docs", "queries", "qrels"))
    gains = np.zeros((len(queries), len(docs)))
    rows = {q: i for i, q in enumerate(queries.query_id)}, {d: i for i, d in enumerate(docs.doc_id)}
    gains[[rows[0][q] for q in judged.query_id], [rows[1][d] for d in judged.doc_id]] = judged.gain
    found["Cranfield"] = (list(queries.text), [str(title) for title in docs.title], gains)
    commands = read("nl2bash/nl2bash").drop_duplicates("command")
    some = commands.iloc[rng.permutation(len(commands))[:500]]
    found["NL2Bash"] = (list(some.description[:150]), list(some.command), np.eye(150, 500))
    codes, asked = read("cosqa/codes"), read("cosqa/queries")
    asked = asked.iloc[rng.permutation(len(asked))[:150]]
    others = codes[~codes.code_id.isin(asked.code_id)].iloc[:350]
    listed = [*asked.code_id.unique(), *others.code_id]
    gains = np.array([[float(code == wanted) for code in listed] for wanted in asked.code_id])
    found["CoSQA"] = (list(asked["query"]), list(codes.set_index("code_id").code[listed].str[:200]), gains)
    french = read("tatoeba/tatoeba").query("lang == 'fra'")
    found["Tatoeba"] = (list(french.sentence[:200]), list(french.english[:500]), np.eye(200, 500))
    for name, (asked, documents, gains) in found.items():
        order = rng.permutation(len(documents))  # so that documents of equal score come in no order of their own
        found[name] = (asked, [documents[i] for i in order], gains[:, order])
    return found


SETS = {f"STS {year}": "sts" for year in (2012, 2013, 2016)} | {"STS-B": "sts"}
"""Families of data sets."""


CARDS = {
    "minilm": {"dimension": 384, "parameters": 22.7e6, "tuned for similarity": True, "reads context": True},
    "minilm int8": {"dimension": 384, "parameters": 22.7e6, "tuned for similarity": True, "reads context": True},
    "minilm, first 192": {"dimension": 192, "parameters": 22.7e6, "tuned for similarity": True, "reads context": True},
    "minilm, first 96": {"dimension": 96, "parameters": 22.7e6, "tuned for similarity": True, "reads context": True},
    "minilm whitened": {"dimension": 384, "parameters": 22.7e6, "tuned for similarity": True, "reads context": True},
    "static": {"dimension": 256, "parameters": 7.8e6, "tuned for similarity": True, "reads context": False},
    "wordllama": {"dimension": 256, "parameters": 8.2e6, "tuned for similarity": True, "reads context": False},
    "wordllama, first 64": {"dimension": 64, "parameters": 2.0e6, "tuned for similarity": True, "reads context": False},
    "words": {"dimension": 3000, "parameters": 0, "tuned for similarity": False, "reads context": False},
    "words, LSA": {"dimension": 100, "parameters": 0, "tuned for similarity": False, "reads context": False},
    "letters": {"dimension": 4096, "parameters": 0, "tuned for similarity": False, "reads context": False},
    "letters, LSA": {"dimension": 100, "parameters": 0, "tuned for similarity": False, "reads context": False},
}


MODEL_FAMILIES = {name: name.split(",")[0].split()[0] for name in CARDS} | {"static": "minilm"}
"""`static` is distilled from minilm."""


@cache
def encoders():
    """Spaces that are loaded; the whitened one learnt from other texts than those it is tried on."""
    import cosimo
    from cosimo.refine import Whitening

    spaces = {name: cosimo.Space.load(name) for name in ("minilm", "static", "wordllama")}
    spaces["minilm int8"] = cosimo.Space.load("minilm", precision="int8")
    refiner = Whitening().fit(spaces["minilm"].encode(list(read("nlupp/nlupp_banking").text) + news()))
    return spaces | {"minilm whitened": cosimo.Space(spaces["minilm"].encoder, refiner=refiner)}


def news():
    """Titles of AG News, whose descriptions are a data set."""
    return [str(title) for title in read("ag_news/ag_news").title[:2000]]


def vectors(texts):
    """{model: vectors (n, d), or a sparse matrix} of all models; what is fitted is fitted on these texts."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer

    from cosimo.encode.truncation import tally

    with tally():  # a few long documents are cut, for every model that cuts
        V = {name: space.encode(texts) for name, space in encoders().items()}
    V |= {f"minilm, first {d}": V["minilm"][:, :d] for d in (192, 96)}
    V |= {"wordllama, first 64": V["wordllama"][:, :64]}
    V["words"] = TfidfVectorizer(sublinear_tf=True, max_features=3000).fit_transform(texts)
    letters = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 4), n_features=4096, alternate_sign=False)
    V["letters"] = letters.transform(texts)
    for name in ("words", "letters"):
        V[f"{name}, LSA"] = TruncatedSVD(min(100, len(texts) // 3), random_state=0).fit_transform(V[name])
    return V


def ndcg(gains, S, *, k=10):
    """Mean nDCG@k of scores S (n, m) that hardly tie."""
    top = np.take_along_axis(gains, np.argsort(-S, axis=1, kind="stable")[:, :k], axis=1)
    discounts = 1 / np.log2(np.arange(2, k + 2))
    best = -np.sort(-gains, axis=1)[:, :k] @ discounts
    return float(((top @ discounts)[best > 0] / best[best > 0]).mean())


def spearman(truth, scores):
    """0 where all scores are alike, as those of different single words without context."""
    return float(spearmanr(truth, scores).statistic) if np.ptp(scores) > 0 else 0.0


def scores_on(first, second, score):
    """{model: score} of a score of the two sides' vectors; both sides are encoded together."""
    from cosimo._arrays import unit

    texts, rows = np.unique([*first, *second], return_inverse=True)
    found = {}
    for name, V in vectors([str(text) for text in texts]).items():
        dense = V.toarray() if hasattr(V, "toarray") else V
        U = unit(dense.astype(np.float32))[rows]
        found[name] = score(U[: len(first)], U[len(first) :])
    return found


@cache
def benchmark():
    """{model: {data set: score}} of 12 models on slices of 18 data sets, the same for every seed."""
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(0)
    by_set = {}
    for name, (first, second, truth, binary) in pair_sets(rng).items():
        agree = average_precision_score if binary else spearman
        by_set[name] = scores_on(
            first, second, lambda A, B, agree=agree, truth=truth: agree(truth, (A * B).sum(axis=1))
        )
    for name, (known, classes, asked, truth) in class_sets(rng).items():

        def votes(A, B, classes=classes, truth=truth):
            nearest = classes[np.argsort(-(B @ A.T), axis=1, kind="stable")[:, :5]]
            told = [max(row, key=lambda label, row=row: list(row).count(label)) for row in nearest]
            return float(np.mean(np.array(told) == truth))

        by_set[name] = scores_on(known, asked, votes)
    for name, (queries, documents, gains) in search_sets(rng).items():
        by_set[name] = scores_on(queries, documents, lambda A, B, gains=gains: ndcg(gains, A @ B.T))
    return {model: {name: float(scores[model]) for name, scores in by_set.items()} for model in CARDS}


def strengths(ranks):
    """{trait: |Spearman|} of traits and average ranks (n, M), models in the order of CARDS."""
    quality = -ranks.mean(axis=0)
    traits = next(iter(CARDS.values()))
    return {name: abs(spearmanr([float(card[name]) for card in CARDS.values()], quality).statistic) for name in traits}


def real():
    """What is said of real models on real data sets; one figure a data set or a pair of models."""
    from claims import pseudo

    results = benchmark()
    models, sets, X = score_table(results)
    ranks = ranks_within(X, family_codes(sets, SETS)[0])
    names = [MODEL_FAMILIES[model] for model in models]
    best = names[int(np.argmin(ranks.mean(axis=0)))]
    figures = {"zero": 0.0, "beaten": np.array([float(names[int(np.argmin(row))] != best) for row in ranks])}
    for trait in strengths(ranks):
        figures[f"strength of {trait}"] = pseudo(
            lambda rows, trait=trait: strengths(ranks[rows])[trait], np.arange(len(ranks))
        )
    upper = np.triu_indices(len(models), 1)
    for posthoc in POSTHOCS:
        found = compare_models(results, posthoc=posthoc, families=SETS)
        figures[f"different, {posthoc}"] = found.different[upper].astype(float)
    return figures


def run(seed):
    """The figures of all systems; those of real models are the same for every seed."""
    return simulated(seed) | real()
