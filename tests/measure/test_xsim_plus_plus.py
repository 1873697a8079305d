"""xSIM++: the official margin search in a loop, near-copies that are candidates and never queries, who makes them."""

import hashlib
import re

import numpy as np
import pytest

from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import Negate, SwapEntity, SwapNumber, XSimPP, near_copies, xsim
from cosimo.measure.datasets.xsim_negation import opposites
from cosimo.measure.tasks.translation.margins import best_targets, margin_scores

PEOPLE = ["Tom", "Ann", "Ken", "Mia", "Ben", "Eva"]
CITIES = ["Oslo", "Rome", "Bonn", "Lima", "Cairo", "Paris"]
SOURCES = [f"Satz {i}" for i in range(6)]
TARGETS = [f"We met {PEOPLE[i]} in {CITIES[i]}, and {i + 2} of us can swim." for i in range(6)]
AUGMENTERS = (Negate(), SwapEntity(copies=2), SwapNumber())


def direction(text, *, dim=24):
    """A direction that belongs to a text."""
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.default_rng(list(digest)).normal(size=dim)


def oracle(texts):
    """A source is where its target is, and every other text has a direction of its own."""
    return [direction(TARGETS[SOURCES.index(text)] if text in SOURCES else text) for text in texts]


EXAMPLES = [XSimPP(SOURCES, TARGETS), XSimPP(SOURCES, TARGETS, AUGMENTERS, margin="distance", k=2)]
ORACLES = [oracle, oracle]
CHANCES = [1 / (6 + len(example.copies)) for example in EXAMPLES]


def official(A, B, margin, k):
    """The row of B that each row of A is aligned to: of its k nearest the one with the best margin."""
    A, B = (X / np.linalg.norm(X, axis=1, keepdims=True) for X in (A, B))
    S = A @ B.T
    found = []
    for i in range(len(A)):
        nearest = np.argsort(-S[i], kind="stable")[:k]
        scores = []
        for j in nearest:
            around = (np.sort(S[i])[-k:].mean() + np.sort(S[:, j])[-k:].mean()) / 2
            scores.append({"ratio": S[i, j] / around, "distance": S[i, j] - around, "absolute": S[i, j]}[margin])
        found.append(nearest[int(np.argmax(scores))])
    return np.array(found)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("more", [0, 15])
@pytest.mark.parametrize("margin", ["ratio", "distance", "absolute"])
def test_oracle_official_search(margin, more, seed):
    rng = np.random.default_rng(seed)
    B = rng.normal(size=(30 + more, 6)) + 0.5
    A = B[:30] + 0.8 * rng.normal(size=(30, 6))
    wrong = official(A, B, margin, 4) != np.arange(30)
    assert 0 < wrong.sum() < 30
    assert xsim(A, B, margin=margin) == pytest.approx(wrong.mean())


def test_targets_that_score_the_same_share_the_error():
    Q = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    assert xsim(Q, Q) == 0.0
    assert xsim(Q, np.concatenate([Q, Q[:1]])) == pytest.approx(0.25)
    assert xsim(np.ones((5, 2)), np.ones((8, 2))) == pytest.approx(7 / 8)


def test_a_quotient_of_negative_scores_does_not_turn_the_order_round():
    """Every score is negative, and so is every neighbourhood: -0.1 over -0.5 is less than -0.9 over -0.5."""
    S = np.array([[-0.1, -0.9], [-0.9, -0.1]])
    assert (np.diagonal(margin_scores(S, k=2)) > margin_scores(S, k=2)[[0, 1], [1, 0]]).all()
    np.testing.assert_array_equal(best_targets(S, k=2), np.eye(2, dtype=bool))


def test_a_far_target_in_an_empty_neighbourhood_is_not_the_best():
    S = np.array([[0.3, 0.25, 0.2], [0.9, 0.9, 0.0], [0.9, 0.9, -0.1]])
    assert np.argmax(margin_scores(S, k=2)[0]) == 2
    assert np.flatnonzero(best_targets(S, k=2)[0]).tolist() == [0]


