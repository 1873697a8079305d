"""Word lists of the opposites guard: English numbers, units, months and weekdays."""

from cosimo.guard.wording import lines, words, written_lists

_lists = written_lists("quantity_words")

ONES: str = _lists["ones"]

TENS = words(_lists["tens"])

NUMBER_WORDS = (
    {word: i for i, word in enumerate(f"{ONES} seventeen eighteen nineteen".split())}
    | {word: 10 * i for i, word in enumerate(TENS, start=2)}
    | {"dozen": 12}
)

ORDINALS = words(_lists["ordinals"])

SCALES: dict[str, float] = _lists["scales"]

PRONOUN_ONE = frozenset(words(_lists["pronoun_one"]))
"""Words before or behind "one" that show it counts nothing."""

UNITS = lines(_lists["units"])
"""Kind, size in the base unit, and perhaps where its zero lies: the words."""

MONTHS = words(_lists["months"])

WEEKDAYS = words(_lists["weekdays"])
