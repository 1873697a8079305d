"""Scores to decisions with a stated guarantee."""

from cosimo._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
