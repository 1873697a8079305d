"""Numbers about encoders, spaces and answers, with what is needed to make them again."""

from cosimo._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
