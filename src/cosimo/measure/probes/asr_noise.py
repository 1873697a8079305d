r"""Speech recognition errors, simulated: words replaced by words that sound alike and could stand there.

    C_w = of the `semantic` words nearest to w by cosine, the `acoustic` that sound most alike, distance <= max_distance
    Pr(w -> v) ~ exp(-d(w, v)^2 / (2 sigma_w^2)),  v in C_w,        sigma_w = mean distance of C_w
    every occurrence of a word is replaced with probability  min(1, rate * words / words that can be replaced)

Only substitutions are made. Words without candidates (names, numbers, strange ones) stay; the others are replaced more
often in return, so that the share of *all* words replaced is the rate, where it can be: the realised one is reported.
What errors do to an encoder is `robustness_curve`.

Symbols: w, v -> words, d -> `cosimo.measure.probes.asr_sounds.sound_distances`, cosine of the `encoder`'s vectors.
Pitfalls: one draw for all occurrences of a word in a sentence; one side of a pair left clean; the requested rate
written on the axis instead of the realised one.
Reference: Investigating the Effects of Word Substitution Errors on Sentence Embeddings, 2019,
https://arxiv.org/abs/1811.07021
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from cosimo._arrays import unit
from cosimo._random import Seed, generator
from cosimo.contracts import Encoder
from cosimo.errors import DataError
from cosimo.measure.probes.asr_sounds import pronounce as by_rules
from cosimo.measure.probes.asr_sounds import sound_distances, sound_rows
from cosimo.types import PerItem, Rows, Vectors

WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
BLOCK = 512
"""Words whose neighbours are looked for at a time."""

Pronounce = Callable[[str], Sequence[str] | None]


@dataclass(frozen=True)
class Corrupted:
    """Texts with errors, and how many.

    rate, realised
        Share of all words that was to be replaced, and that was.
    reachable
        Share of all words that have candidates: no higher rate can be had.
    """

    texts: tuple[str, ...]
    rate: float
    realised: float
    reachable: float
    n_words: int


@dataclass(frozen=True)
class _Lexicon:
    """The vocabulary: place of each word, unit vectors, and sounds."""

    places: dict[str, int]
    words: list[str]
    U: Vectors
    sounds: Rows
    lengths: Rows


@final
class AsrNoise:
    """Replaces words by others that sound alike and are near in meaning, as a speech recogniser does.

    encoder
        Gives a vector to single words: a `Table` of word vectors, or a static encoder.
    vocabulary
        The words that may be replaced, and replace others.
    pronounce
        Gives the sounds of a word in ARPAbet without stress, or None: such words are left out.
    semantic, acoustic
        Words nearest in meaning, and how many of them are kept, those that sound most alike.
    max_distance
        Between the sounds of two words; 1 is one sound replaced by any other.

    >>> from cosimo.encode import Table
    >>> words = ["bit", "pit", "beat", "elephant", "bet"]
    >>> noise = AsrNoise(Table(words, [[1, -0.1 * i] for i in range(5)]), words, acoustic=2)
    >>> noise.candidates("bit")
    {'pit': 0.5, 'beat': 0.5}
    >>> noise.corrupt(["A bit, a BIT."], rate=0.5)
    Corrupted(texts=('A pit, a BEAT.',), rate=0.5, realised=0.5, reachable=0.5, n_words=4)
    """

    def __init__(
        self,
        encoder: Encoder,
        vocabulary: Sequence[str],
        *,
        pronounce: Pronounce = by_rules,
        semantic: int = 1000,
        acoustic: int = 15,
        max_distance: float = 3.0,
    ) -> None:
        self.encoder, self.vocabulary, self.pronounce = encoder, vocabulary, pronounce
        self.semantic, self.acoustic, self.max_distance = semantic, acoustic, max_distance
        self._found: dict[str, tuple[list[str], PerItem]] = {}

    def candidates(self, word: str) -> dict[str, float]:
        """What a word may turn into, with probabilities, the likeliest first; empty where it stays what it is."""
        self._look_for({word.lower()})
        words, chances = self._found[word.lower()]
        return dict(zip(words, chances.tolist(), strict=True))

    def corrupt(self, texts: Sequence[str], rate: float = 0.3, *, seed: Seed = 0) -> Corrupted:
        """The texts with a share `rate` of all their words replaced, or as many as can be.

        With one seed, a higher rate keeps the errors of a lower one and adds others.

        Raises
        ------
        DataError
            A rate outside of 0 to 1.
        """
        if not 0 <= rate <= 1:
            raise DataError(f"rate is a share from 0 to 1, got {rate}")
        matches = [list(WORD.finditer(text)) for text in texts]
        self._look_for({match[0].lower() for row in matches for match in row})
        n_words = sum(map(len, matches))
        open_to = sum(len(self._found[match[0].lower()][0]) > 0 for row in matches for match in row)
        chance = min(1.0, rate * n_words / max(open_to, 1))
        rng = generator(seed)
        draws = iter(rng.random((n_words, 2)).tolist())
        written, replaced = [], 0
        for text, row in zip(texts, matches, strict=True):
            pieces, end = [], 0
            for match in row:
                hit, which = next(draws)
                words, chances = self._found[match[0].lower()]
                if words and hit < chance:
                    heard = words[min(int(np.searchsorted(chances.cumsum(), which, side="right")), len(words) - 1)]
                    pieces += [text[end : match.start()], _in_case_of(match[0], heard)]
                    end, replaced = match.end(), replaced + 1
            written.append("".join((*pieces, text[end:])))
        share = max(n_words, 1)
        return Corrupted(tuple(written), rate, replaced / share, open_to / share, n_words)

    @cached_property
    def _lexicon(self) -> _Lexicon:
        spoken = {word: self.pronounce(word) for word in dict.fromkeys(map(str.lower, self.vocabulary))}
        words = [word for word, sounds in spoken.items() if sounds]
        sounds, lengths = sound_rows([sounds for sounds in spoken.values() if sounds])
        U = unit(self.encoder.encode(words)) if words else np.empty((0, 0), np.float32)
        return _Lexicon({word: i for i, word in enumerate(words)}, words, U, sounds, lengths)

    def _look_for(self, words: set[str]) -> None:
        """Find the candidates of words that were not met before."""
        known, new = self._lexicon, sorted(words - set(self._found))
        self._found |= {word: ([], np.empty(0)) for word in new}
        places = [known.places[word] for word in new if word in known.places]
        for start in range(0, len(places), BLOCK):
            block = places[start : start + BLOCK]
            for place, scores in zip(block, known.U[block] @ known.U.T, strict=True):
                self._found[known.words[place]] = self._of(place, scores)

    def _of(self, place: int, scores: PerItem) -> tuple[list[str], PerItem]:
        """The candidates of the word at a place and their probabilities, from its cosines with all words."""
        known = self._lexicon
        scores = scores.copy()
        scores[place] = -np.inf
        near = np.argsort(-scores, kind="stable")[: min(self.semantic, len(scores) - 1)]
        own = known.sounds[place, : known.lengths[place]]
        distances = sound_distances(own, known.sounds[near], known.lengths[near])
        kept = np.argsort(distances, kind="stable")[: self.acoustic]
        kept = kept[distances[kept] <= self.max_distance]
        if not len(kept):
            return [], np.empty(0)
        sigma = float(distances[kept].mean())
        weights = np.exp(-((distances[kept] / sigma) ** 2) / 2) if sigma > 0 else np.ones(len(kept))
        return [known.words[i] for i in near[kept]], weights / weights.sum()


def _in_case_of(word: str, heard: str) -> str:
    """`heard` with the capitals of `word`."""
    if word.isupper() and len(word) > 1:
        return heard.upper()
    return heard.capitalize() if word[0].isupper() else heard
