r"""Texts with the small faults that people make, and parts of texts: pure functions of a text and a generator.

    typos           two neighbours swapped, or a letter left out or doubled, in one of five words, at least in one
    upper_case      all letters in upper case
    white_space     blanks doubled, and blanks around the text
    dropped_word    one word left out
    half            half of the words, in a row, from anywhere in the text

Pitfalls: a text so short that nothing changes, counted as proof of robustness: compare the result with the text.
"""

from collections.abc import Callable, Mapping

import numpy as np

Corruption = Callable[[str, np.random.Generator], str]

SHARE = 0.2
"""Words with a typo."""


def typos(text: str, rng: np.random.Generator) -> str:
    """The text with a typo in one of five words.

    >>> typos("reading", np.random.default_rng(1))
    'reaing'
    """
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if sum(map(str.isalpha, word)) > 2]
    if not long:
        return text
    count = max(1, round(SHARE * len(long)))
    for i in rng.permutation(long)[:count]:
        words[i] = _typo(words[i], rng)
    return " ".join(words)


def _typo(word: str, rng: np.random.Generator) -> str:
    """One fault inside the word; its first character stays, as most people get it right."""
    at = int(rng.integers(1, len(word) - 1)) if len(word) > 2 else 1
    fault = int(rng.integers(3))
    if fault == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if fault == 1 else word[:at] + word[at] * 2 + word[at + 1 :]


def upper_case(text: str, rng: np.random.Generator) -> str:
    """The text in upper case."""
    return text.upper()


def white_space(text: str, rng: np.random.Generator) -> str:
    """The text with twice its blanks."""
    return "  " + text.replace(" ", "  ") + " \n"


def dropped_word(text: str, rng: np.random.Generator) -> str:
    """The text without one of its words; unchanged where it has only one."""
    words = text.split()
    if len(words) < 2:
        return text
    at = int(rng.integers(len(words)))
    return " ".join(words[:at] + words[at + 1 :])


def half(text: str, rng: np.random.Generator) -> str:
    """Half of the words, in a row; unchanged where there is only one.

    >>> half("a man plays the guitar", np.random.default_rng(0))
    'the guitar'
    """
    words = text.split()
    if len(words) < 2:
        return text
    start = int(rng.integers(len(words) - len(words) // 2 + 1))
    return " ".join(words[start : start + len(words) // 2])


CORRUPTIONS: Mapping[str, Corruption] = {
    "typos": typos,
    "upper_case": upper_case,
    "white_space": white_space,
    "dropped_word": dropped_word,
}
"""The faults of `noise_robustness`, by name."""
