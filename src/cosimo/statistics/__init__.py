"""Bounds, intervals, resampling and tests; everything that prints a number uses them.

Modules import scipy inside their functions: what a search needs at serving time needs numpy alone.
"""

from cosimo._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
