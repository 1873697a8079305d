r"""Near-copies that say the contrary: a negation put in or taken out, or a word swapped for its opposite.

    "I can swim"   ->  "I cannot swim"           "It isn't far"  ->  "It is far"
    "They left"    ->  "They never left"         "a big house"   ->  "a small house"

Two tables of patterns, of which the first that fits is used, and the word lists of the opposites guard. There is no
parser: some sentences get no copy, and one may be clumsy English.

Pitfalls: a negation taken out that denies nothing ("not only").
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, final

from cosimo._random import Seed
from cosimo.guard.english_words import NOT_NEGATED
from cosimo.guard.opposite_words import ADJECTIVES, FIXED, NOUNS, VERBS
from cosimo.guard.wording import words

WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")

PERSON = "(?:I|[Yy]ou|[Hh]e|[Ss]he|[Ii]t|[Ww]e|[Tt]hey)"
SUBJECT = f"(?:{PERSON}|[Tt]his|[Tt]hat|[Tt]here)"
AUXILIARY = "am|is|are|was|were|could|will|would|should|must|may|might"
ASKING = r"^|\b(?i:wh\w+|how(?: \w+)?) "

AFFIRMING = (
    (r"\b([Cc]an)(?:not|'t)\b", r"\1"),
    (r"\b([Ww])on't\b", r"\1ill"),
    (r"\b((?i:is|are|was|were|do|does|did|has|have|had|could|would|should|must|need))n't\b", r"\1"),
    (r"(?<=\w) not\b", ""),
    (r"\bnever\b", "always"),
    (r"\bno(?=body\b|thing\b|where\b)", "every"),
    (r"\bNo(?=body\b|thing\b|where\b)", "Every"),
    (r"\bwithout\b", "with"),
)
"""What takes a negation out."""

DENYING = (
    (rf"\b({SUBJECT})'(m|re|s)\b", r"\1'\2 not"),
    (rf"\b({SUBJECT})'ll\b", r"\1 won't"),
    (rf"\b({SUBJECT})'ve\b", r"\1 haven't"),
    (rf"({ASKING})((?i:{AUXILIARY}|can|did|do|does) {SUBJECT})\b", r"\1\2 not"),
    (r"(?<=\w )can\b", "cannot"),
    (rf"(?<=\w )({AUXILIARY})\b", r"\1 not"),
    (r"(?<=\w )(has|have|had) (?=been\b|\w+ed\b|\w+en\b)", r"\1 not "),
    (rf"((?:^|[,;] |\b(?:that|because|if|when|and|but) ){PERSON} )(?=[a-z])", r"\1never "),
    (r"\bsaid\b", "did not say"),
)
"""What puts one in."""

AMBIGUOUS = frozenset(
    words(
        """
        he him she for against on off over under left right back front like light hard kind past close near present
        object pass last lie spring fall lower contract break lead live mean free well man men wife wives fast save
        love may major minor current few following next time even start fire no yes attack support
        """
    )
)
"""Listed words that are often something else than the one that has the opposite."""


@final
@dataclass(frozen=True)
class Negate:
    """Says the contrary of each text: by a negation, and by the opposite of each of its words that has one.

    >>> Negate()(["He can't see the big dog.", "Pull it.", "-5"])
    [['He can see the big dog.', "He can't see the small dog."], ['Push it.'], []]
    """

    kind: ClassVar[str] = "negation"

    def __call__(self, texts: Sequence[str], *, seed: Seed = 0) -> list[list[str]]:
        """Copies of each text; `seed` changes nothing."""
        return [[*_denied(text), *_opposed(text)] for text in texts]


def _denied(text: str) -> list[str]:
    """The text with one negation less, or with one where it has none."""
    if any(f" {phrase} " in f" {text.lower()} " for phrase in NOT_NEGATED):
        return []
    straight = text.replace("\u2019", "'")
    for pattern, instead in (*AFFIRMING, *DENYING):
        changed = re.sub(pattern, instead, straight, count=1)
        if changed != straight:
            return [changed if straight == text else changed.replace("'", "\u2019")]
    return []


def _opposed(text: str) -> Iterator[str]:
    """The text with one of its words swapped for its opposite, once for each that has one."""
    for match in WORD.finditer(text):
        named = match[0][0].isupper() and match.start() > 0
        other = None if named else opposites().get(match[0].lower())
        if other is not None:
            yield text[: match.start()] + cased(other, match[0]) + text[match.end() :]


@cache
def opposites() -> dict[str, str]:
    """Words to their opposites: of a line of the lists the word in the same place behind the slash, of verbs the first.

    >>> opposites()["worse"], opposites()["buys"]
    ('better', 'sells')
    """
    found: dict[str, str] = {}
    for lines in (ADJECTIVES, FIXED, NOUNS, VERBS):
        for line in lines.strip().splitlines():
            sides = [words(side)[: 1 if lines is VERBS else None] for side in line.split("/")]
            for side, following in zip(sides, (*sides[1:], sides[0]), strict=True):
                for j, word in enumerate(side):
                    other = following[min(j, len(following) - 1)]
                    found.setdefault(word, other)
                    if lines in (NOUNS, VERBS):
                        found.setdefault(_with_s(word), _with_s(other))
    return {word: other for word, other in found.items() if word not in AMBIGUOUS}


def cased(word: str, like: str) -> str:
    """The word with a capital where `like` has one.

    >>> cased("small", "Big")
    'Small'
    """
    return word.capitalize() if like[0].isupper() else word


def _with_s(word: str) -> str:
    if word.endswith("y") and word[-2] not in "aeou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{word}s"
