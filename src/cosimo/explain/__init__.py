"""Why a score is what it is."""

from cosimo._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
