import math
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cosimo.encode import FunctionEncoder, load_encoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import STS, Classification, Retrieval, instruction_robustness, phrasing_spread, unit_values
from cosimo.space import Space
from cosimo.statistics import compare_paired, mean_interval, rank_sets

NAMES = ["plain: ", "please: ", "kindly: ", "now: "]


def values(n=50, seed=0, spread=0.3):
    """(n, 4) right or wrong answers, the phrasings from good to bad."""
    rng = np.random.default_rng(seed)
    ease = (rng.uniform(size=(n, 1)) + rng.uniform(size=(n, 4))) / 2
    return (ease > np.linspace(0.3, 0.3 + spread, 4)).astype(float)


def by_name(X):
    return dict(zip(NAMES, X.T, strict=True))


def test_spread_oracle_loop():
    X = values()
    n, count = X.shape
    report = phrasing_spread(by_name(X), seen=NAMES[:1])
    rows = X.tolist()
    means = [sum(row[p] for row in rows) / n for p in range(count)]
    whole = sum(means) / count
    assert [report.phrasings[name].value for name in NAMES] == pytest.approx(means)
    assert report.mean.value == pytest.approx(whole)
    assert report.sd.value == pytest.approx(math.sqrt(sum((m - whole) ** 2 for m in means) / (count - 1)))
    rest = [row[p] - sum(row) / count - means[p] + whole for row in rows for p in range(count)]
    assert report.noise == pytest.approx(math.sqrt(sum(e * e for e in rest) / (n * (n - 1) * (count - 1))))
    assert (report.worst, report.best) == (NAMES[int(np.argmin(means))], NAMES[int(np.argmax(means))])
    without = [np.delete(X, i, axis=0).mean(axis=0).std(ddof=1) for i in range(n)]
    error = math.sqrt((n - 1) / n * sum((x - np.mean(without)) ** 2 for x in without))
    assert report.sd.interval.high - report.sd.value == pytest.approx(2.0096 * error, rel=1e-3)


def test_intervals_and_ranks_are_those_of_the_statistics():
    X = values()
    report = phrasing_spread(by_name(X), seen=NAMES[:2], level=0.9, seed=3)
    wanted = compare_paired(X[:, :2].mean(axis=1), X[:, 2:].mean(axis=1), bounds=None, level=0.9, seed=3)
    assert report.gap == wanted
    assert report.gap.difference > 0
    assert report.mean.interval == mean_interval(X.mean(axis=1), bounds=None, level=0.9, unit="unit")
    np.testing.assert_array_equal(report.ranks.beats, rank_sets(X, level=0.9, seed=3).beats)


def test_noise_is_the_spread_of_equally_good_phrasings():
    """Over 2,000 sets of answers: the mean of sd^2 is that of noise^2 where phrasings are equal, and more where not."""
    squares = {}
    for spread in (0.0, 0.3):
        found = [phrasing_sd(values(40, seed, spread)) for seed in range(2000)]
        squares[spread] = np.array(found) ** 2
    equal = squares[0.0][:, 0] - squares[0.0][:, 1]
    assert abs(equal.mean()) < 4 * equal.std() / math.sqrt(2000)
    assert squares[0.3][:, 0].mean() > 3 * squares[0.3][:, 1].mean()


def phrasing_sd(X):
    from cosimo.measure.probes.instruction_robustness import _noise

    return X.mean(axis=0).std(ddof=1), _noise(X)


def test_phrasings_that_change_nothing():
    X = np.repeat(values()[:, :1], 4, axis=1)
    report = phrasing_spread(by_name(X), seen=NAMES[:1])
    assert (report.sd.value, report.sd.interval, report.noise) == (0.0, None, 0.0)
    assert (report.gap.difference, report.gap.p_value) == (0.0, 1.0)
    assert report.ranks.top.all()
    constant = phrasing_spread(by_name(np.ones((5, 4))))
    assert (constant.mean.value, constant.mean.interval, constant.gap) == (1.0, None, None)


def test_said_in_words():
    told = str(phrasing_spread(by_name(values()), seen=NAMES[:1]))
    assert told.startswith("4 phrasings on 50 units: mean 0.")
    assert "worst 0." in told
    assert "of 4 phrasings may be the best" in told
    assert "seen less novel phrasings: +0." in told


def test_bad_values():
    X = by_name(values())
    with pytest.raises(DataError, match="two different phrasings at least, got 1 in 1"):
        phrasing_spread({"a": [1.0, 0.0]})
    with pytest.raises(DataError, match="the seen phrasing 'never' is not among those"):
        phrasing_spread(X, seen=["never"])
    with pytest.raises(ShapeError, match=r"the same units, two at least, got \[3, 50\]"):
        phrasing_spread(X | {"short": [1.0, 0.0, 1.0]})
    with pytest.raises(ShapeError, match=r"two at least, got \[1\]"):
        phrasing_spread({"a": [1.0], "b": [0.0]})
    with pytest.raises(DataError, match="the values of 'bad' contains NaN"):
        phrasing_spread(X | {"bad": [math.nan] * 50})


