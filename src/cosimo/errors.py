"""Every error a caller may want to catch.

    CosimoError
    ├── ShapeError(ValueError)        arrays whose shapes or dimensions do not fit together
    ├── DataError(ValueError)         items, files or arguments that cannot be used as they are
    │   └── FilterError               a `where` expression that does not parse or type-check
    ├── MissingExtra(ImportError)     an optional dependency is not installed
    ├── MissingModel(LookupError)     a model was never fetched
    ├── Refused                       it could be done, and the result would not mean what it says
    │   └── PassportMismatch          vectors or scores of another space
    └── StoreError                    a collection that cannot be read or written

A message says what happened, what came, what was wanted, and how to mend it.
Estimators that are not fitted raise scikit-learn's `NotFittedError`.
"""


class CosimoError(Exception):
    """Any error raised on purpose by cosimo."""


class ShapeError(CosimoError, ValueError):
    """Arrays whose shapes or dimensions do not fit together."""


class DataError(CosimoError, ValueError):
    """Items, files or arguments that cannot be used as they are."""


class FilterError(DataError):
    """A `where` expression that does not parse or does not fit the declared fields."""


class MissingExtra(CosimoError, ImportError):
    """An optional dependency is not installed."""


class MissingModel(CosimoError, LookupError):
    """A model was never fetched to this machine."""


class Refused(CosimoError):
    """It could be computed, and the result would not mean what it says."""


class PassportMismatch(Refused):
    """Vectors or scores of one space were about to be used in another."""


class StoreError(CosimoError):
    """A collection that cannot be read or written."""
