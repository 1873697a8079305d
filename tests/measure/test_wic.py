import numpy as np
import pytest

from cosimo.compare import Cosine
from cosimo.encode import FunctionEncoder
from cosimo.encode.words.occurrences import regular_forms, tokens_of
from cosimo.errors import DataError, ShapeError
from cosimo.measure import WordInContext, find_occurrence, pairs_of_senses, split_by_word
from cosimo.measure.tasks.words.wic import pair_features
from cosimo.space import Space

# Words of 8 uses each, with a form of their own: uses 0 to 3 have one sense, 4 to 7 another.
PAIRS = [(word, i, j) for word in range(40) for i, j in ((0, 1), (2, 3), (0, 4), (5, 2))]


def use(word, i):
    form = f"word{word}form{i}"
    return f"here is {form} .", 8, 8 + len(form)


def made(rule="threshold"):
    return WordInContext(
        [f"word{word}" for word, _, _ in PAIRS],
        [use(word, i) for word, i, _ in PAIRS],
        [use(word, j) for word, _, j in PAIRS],
        [int(i // 4 == j // 4) for _, i, j in PAIRS],
        [word < 12 for word, _, _ in PAIRS],
        rule=rule,
    )


def senses(items):
    """The direction of a form's sense, which only its number tells."""
    return [[1.0, -1.0] if item[-1] in "0123" else [-1.0, -1.0] for item in items]


EXAMPLES = [made(), made("logreg")]
ORACLES = [senses, senses]
CHANCES = [0.5, 0.5]


def noisy(items):
    """Senses in noise, the same for the same item."""
    X = np.array(senses(items))
    return np.stack(
        [x + np.random.default_rng([*item.encode()]).normal(size=2) for x, item in zip(X, items, strict=True)]
    )


def test_threshold_oracle_loop():
    task = made()
    report = task.run(FunctionEncoder(noisy))
    X = FunctionEncoder(noisy).encode([text[start:stop] for text, start, stop in (*task.a, *task.b)])
    s = Cosine().pairs(X[: len(PAIRS)], X[len(PAIRS) :]).tolist()
    learn = [(score, y) for score, y, train in zip(s, task.labels, task.train, strict=True) if train]
    right = {cut: sum((score >= cut) == y for score, y in learn) for cut in [score for score, _ in learn]}
    strictest = max(cut for cut, count in right.items() if count == max(right.values()))
    below = max(score for score, _ in learn if score < strictest)
    assert report.settings["cut"] == pytest.approx((strictest + below) / 2)
    tested = [(score, y) for score, y, train in zip(s, task.labels, task.train, strict=True) if not train]
    wanted = [float((score >= report.settings["cut"]) == y) for score, y in tested]
    np.testing.assert_array_equal(report.metrics["accuracy"].per_item, wanted)
    assert report.n == len(wanted) == 112
    assert 0.5 < report.metrics["accuracy"].value < 1
    assert (report.metrics["accuracy"].interval.unit, report.metrics["accuracy"].interval.n_units) == ("cluster", 28)


def test_regression_oracle_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    task = made("logreg")
    report = task.run(FunctionEncoder(noisy))
    learn, y = np.array(task.train), np.array(task.labels)
    sides = [np.array(noisy([text[i:j] for text, i, j in side]), np.float32) for side in (task.a, task.b)]
    A, B = (X / np.linalg.norm(X, axis=1, keepdims=True) for X in sides)
    F = np.hstack([A, B, A - B, A * B])
    np.testing.assert_allclose(pair_features(A, B), F)
    Z = (F - F[learn].mean(axis=0)) / F[learn].std(axis=0)
    found = LogisticRegression(max_iter=1000).fit(Z[learn], y[learn]).predict(Z[~learn])
    assert report.metrics["accuracy"].value == pytest.approx((found == y[~learn]).mean())


def test_the_cut_knows_nothing_of_the_tested_pairs():
    task = made()
    flipped = [y if train else 1 - y for y, train in zip(task.labels, task.train, strict=True)]
    other = WordInContext(task.words, task.a, task.b, flipped, task.train)
    first, second = (one.run(FunctionEncoder(noisy)) for one in (task, other))
    assert first.settings["cut"] == second.settings["cut"]
    assert first.metrics["accuracy"].value == pytest.approx(1 - second.metrics["accuracy"].value)
    assert task.digest != other.digest


def test_one_vector_a_word_is_chance():
    task = made()
    report = task.run(Space(FunctionEncoder(lambda words: [[1.0, -2.0] for _ in words])))
    assert report.metrics["accuracy"].value == 0.5
    assert report.metrics["roc_auc"].value == 0.5


def test_a_space_keeps_its_similarity():
    task = made()
    loud = FunctionEncoder(lambda items: np.array(senses(items)) * [[1 + 9 * (ord(item[-1]) % 2)] for item in items])
    reports = [task.run(Space(loud, similarity=name)) for name in ("cosine", "euclidean")]
    assert reports[0].metrics["accuracy"].value > reports[1].metrics["accuracy"].value


def test_words_on_both_sides_are_told():
    task = made()
    mixed = WordInContext(task.words, task.a, task.b, task.labels, [i % 4 in (0, 2) for i in range(len(PAIRS))])
    assert mixed.run(FunctionEncoder(senses)).warnings == ("40 words are both learnt from and tested",)
    assert task.run(FunctionEncoder(senses)).warnings == ()


def test_split_by_word_is_by_word_and_by_name():
    words = [f"word{i % 100}" for i in range(500)]
    learn = np.array(split_by_word(words))
    of_word = {word: {bool(x) for x, w in zip(learn, words, strict=True) if w == word} for word in words}
    assert all(len(sides) == 1 for sides in of_word.values())
    assert 0.3 <= learn.mean() <= 0.31
    order = np.random.default_rng(0).permutation(500)
    assert split_by_word([words[i] for i in order]) == learn[order].tolist()


ROWS = [
    {"word": "strike", "sentence1": "The teacher struck the child .", "sentence2": "Strikes again !", "label": 0},
    {"word": "strike", "sentence1": "A strike .", "sentence2": "They are striking .", "label": 1},
    {"word": "sea", "sentence1": "Rough seas .", "sentence2": "The Sea , the sea !", "label": 1},
    {"word": "sea", "sentence1": "A sea of blood .", "sentence2": "Sea air", "label": 0},
]


def test_read_finds_the_word():
    task = WordInContext.read(ROWS, name="few", family="wic")
    found = [text[start:stop] for side in (task.a, task.b) for text, start, stop in side]
    assert found == ["struck", "strike", "seas", "sea", "Strikes", "striking", "Sea", "Sea"]
    assert (task.words, task.labels) == (["strike", "strike", "sea", "sea"], [0, 1, 1, 0])
    assert sum(task.train) == 2
    assert WordInContext.read([row | {"n": i % 4} for i, row in enumerate(ROWS * 2)], where={"n": [0, 1, 2, 3]}).words


def test_read_refuses_a_sentence_without_the_word():
    with pytest.raises(DataError, match=r"'sea' is not found in 'A season \.'; give its place"):
        WordInContext.read([*ROWS, {"word": "sea", "sentence1": "A season .", "sentence2": "Sea", "label": 0}])
    with pytest.raises(DataError, match="must be 0 and 1, and both be there"):
        WordInContext.read([row | {"label": 2} for row in ROWS])


def official(folder, name, lines, answers):
    data, gold = folder / f"{name}.data.txt", folder / f"{name}.gold.txt"
    data.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
    gold.write_text("".join(f"{answer}\n" for answer in answers), encoding="utf-8")
    return data, gold


LINES = [
    ("sea", "N", "1-3", "Rough  seas .", "The Sea , sea !"),
    ("sea", "N", "0-0", "Sea air", "seas"),
    ("strike", "V", "2-0", "They are striking .", "Strike !"),
    ("strike", "V", "1-1", "He struck", "She struck"),
]


def test_read_official_takes_the_place_that_is_given(tmp_path):
    task = WordInContext.read_official(*official(tmp_path, "dev", LINES, "TFTF"))
    assert [text[start:stop] for text, start, stop in task.a] == ["seas", "Sea", "striking", "struck"]
    assert task.b[0] == ("The Sea , sea !", 10, 13)  # the second of the two
    assert (task.labels, task.words[0]) == ([1, 0, 1, 0], "sea")
    assert sum(task.train) == 2


def test_read_official_learns_from_the_training_files(tmp_path):
    dev, train = official(tmp_path, "dev", LINES, "TFTF"), official(tmp_path, "train", LINES[:2], "FT")
    task = WordInContext.read_official(*dev, train=train)
    assert task.train == [True] * 2 + [False] * 4
    assert task.labels == [0, 1, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("sea", "N", "1", "A sea .", "Sea"), "dev.data.txt, line 5: wanted word TAB"),
        (("sea", "N", "1-0", "A sea ."), "dev.data.txt, line 5: wanted word TAB"),
        (("sea", "N", "3-0", "A sea .", "Sea"), "line 5: the sentence has 3 words, and place 3 is not among them"),
    ],
)
def test_read_official_refuses_by_line(tmp_path, line, message):
    with pytest.raises(DataError, match=message):
        WordInContext.read_official(*official(tmp_path, "dev", [*LINES, line], "TFTFT"))


