"""Embedding similarity you can act on: from raw items to a decision with a stated guarantee.

Importing cosimo loads none of its dependencies; every public name is loaded when it is first used.
"""

from cosimo._lazy import attach

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = attach(__name__, __file__)