VOWELS = "aeiou"


def vowels(texts):
    return [[text.count(letter) - 0.5 for letter in VOWELS] for text in texts]


def sts():
    rng = np.random.default_rng(1)
    a, b = (["".join(rng.choice(list(VOWELS), 6)) for _ in range(40)] for _ in range(2))
    return STS(a, b, [float(i % 6) for i in range(40)])


def test_encoder_oracle_by_hand():
    """The task run on texts that carry the prompt already."""
    task = sts()
    report = instruction_robustness(FunctionEncoder(vowels), task, ["", "aaa: ", "ui "], seen=[""])
    for phrasing in ("", "aaa: ", "ui "):
        prompted = STS([phrasing + a for a in task.a], [phrasing + b for b in task.b], task.scores)
        found = prompted.run(FunctionEncoder(vowels))
        assert report.phrasings[phrasing].value == pytest.approx(found.metrics["spearman"].value)
        truth, pred = found.answers["spearman"]
        units = unit_values(task.metrics["spearman"], truth, pred, clusters=found.clusters)
        np.testing.assert_allclose(report.values[:, list(report.phrasings).index(phrasing)], units)
    other = instruction_robustness(FunctionEncoder(vowels), task, ["", "aaa: "], metric="pearson")
    plain = task.run(FunctionEncoder(vowels))
    assert other.phrasings[""].value == pytest.approx(plain.metrics["pearson"].value)


def test_only_one_side_is_prompted():
    seen = []

    def spy(texts):
        seen.extend(texts)
        return vowels(texts)

    task = Retrieval({"d1": "aa", "d2": "uu"}, {"q1": "ax", "q2": "ux"}, {"q1": {"d1": 1}, "q2": {"d2": 1}})
    encoder = FunctionEncoder(spy, query=spy, dim=5)
    seen.clear()
    instruction_robustness(encoder, task, ["find: ", "query: "], side="query")
    texts = [text for text in seen if len(text) < 12]
    assert {"aa", "uu", "find: ax", "find: ux", "query: ax", "query: ux"} <= set(texts)
    assert not {"find: aa", "query: aa", "ax"} & set(texts)


def test_spaces_keep_refiner_and_similarity_and_have_their_own_passports():
    from cosimo.refine import Truncate

    task, space = sts(), Space(FunctionEncoder(vowels), refiner=Truncate(2), similarity="euclidean")
    report = instruction_robustness(space, task, ["", "aaa: "])
    assert report.phrasings[""].value == pytest.approx(task.run(space).metrics["spearman"].value)

    from cosimo.measure.probes.instruction_robustness import _Prompted

    passports = [_Prompted(FunctionEncoder(vowels), prompt, None).passport for prompt in ("", "aaa: ")]
    assert not passports[0].compare(passports[1])
    assert passports[0].dim == 5


def test_bad_arguments():
    encoder, task = FunctionEncoder(vowels), sts()
    with pytest.raises(DataError, match="two different phrasings at least, got 1 in 2"):
        instruction_robustness(encoder, task, ["a", "a"])
    with pytest.raises(DataError, match="wrap one text"):
        instruction_robustness(encoder, task, "query: ")
    with pytest.raises(DataError, match="sts has no metric 'map'; it has spearman, pearson"):
        instruction_robustness(encoder, task, ["a", "b"], metric="map")
    with pytest.raises(DataError, match="seen phrasing 'c'"):
        instruction_robustness(encoder, task, ["a", "b"], seen=["c"])
    with pytest.raises(DataError, match="a task asks a Space or an Encoder"):
        instruction_robustness("minilm", task, ["a", "b"])


# What follows measures the claims of the row.

OF_INTENTS = [
    "query: ",
    "Intent of this message: ",
    "What does the customer want? ",
    "A customer of a bank asks: ",
    "Represent this banking question for finding its intent: ",
    "Classify the request of a customer: ",
    "Customer support message: ",
    "Question to the bank: ",
    "Find messages with the same intent: ",
    "Which service does this customer need? ",
    "The following message was sent to a bank. ",
    "User: ",
]
OF_SENTENCES = [
    "sentence: ",
    "Sentence: ",
    "Represent the meaning of this sentence: ",
    "Represent this sentence for judging similarity: ",
    "What does this sentence mean? ",
    "The meaning of the following sentence: ",
    "Text to compare: ",
    "Find sentences that mean the same: ",
    "Encode this sentence: ",
    "Compare by meaning: ",
    "This sentence says: ",
    "text: ",
]
OF_SEARCH = [
    "query: ",
    "Query: ",
    "Represent this question for finding relevant abstracts: ",
    "Which papers answer this question? ",
    "Find abstracts about: ",
    "Question of an aeronautical engineer: ",
    "Search request: ",
    "Retrieve documents that answer: ",
    "I am looking for research on this question: ",
    "Given this question, find relevant papers: ",
    "Literature search: ",
    "Relevant to the question: ",
]
OF_TOPICS = [
    "What is the topic of this news headline: World, Sports, Business or Technology?",
    "Classify this headline as World, Sports, Business or Technology.",
    "Which section does this headline belong to? Choose World, Sports, Business or Technology.",
    "Choose the category of the news below from World, Sports, Business and Technology.",
    "Is this headline about World, Sports, Business or Technology?",
    "You are an editor. Assign this headline to World, Sports, Business or Technology.",
    "Pick one label, World, Sports, Business or Technology, for the following headline.",
    "Read the headline and name its subject (World, Sports, Business, Technology).",
    "News desk: World, Sports, Business, Technology. Where does this headline go?",
    "Label the headline with one of these topics: World, Sports, Business, Technology.",
]
TOPICS = {"World": "World", "Sports": "Sports", "Business": "Business", "Sci/Tech": "Technology"}


