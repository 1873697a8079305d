"""Finished jobs: what people do with scores and decisions, from a file to a file."""

from cosimo._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
