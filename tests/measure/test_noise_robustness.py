import numpy as np
import pytest

from assembly.toys import toy_space
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError
from cosimo.measure import noise_robustness
from cosimo.measure.probes.corruptions import CORRUPTIONS

TEXTS = [" ".join(f"word{i}of{j}" for j in range(6)) for i in range(40)]


def test_equals_the_definition():
    space = toy_space()
    report = noise_robustness(space, TEXTS, kinds=["dropped_word"], seed=5)
    rng = np.random.default_rng(5)
    faulty = [CORRUPTIONS["dropped_word"](text, rng) for text in TEXTS]
    S = space.similarity(faulty, TEXTS)
    np.testing.assert_allclose(report.metrics["dropped_word_cosine"].per_item, np.diag(S), atol=1e-6)
    best = S.max(axis=1)
    found = np.where(np.diag(S) == best, 1 / (best[:, None] == S).sum(axis=1), 0)
    np.testing.assert_allclose(report.metrics["dropped_word_found"].per_item, found, atol=1e-6)


def test_what_the_encoder_does_not_see_changes_nothing():
    report = noise_robustness(toy_space(), TEXTS, kinds=["upper_case", "white_space"])
    for estimate in report.metrics.values():
        assert estimate.value == pytest.approx(1.0)
    assert not report.warnings


def test_an_encoder_that_minds_case_is_told_of():
    def embed(texts):
        return np.stack([np.random.default_rng(list(text.encode())).normal(size=32) for text in texts])

    report = noise_robustness(FunctionEncoder(embed), TEXTS, kinds=["upper_case"])
    assert report.metrics["upper_case_found"].interval.high < 0.5
    assert "with upper case only" in report.warnings[0]


def test_texts_that_a_fault_leaves_alone_do_not_count():
    report = noise_robustness(toy_space(), ["LOUD", "quiet words"], kinds=["upper_case"])
    assert len(report.metrics["upper_case_found"].per_item) == 1
    report = noise_robustness(toy_space(), ["1", "2"], kinds=["typos"])
    assert np.isnan(report.metrics["typos_found"].value)


def test_copies_of_a_text_are_as_right_as_itself():
    report = noise_robustness(toy_space(), ["some words", "Some  words", "others"], kinds=["white_space"])
    np.testing.assert_array_equal(report.metrics["white_space_found"].per_item, [1, 1, 1])


@pytest.mark.parametrize(
    ("items", "kinds", "message"),
    [(["a"], ["typos"], "at least 2"), (TEXTS, ["thunder"], "no fault 'thunder'"), (["a", None], ["typos"], "item 1")],
)
def test_bad_input(items, kinds, message):
    with pytest.raises(DataError, match=message):
        noise_robustness(toy_space(), items, kinds=kinds)
