import math
import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, spearmanr

from contracts.collect import case
from cosimo.encode import Table
from cosimo.errors import DataError, ShapeError
from cosimo.measure import AsrNoise, Corrupted, pronounce, robustness_curve
from cosimo.measure.probes.asr_sounds import RULES, sound_costs, sound_distances, sound_rows

WORDS = ["bit", "pit", "beat", "bet", "bat", "but", "kit", "cat", "cut", "sea", "see", "elephant", "rhinoceros"]


def table(words=WORDS, d=4, seed=0):
    return Table(list(words), np.random.default_rng(seed).normal(size=(len(words), d)))


EXAMPLES = [case(AsrNoise(table(), WORDS).corrupt, ["bit the cat", "see the sea"])]


# Sounds


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("cat", "K AE T"),
        ("cats", "K AE T S"),
        ("dogs", "D AA G Z"),
        ("churches", "CH ER CH IH Z"),
        ("wanted", "W AA N T IH D"),
        ("baked", "B EY K T"),
        ("baking", "B EY K IH NG"),
        ("phone", "F OW N"),
        ("knight", "N AY T"),
        ("write", "R AY T"),
        ("queen", "K W IY N"),
        ("nation", "N EY SH AH N"),
        ("vision", "V IH ZH AH N"),
        ("picture", "P IH K CH ER"),
        ("table", "T EY B AH L"),
        ("city", "S IH T IY"),
        ("gem", "JH EH M"),
        ("get", "G EH T"),
        ("thing", "TH IH NG"),
        ("them", "DH EH M"),
        ("singing", "S IH NG IH NG"),
        ("finger", "F IH NG G ER"),
        ("bank", "B AE NG K"),
        ("me", "M IY"),
        ("my", "M AY"),
        ("happy", "HH AE P IY"),
        ("boy", "B OY"),
        ("house", "HH AW S"),
        ("grow", "G R OW"),
        ("music", "M Y UW Z IH K"),
        ("various", "V EH R IY AH S"),
        ("the", "DH AH"),
        ("People", "P IY P AH L"),
        ("boy's", "B OY Z"),
        ("boy\u2019s", "B OY Z"),
    ],
)
def test_words_as_they_are_said(word, sounds):
    assert pronounce(word) == tuple(sounds.split())


@pytest.mark.parametrize("word", ["", "42", "h", "naïve", "語", "a1"])
def test_what_is_not_spelled_in_english_has_no_sounds(word):
    assert pronounce(word) is None


def test_rules_tell_sounds_that_there_are():
    rows, _ = sound_costs()
    assert len(rows) == 39
    told = {sound for rule in RULES.split() for sound in rule.rpartition("=")[2].split(".") if sound}
    assert told <= set(rows)


def test_costs_are_a_metric_that_is_one_on_average():
    rows, costs = sound_costs()
    apart = costs[np.triu_indices(39, 1)]
    assert apart.mean() == pytest.approx(1)
    assert apart.min() > 0, "no two sounds are the same"
    np.testing.assert_array_equal(costs, costs.T)
    assert (costs[:, :, None] <= costs[:, None, :] + costs.T[None] + 1e-12).all()
    for near, far in (("B P", "B IY"), ("S Z", "S M"), ("IY IH", "IY AA"), ("AY AA", "AY M"), ("T D", "T K")):
        (a, b), (c, d) = ([rows[sound] for sound in pair.split()] for pair in (near, far))
        assert costs[a, b] < costs[c, d]


def brute_distance(a, b):
    rows, costs = sound_costs()

    @cache
    def from_end(i, j):
        if i == len(a) or j == len(b):
            return len(a) - i + len(b) - j
        return min(
            1 + from_end(i + 1, j),
            1 + from_end(i, j + 1),
            costs[rows[a[i]], rows[b[j]]] + from_end(i + 1, j + 1),
        )

    return from_end(0, 0)


def test_distances_oracle_recursion():
    rng = np.random.default_rng(0)
    names = list(sound_costs()[0])
    words = [tuple(rng.choice(names, size=rng.integers(0, 7))) for _ in range(25)]
    rows, lengths = sound_rows(words)
    for i in range(5):
        found = sound_distances(rows[i, : lengths[i]], rows, lengths)
        np.testing.assert_allclose(found, [brute_distance(words[i], other) for other in words], atol=1e-12)


def test_no_words_have_no_distances():
    rows, lengths = sound_rows([])
    assert sound_distances(np.array([0, 1]), rows, lengths).shape == (0,)


def test_unknown_sounds_are_refused():
    with pytest.raises(DataError, match=r"unknown sounds \['AH0'\]; wanted ARPAbet without stress"):
        AsrNoise(table(), WORDS, pronounce=lambda word: ["AH0"]).candidates("bit")


# Candidates