def test_read_official_refuses_other_answers(tmp_path):
    with pytest.raises(DataError, match="line 2: wanted T or F, got 'X'"):
        WordInContext.read_official(*official(tmp_path, "dev", LINES, "TXTF"))
    with pytest.raises(ShapeError, match="has 4 lines and dev"):
        WordInContext.read_official(*official(tmp_path, "dev", LINES, "TFT"))


def test_bad_tasks_are_refused():
    task = made()
    columns = [task.words, task.a, task.b, task.labels, task.train]
    with pytest.raises(ShapeError, match=r"equally long, got \[160, 160, 160, 160, 2\]"):
        WordInContext(*columns[:4], [True, False])
    with pytest.raises(DataError, match="has to test must be 0 and 1, and both be there; got none"):
        WordInContext(*columns[:4], [True] * 160)
    with pytest.raises(DataError, match="has to learn from must be 0 and 1, and both be there; got 1"):
        WordInContext(*columns[:4], [True] + [False] * 159)
    with pytest.raises(DataError, match="rule is one of threshold, logreg, got 'mlp'"):
        WordInContext(*columns, rule="mlp")


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("sea", "Seas and the sea", "sea"),
        ("go", "He went , she goes .", "goes"),
        ("cry", "She cried .", "cried"),
        ("plan", "We were planning it .", "planning"),
        ("be", "That 's it .", "'s"),
        ("be", "Were I you ...", "Were"),
        ("foot", "bare feet", "feet"),
        ("wolf", "Two wolves .", "wolves"),
        ("lie", "( lying )", "lying"),
        ("say", "He '(said)' it", "said"),
        ("art", "A start", None),
        ("strike", "strikers", None),
        ("but", "butter", None),
        ("go", "", None),
    ],
)
def test_find_occurrence(word, text, found):
    place = find_occurrence(word, text)
    assert (None if place is None else text[slice(*place)]) == found


