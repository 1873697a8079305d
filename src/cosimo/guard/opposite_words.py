"""Word lists of the opposites guard: English opposites, sides of a line parted by a slash."""

from cosimo.guard.wording import lines, words, written_lists

_lists = written_lists("opposite_words")

VERBS = lines(_lists["verbs"])

ADJECTIVES = lines(_lists["adjectives"])

NOUNS = lines(_lists["nouns"])

FIXED = lines(_lists["fixed"])
"""Words without other forms."""

PLACED = lines(_lists["placed"])
"""Words so common that they count only where the word before or behind them is the same: "log in", "log out"."""

SURE_PREFIXES = words(_lists["sure_prefixes"])

PREFIXES = (*SURE_PREFIXES, *words(_lists["unsure_prefixes"]))
"""What turns a word into its opposite; the last four also begin many words that have none."""

NO_OPPOSITES = words(_lists["no_opposites"])
"""Beginnings of words that only look as if they had such a prefix."""

DERIVED_ENDINGS = words(_lists["derived_endings"])
"""Endings of words that take in-, im-, il- or ir- to mean the opposite."""