def remembering(encoder):
    """The encoder, which encodes a text once: documents are the same under all prompts."""
    known = {}

    def encode(texts):
        new = list(dict.fromkeys(text for text in texts if text not in known))
        if new:
            known.update(zip(new, encoder.encode(new), strict=True))
        return np.stack([known[text] for text in texts])

    return FunctionEncoder(encode, query=encode, dim=encoder.dim)


def tasks(folder):
    """Each task with its phrasings, the side that gets them, and its metric."""
    import pandas as pd

    table = pd.read_parquet(folder / "banking77" / "banking77.parquet").sample(frac=1, random_state=0)
    few = table.groupby(["split", "label"]).head(10)
    train, test = (few[few.split == split] for split in ("train", "test"))
    sides = [list(column) for column in (train.text, train.label, test.text, test.label)]
    parts = [folder / "cranfield" / f"{name}.parquet" for name in ("docs", "queries", "qrels")]
    search = Retrieval.read_tables(*parts, columns={"relevance": "gain"})
    pairs = STS.read(folder / "stsb" / "stsb_en.parquet", where={"split": "test"})
    return {
        "banking77": (Classification(*sides, repeats=1, samples_per_label=2), OF_INTENTS, None, "knn"),
        "stsb": (pairs, OF_SENTENCES, None, "spearman"),
        "cranfield": (search, OF_SEARCH, "query", "ndcg@10"),
    }


def zero_shot(n=150):
    """Phrasing -> (n,) whether SmolLM2-135M-Instruct finds the topic's name likelier than all others."""
    import pandas as pd
    import torch

    from models import smollm2

    table = pd.read_parquet(Path(os.environ["COSIMO_DATA"]) / "ag_news" / "ag_news.parquet").query("split == 'test'")
    model, tokenizer = smollm2().model, smollm2().tokenizer
    labels = [tokenizer(name, add_special_tokens=False).input_ids for name in TOPICS.values()]
    assert {len(ids) for ids in labels} == {1}  # so the likelihood of a name is that of its one token
    truth = [list(TOPICS).index(label) for label in table.label[:n]]
    found = {}
    for phrasing in OF_TOPICS:
        asked = [f"{phrasing}\n\n{title}" for title in table.title[:n]]
        chats = [[{"role": "user", "content": text}] for text in asked]
        texts = [tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in chats]
        chosen = []
        for start in range(0, n, 15):
            batch = tokenizer(
                texts[start : start + 15],
                return_tensors="pt",
                add_special_tokens=False,
                padding=True,
                padding_side="right",
            )
            last = batch["attention_mask"].sum(dim=1) - 1  # what follows it is padding, which it does not see
            with torch.inference_mode():
                states = model.model(**batch).last_hidden_state[torch.arange(len(last)), last]
                chosen += model.lm_head(states)[:, [token for (token,) in labels]].argmax(dim=1).tolist()
        found[phrasing] = [float(pred == label) for pred, label in zip(chosen, truth, strict=True)]
    return found


def figures(name, report):
    """Units (n,) x 100 of what the claims compare."""
    from claims import pseudo

    X = 100 * report.values
    rows = np.arange(len(X))
    found = {
        f"{name}, spread": pseudo(lambda i: phrasing_sd(X[i])[0], rows),
        f"{name}, spread of equals": pseudo(lambda i: phrasing_sd(X[i])[1], rows),
    }
    if "" in report.phrasings:
        novel = np.array(list(report.phrasings)) != ""
        found[f"{name}, no prompt"] = X[:, ~novel].mean(axis=1)
        found[f"{name}, prompted"] = X[:, novel].mean(axis=1)
    return found


@cache
def measured():
    """Units of every task."""
    encoder, found = remembering(load_encoder("minilm")), {"none": np.zeros(1)}
    for name, (task, phrasings, side, metric) in tasks(Path(os.environ["COSIMO_DATA"])).items():
        report = instruction_robustness(encoder, task, ["", *phrasings], seen=[""], side=side, metric=metric)
        found |= figures(name, report)
    return found | figures("ag_news", phrasing_spread(zero_shot()))


def run(seed):
    """The figures of every system; nothing in them is random, so each seed gives the same."""
    return measured()
