"""The formats of others, in and out: tables, files of vectors, TREC, BEIR."""

from cosimo._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
