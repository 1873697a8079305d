"""Any text as a lexical query: its words, quoted, any of which may match.

SQLite's FTS5 has a query language of its own (`AND`, `NEAR(`, `*`, `^`, column filters), so what people type must
never reach it raw. Here a query becomes `"word" OR "word" OR ...`, which BM25 ranks as a bag of words.

Pitfalls: escaping the special characters of the raw text. There is nothing to escape in a word.
"""

import re

MAX_WORDS = 64
"""Distinct words of a query that count; the rest of a longer one is left out."""

TOKENIZER = "porter unicode61 remove_diacritics 2"
"""How FTS5 cuts text: words of letters and digits, without case, accents and English endings.

BM25 over Cranfield's 225 queries reaches nDCG@10 0.353 with the endings cut and 0.330 without, over Vaswani's 93
queries 0.432 and 0.362.
"""

# Letters and digits, and the combining accents that FTS5 takes as part of a word.
WORD = re.compile("(?:[^\\W_]|[\u0300-\u0331])+")


def fts_query(text: str) -> str:
    """`text` as a query in FTS5's language, empty when it has no word at all.

    >>> fts_query("C++ AND don't")
    '"c" OR "and" OR "don" OR "t"'
    >>> fts_query("?! -1.5")
    '"1" OR "5"'
    >>> fts_query(" * ")
    ''
    """
    words: dict[str, None] = {}
    for match in WORD.finditer(text):
        words[match[0].lower()] = None
        if len(words) == MAX_WORDS:
            break
    return " OR ".join(f'"{word}"' for word in words)
