import math

import numpy as np
import pytest

from contracts.collect import case
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import STS, Retrieval, instruction_robustness, phrasing_spread, unit_values
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


EXAMPLES = [case(phrasing_spread, by_name(values()), seen=NAMES[:1])]


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
