"""The best of many: indexes, stages and stores."""

from cosimo._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