def brute_candidates(word, encoder, words, *, semantic, acoustic, max_distance):
    x = encoder.encode([word])[0].astype(float)

    def likeness(other):
        y = encoder.encode([other])[0].astype(float)
        return x @ y / np.sqrt(x @ x * (y @ y))

    near = sorted((w for w in words if w != word), key=lambda w: -likeness(w))[:semantic]
    far = {w: brute_distance(pronounce(word), pronounce(w)) for w in near}
    kept = [w for w in sorted(near, key=far.get)[:acoustic] if far[w] <= max_distance]
    if not kept:
        return {}
    sigma = sum(far[w] for w in kept) / len(kept) or 1.0
    weights = {w: math.exp(-(far[w] ** 2) / (2 * sigma**2)) for w in kept}
    return {w: weight / sum(weights.values()) for w, weight in weights.items()}


@pytest.mark.parametrize(
    "limits",
    [
        {"semantic": 1000, "acoustic": 15, "max_distance": 3.0},
        {"semantic": 6, "acoustic": 3, "max_distance": 3.0},
        {"semantic": 12, "acoustic": 5, "max_distance": 0.5},
    ],
    ids=str,
)
def test_candidates_oracle_loops(limits):
    encoder = table()
    noise = AsrNoise(encoder, WORDS, **limits)
    for word in WORDS:
        assert noise.candidates(word) == pytest.approx(brute_candidates(word, encoder, WORDS, **limits))


def test_many_words_are_looked_up_in_blocks(monkeypatch):
    from cosimo.measure.probes import asr_noise

    whole = AsrNoise(table(), WORDS).corrupt([" ".join(WORDS)], 1.0)
    monkeypatch.setattr(asr_noise, "BLOCK", 2)
    assert AsrNoise(table(), WORDS).corrupt([" ".join(WORDS)], 1.0) == whole


def test_homophones_alone_are_equally_likely():
    words = ["sea", "see", "cee"]
    found = AsrNoise(table(words), words, pronounce=lambda word: ["S", "IY"]).candidates("sea")
    assert found == {"see": 0.5, "cee": 0.5}


def test_words_without_sounds_or_vector_stay():
    noise = AsrNoise(table(), WORDS, pronounce=lambda word: None if word == "cat" else pronounce(word))
    assert noise.candidates("cat") == noise.candidates("unheard-of") == {}
    assert all("cat" not in noise.candidates(word) for word in WORDS)


# Texts


def test_texts_keep_all_but_words():
    noise = AsrNoise(table(), WORDS)
    heard = noise.corrupt(["A BIT, a Bit; (bit)\n... 42 bits\u2019 elephant!", ""], 1.0)
    pattern = r"A ([A-Z]+), a ([A-Z][a-z]+); \(([a-z]+)\)\n\.\.\. 42 bits\u2019 elephant!"
    words = [word.lower() for word in re.fullmatch(pattern, heard.texts[0]).groups()]
    assert set(words) <= set(WORDS) - {"bit"}
    assert heard.texts[1] == ""
    assert (heard.n_words, heard.reachable, heard.realised) == (8, 3 / 8, 3 / 8)


def test_each_occurrence_is_drawn_for_itself():
    heard = AsrNoise(table(), WORDS).corrupt(["bit " * 200], 0.5)
    counts = Counter(heard.texts[0].split())
    assert 60 < counts["bit"] < 140
    assert len(counts) > 4


def test_substitutes_come_as_often_as_their_probability():
    noise = AsrNoise(table(), WORDS)
    counts = Counter(noise.corrupt(["bit " * 3000], 1.0).texts[0].split())
    for word, chance in noise.candidates("bit").items():
        assert binom.ppf(1e-5, 3000, chance) <= counts[word] <= binom.isf(1e-5, 3000, chance)
    assert counts["bit"] == 0


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3, 0.5])
def test_realised_rate_is_that_of_all_words(rate):
    """Half of the words have no candidates, so that the others are replaced twice as often."""
    texts = ["bit bat stranger unknown"] * 2000
    heard = AsrNoise(table(), WORDS).corrupt(texts, rate)
    changed = sum(a != b for a, b in zip(texts[0].split() * 2000, " ".join(heard.texts).split(), strict=True))
    assert heard.realised == changed / 8000
    assert heard.realised == pytest.approx(rate, abs=0.02)
    assert (heard.rate, heard.reachable, heard.n_words) == (rate, 0.5, 8000)


def test_a_rate_out_of_reach_is_reported():
    heard = AsrNoise(table(), WORDS).corrupt(["bit stranger unknown unheard"], 0.9)
    assert (heard.realised, heard.reachable) == (0.25, 0.25)
    assert AsrNoise(table(), WORDS).corrupt(["", "..."]) == Corrupted(("", "..."), 0.3, 0.0, 0.0, 0)
    assert AsrNoise(Table(["x"], [[1.0]]), []).corrupt(["bit"]).texts == ("bit",)


