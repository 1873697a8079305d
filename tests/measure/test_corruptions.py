import difflib

import numpy as np
import pytest

from cosimo.measure.probes.corruptions import CORRUPTIONS, dropped_word, typos, upper_case, white_space

TEXT = "the quick brown fox jumps over the lazy dog while nobody looks at it"


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_typo_is_one_fault_in_one_word_of_five(rng):
    for _ in range(200):
        faulty = typos(TEXT, rng)
        changed = [(a, b) for a, b in zip(TEXT.split(), faulty.split(), strict=True) if a != b]
        assert 1 <= len(changed) <= 3
        for a, b in changed:
            assert a[0] == b[0]
            assert abs(len(a) - len(b)) <= 1
            assert difflib.SequenceMatcher(None, a, b).ratio() > 0.6


def test_every_kind_of_typo_comes(rng):
    made = {typos("reading", rng) for _ in range(300)}
    assert {"raeding", "reding", "reeading"} <= made


def test_the_others(rng):
    assert upper_case("aß", rng) == "ASS"
    assert white_space("a b", rng).split() == ["a", "b"]
    words = TEXT.split()
    for _ in range(20):
        kept = dropped_word(TEXT, rng).split()
        assert len(kept) == len(words) - 1
        assert any(words[:i] + words[i + 1 :] == kept for i in range(len(words)))


@pytest.mark.parametrize("text", ["", "a", "42 17", "שלום 🦊", "\n"])
def test_any_text_survives(rng, text):
    for corrupt in CORRUPTIONS.values():
        assert isinstance(corrupt(text, rng), str)
    assert dropped_word("one", rng) == "one"
    assert typos("42 17", rng) == "42 17"
