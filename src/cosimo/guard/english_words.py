"""Word lists of the opposites guard: English negations and function words, and what tells names."""

from cosimo.guard.wording import lines, words, written_lists

_lists = written_lists("english_words")

NEGATIONS = frozenset(words(_lists["negations"]))

FAILING = frozenset(words(_lists["failing"]))
"""What denies only where "to" follows."""

NOT_NEGATED: tuple[str, ...] = tuple(_lists["not_negated"])
"""Phrases with a negation that denies nothing."""

NEGATIVE = frozenset(words(_lists["negative"]))
"""Words that deny without a negation."""

FUNCTION_WORDS = frozenset(words(_lists["function_words"]))
"""Words that carry no statement of their own."""

GERMAN = frozenset(words(_lists["german"]))
"""German words: in German every noun begins with a capital."""

TITLES = frozenset(words(_lists["titles"]))
"""Capitalised words that name nobody by themselves."""

ALIASES = lines(_lists["aliases"])
"""Names a line of which may mean one thing."""