def test_higher_rates_keep_the_errors_of_lower_ones():
    noise, texts = AsrNoise(table(), WORDS), [" ".join(WORDS)] * 50
    low, high = (" ".join(noise.corrupt(texts, rate, seed=4).texts).split() for rate in (0.2, 0.6))
    words = WORDS * 50
    wrong = [i for i, word in enumerate(words) if low[i] != word]
    assert wrong
    assert all(high[i] == low[i] for i in wrong)
    assert sum(a != b for a, b in zip(high, words, strict=True)) > 2 * len(wrong)


def test_seeds_choose_the_errors():
    noise, texts = AsrNoise(table(), WORDS), [" ".join(WORDS)] * 5
    one, again, other = (noise.corrupt(texts, seed=seed).texts for seed in (0, 0, 1))
    assert one == again != other


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_refused_rates(rate):
    with pytest.raises(DataError, match="a share from 0 to 1"):
        AsrNoise(table(), WORDS).corrupt(["bit"], rate)


# The curve


class Flip:
    """Replaces the last `rate` of the words by "bit"."""

    def corrupt(self, texts, rate=0.3, *, seed=0):
        wrong = round(rate * len(texts))
        return Corrupted((*texts[: len(texts) - wrong], *["bit"] * wrong), rate, wrong / len(texts), 1.0, len(texts))


def test_curve_oracle_loops():
    encoder = table(d=6)
    rng = np.random.default_rng(5)
    pairs = [tuple(rng.choice(WORDS, 2, replace=False)) for _ in range(40)]
    gold = rng.normal(size=40) + [cosine(encoder, *pair) for pair in pairs]
    curve = robustness_curve(encoder, pairs, gold=gold, noise=Flip(), rates=(0.0, 0.4))
    assert [point.rate for point in curve] == [0.0, 0.4]
    texts = [a for a, _ in pairs] + [b for _, b in pairs]
    clean = spearmanr([cosine(encoder, *pair) for pair in pairs], gold).statistic
    for point in curve:
        heard = Flip().corrupt(texts, point.rate).texts
        value = spearmanr([cosine(encoder, a, b) for a, b in zip(heard[:40], heard[40:], strict=True)], gold).statistic
        kept = np.mean([cosine(encoder, a, b) for a, b in zip(texts, heard, strict=True)])
        assert point.realised == point.rate
        assert point.spearman.value == pytest.approx(value, abs=1e-6)
        assert point.spearman.interval.low < value < point.spearman.interval.high
        assert point.similarity.value == pytest.approx(kept, abs=1e-6)
        assert point.similarity.per_item.shape == (40,)
        if point.rate:
            assert point.change.difference == pytest.approx(value - clean, abs=1e-6)
            assert point.change.interval.low < point.change.difference < point.change.interval.high
    assert curve[0].change is None


def cosine(encoder, a, b):
    x, y = encoder.encode([a, b]).astype(float)
    return x @ y / np.sqrt(x @ x * (y @ y))


def test_scores_without_an_answer_have_no_interval():
    encoder = Table(WORDS, np.ones((len(WORDS), 2)))
    pairs = [("bit", "cat"), ("cat", "but"), ("sea", "see"), ("bit", "cut")]
    point = robustness_curve(encoder, pairs, gold=[1, 2, 3, 4], noise=Flip(), rates=(0.5,))[0]
    assert math.isnan(point.spearman.value)
    assert point.spearman.interval is None
    assert point.change is None


def test_refused_curves():
    with pytest.raises(DataError, match="three pairs at least, got 2"):
        robustness_curve(table(), [("bit", "cat")] * 2, gold=[1, 2], noise=Flip())
    with pytest.raises(ShapeError, match="one score for each of 3 pairs"):
        robustness_curve(table(), [("bit", "cat")] * 3, gold=[1, 2], noise=Flip())


def read(*path):
    import pandas as pd

    return pd.read_parquet(Path(os.environ["COSIMO_DATA"]).joinpath(*path).with_suffix(".parquet"))


@cache
def counts():
    """How often each word occurs in news, captions, and all sentences of the STS sets."""
    texts = list(read("ag_news/ag_news").text)
    for name in ("stsb/stsb_en", "sts/sts2012", "sts/sts2013", "sts/sts2016", "sick/sick"):
        frame = read(name)
        texts += [*frame.sentence1, *frame.sentence2]
    return Counter(word for text in texts for word in re.findall(r"[a-z]+(?:'[a-z]+)?", str(text).lower()))


@cache
def words():
    """WordLlama's vector of every word."""
    import cosimo

    listed = sorted(counts())
    return dict(zip(listed, cosimo.Space.load("wordllama").encode(listed).astype(float), strict=True))