def test_every_word_of_wic_is_found(data):
    task = WordInContext.read(data / "wic" / "wic.parquet")
    forms = {(w, text[i:j].lower()) for w, (text, i, j) in zip(task.words * 2, (*task.a, *task.b), strict=True)}
    assert len(task.words) == 4542
    assert len(forms) > 1600
    alike = [word[:2] == form[:2] or form in ("went", "'s", "am", "is", "was", "were") for word, form in forms]
    assert np.mean(alike) > 0.99
    for text in task.a[:200]:
        assert all(text[0][i:j].strip() == text[0][i:j] for i, j in tokens_of(text[0]))
    assert "planned" in regular_forms("plan")


def test_sense_pairs_are_balanced_by_word():
    rng = np.random.default_rng(0)
    words = rng.choice(["a", "b", "c", "d"], 60, p=[0.7, 0.1, 0.1, 0.1]).tolist()
    senses_ = [f"{word}{rng.integers(3)}" for word in words]
    found = pairs_of_senses(words, senses_, seed=1)
    for word, first, second, label in zip(found.words, found.first, found.second, found.labels, strict=True):
        assert words[first] == words[second] == word
        assert first != second
        assert label == (senses_[first] == senses_[second])
    for word in set(found.words):
        labels = [y for w, y in zip(found.words, found.labels, strict=True) if w == word]
        assert sum(labels) * 2 == len(labels) <= 6
    assert pairs_of_senses(words, senses_, seed=1) == found != pairs_of_senses(words, senses_, seed=2)
    assert len(pairs_of_senses(words, senses_, n=4).words) == 4


def test_senses_of_one_kind_make_no_pair():
    words, senses_ = ["a"] * 6, ["x", "x", "y", "y", "z", "z"]
    kinds = ["thing", "thing", "thing", "thing", "act", "act"]
    found = pairs_of_senses(words, senses_, kinds=kinds)
    apart = [
        (i, j) for _, i, j, label in zip(found.words, found.first, found.second, found.labels, strict=True) if not label
    ]
    assert len(apart) == 3
    assert all(kinds[i] != kinds[j] for i, j in apart)


def test_senses_without_pairs_refused():
    with pytest.raises(DataError, match="no word has both"):
        pairs_of_senses(["a", "a", "b"], ["x", "x", "y"])
    with pytest.raises(ShapeError, match="each use wants a word, a sense"):
        pairs_of_senses(["a", "a"], ["x"])