def test_no_scores():
    assert best_targets(np.empty((0, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    ("Q", "K", "message"),
    [
        (np.ones((3, 2)), np.ones((2, 2)), "3 sources and 2 targets"),
        (np.ones((0, 2)), np.ones((2, 2)), "0 sources and 2 targets"),
        (np.ones((1, 2)), np.ones((2, 3)), "2 dimensions and keys 3"),
        ([[np.nan, 1.0]], [[1.0, 1.0]], "Q contains NaN"),
    ],
)
def test_bad_vectors_are_refused(Q, K, message):
    with pytest.raises((DataError, ShapeError), match=message):
        xsim(Q, K)


def test_unknown_margin_and_no_neighbours_are_refused():
    for task in (
        lambda **how: xsim(np.ones((1, 2)), np.ones((1, 2)), **how),
        lambda **how: XSimPP(SOURCES, TARGETS, **how),
    ):
        with pytest.raises(DataError, match="ratio, distance, absolute"):
            task(margin="difference")
        with pytest.raises(DataError, match=r"k of at least 1|k >= 1"):
            task(k=0)


@pytest.mark.parametrize("seed", range(4))
def test_oracle_loop_over_the_pool(seed):
    """Near-copies are among the candidates and in the neighbourhoods, and are not asked."""
    task = XSimPP(SOURCES, TARGETS, AUGMENTERS)
    rng = np.random.default_rng(seed)
    noise = {text: rng.normal(size=24) for text in SOURCES}

    def encode(texts):
        rows = []
        for text in texts:
            sentence = TARGETS[SOURCES.index(text)] if text in SOURCES else text
            near = next((TARGETS[copy.row] for copy in task.copies if copy.text == sentence), sentence)
            rows.append(direction(near) + 0.4 * direction(sentence) + noise.get(text, 0.0))
        return np.array(rows)

    pool = [*TARGETS, *(copy.text for copy in task.copies)]
    found = official(encode(SOURCES), encode(pool), "ratio", 4)
    kinds = {(copy.row, copy.text): copy.kind for copy in reversed(task.copies)}
    told = [kinds.get((i, pool[j]), "other") for i, j in enumerate(found) if i != j]
    assert told
    metrics = task.run(FunctionEncoder(encode)).metrics
    assert metrics["error"].value == pytest.approx(len(told) / 6)
    assert metrics["accuracy"].value == pytest.approx(1 - len(told) / 6)
    for kind in ("negation", "entity", "number", "other"):
        assert metrics[kind].value == pytest.approx(told.count(kind) / 6)
    assert metrics["xsim_error"].value == pytest.approx(
        (official(encode(SOURCES), encode(TARGETS), "ratio", 4) != np.arange(6)).mean()
    )


def test_a_near_copy_that_beats_the_sentence_it_was_made_from_is_an_error():
    """An encoder that sees no negation, and puts what it was asked for a little nearer to the negated copy."""
    task = XSimPP(SOURCES, TARGETS, [Negate()], margin="absolute")

    def encode(texts):
        plain = [TARGETS[SOURCES.index(text)] if text in SOURCES else text.replace("cannot", "can") for text in texts]
        nudge = [0.1 * (text in SOURCES or "cannot" in text) for text in texts]
        return np.array([np.append(direction(text), 10 * push) for text, push in zip(plain, nudge, strict=True)])

    metrics = task.run(FunctionEncoder(encode)).metrics
    assert metrics["xsim_error"].value == 0.0
    assert metrics["error"].value == metrics["negation"].value == 1.0


def test_an_encoder_blind_to_numbers_gets_half_of_them():
    task = XSimPP(SOURCES, TARGETS, [SwapNumber()])

    def encode(texts):
        told = [TARGETS[SOURCES.index(text)] if text in SOURCES else text for text in texts]
        return np.array([direction("".join(c for c in text if not c.isdigit())) for text in told])

    metrics = task.run(FunctionEncoder(encode)).metrics
    assert len(task.copies) == 6
    assert metrics["xsim_error"].value == 0.0
    assert metrics["error"].value == metrics["number"].value == 0.5


def test_errors_by_kind_add_up():
    metrics = (
        EXAMPLES[0].run(FunctionEncoder(lambda texts: [[len(text), text.count("n"), -1.0] for text in texts])).metrics
    )
    parts = sum(metrics[kind].per_item for kind in ("negation", "entity", "number", "other"))
    np.testing.assert_allclose(parts, metrics["error"].per_item)
    np.testing.assert_allclose(1 - metrics["accuracy"].per_item, parts)


def test_equal_targets_are_one():
    task = XSimPP([*SOURCES, "Satz 0"], [*TARGETS, TARGETS[0]], [Negate()])
    report = task.run(FunctionEncoder(oracle))
    assert report.metrics["accuracy"].value == 1.0
    assert report.settings["near_copies"] == {"negation": 6}


def test_an_augmenter_of_your_own():
    class Shout:
        kind = "shouting"

        def __call__(self, texts, *, seed=0):
            return [[text.upper()] for text in texts]

    report = XSimPP(SOURCES, TARGETS, [Shout()]).run(
        FunctionEncoder(lambda texts: [direction(t.upper()) for t in texts])
    )
    assert report.settings["near_copies"] == {"shouting": 6}
    assert list(report.metrics) == ["accuracy", "error", "xsim_error", "shouting", "other"]


def test_a_kind_that_the_report_has_already_is_refused():
    class Other:
        kind = "other"

        def __call__(self, texts, *, seed=0):
            return [[] for _ in texts]

    with pytest.raises(DataError, match="'other' is taken"):
        XSimPP(SOURCES, TARGETS, [Other()])


def test_targets_in_another_language_are_told():
    task = XSimPP(TARGETS[:3], ["ja", "nein", "vielleicht"])
    report = task.run(FunctionEncoder(lambda texts: [direction(text) for text in texts]))
    assert report.warnings == ("3 of 3 targets have no near-copy: are they in English?",)
    assert report.metrics["error"].value == report.metrics["xsim_error"].value


def test_reads_columns():
    rows = [{"src": "eins", "tgt": "one", "lang": "deu"}, {"src": "zwei", "tgt": "two", "lang": "deu"}]
    task = XSimPP.read(rows, a="src", b="tgt", where={"lang": "deu"}, name="mine")
    assert (task.sources, task.targets, task.name) == (["eins", "zwei"], ["one", "two"], "mine")


def test_bad_data_are_refused():
    with pytest.raises(ShapeError, match="got 2 and 1"):
        XSimPP(["a", "b"], ["c"])
    with pytest.raises(DataError, match="1 different targets"):
        XSimPP(["a", "b"], ["c", "c"])
    for made in (SwapEntity, SwapNumber):
        with pytest.raises(DataError, match="copies must be at least 1, got 0"):
            made(copies=0)


@pytest.mark.parametrize(
    ("text", "copies"),
    [
        ("I can swim.", ["I cannot swim."]),
        ("He can't swim.", ["He can swim."]),
        ("I won't go.", ["I will go."]),
        ("It isn\u2019t far.", ["It is far.", "It isn\u2019t close."]),
        ("She's here.", ["She's not here."]),
        ("You\u2019ll see.", ["You won\u2019t see."]),
        ("Are you there?", ["Are you not there?"]),
        ("What do you want?", ["What do you not want?"]),
        ("They left.", ["They never left."]),
        ("We never met.", ["We always met."]),
        ("Nobody knows.", ["Everybody knows."]),
        ("The house has been sold.", ["The house has not been sold."]),
        ("Not only this but that.", []),
        ("Worse still", ["Better still"]),
        ("the Big Apple", []),
        ("Tom hates it", ["Tom loves it"]),
        ("-1", []),
        ("", []),
    ],
)
def test_negation(text, copies):
    assert Negate()([text]) == [copies]


def test_opposites_are_of_the_same_form():
    known = opposites()
    assert {known[word] for word in ("big", "husband", "husbands", "buys", "upstairs")} == {
        "small",
        "wife",
        "downstairs",
        "sells",
        known["husbands"],
    }
    assert not {"left", "like", "no"} & known.keys()


def test_entities_are_swapped_for_their_like():
    texts = [
        "In Oslo we met Ann Lee.",
        "Rome is where I saw Ben Fox, in Rome of all places.",
        "Tom said that Ann Lee called Tom on Monday in May.",
        "It may be.",
        "NASA and ESA signed, as NASA said.",
        "We ask ESA.",
    ]
    names = {"Ann Lee": "Ben Fox", "Ben Fox": "Ann Lee", "Oslo": "Rome", "Rome": "Oslo", "ESA": "NASA", "NASA": "ESA"}
    for seed in range(5):
        for text, copies in zip(texts, SwapEntity(copies=20)(texts, seed=seed), strict=True):
            for copy in copies:
                allowed = {text.replace(name, other) for name, other in names.items()}
                days = any(day in copy for day in ("Tues", "Wednes", "Thurs", "Fri", "Satur", "Sun"))
                assert copy != text
                assert copy in allowed or days, copy
    assert SwapEntity()(["It rains.", ""]) == [[], []]


def test_shouted_texts_and_titles_have_no_names():
    assert SwapEntity()(["We saw Tom in Oslo.", "The Man Who Saw Tom", "HE SAW ANN IN ROME"])[1:] == [[], []]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("in 1969", r"in (19|20)\d\d"),
        ("1,000.50 m", r"[1-9],\d{3}\.\d\d m"),
        ("Three men", r"(Two|Four|Five|Six|Seven|Eight|Nine|Ten|Eleven|Twelve) men"),
        (
            "fifty million",
            r"(twenty|thirty|forty|sixty|seventy|eighty|ninety) million|fifty (thousand|billion|trillion)",
        ),
        ("at 8:30", r"at [1-9]:30"),
        ("-5 degrees", r"-[1-9] degrees"),
    ],
)
def test_numbers_keep_their_form(text, form):
    for seed in range(20):
        (copies,) = SwapNumber(copies=2)([text], seed=seed)
        assert copies
        for copy in copies:
            assert copy != text
            assert re.fullmatch(form, copy), copy


@pytest.mark.parametrize("text", ["one of us", "the 1st", "B2B", "v1.2.x", ""])
def test_what_is_no_number_stays(text):
    assert SwapNumber()([text]) == [[]]


def test_copies_are_never_one_of_the_texts_and_the_same_again():
    texts = ["It is.", "It is not.", "I saw 3 of 4."]
    assert [copy.row for copy in near_copies(texts, AUGMENTERS)] == [2, 2]
    assert near_copies(TARGETS, AUGMENTERS, seed=1) == near_copies(TARGETS, AUGMENTERS, seed=1)
    assert near_copies(TARGETS, AUGMENTERS, seed=1) != near_copies(TARGETS, AUGMENTERS, seed=2)
    assert near_copies([], AUGMENTERS) == []
