"""Every error a caller may want to catch.

    CosimoError
    ├── ShapeError(ValueError)        arrays whose shapes or dimensions do not fit together
    ├── DataError(ValueError)         items, files or arguments that cannot be used as they are
    │   └── FilterError               a `where` expression that does not parse or type-check
    ├── MissingExtra(ImportError)     an optional dependency is not installed
    ├── MissingModel(LookupError)     a model was never fetched
    ├── Refused                       it could be done, and the result would not mean what it says
    │   ├── PassportMismatch          vectors or scores of another space
    │   ├── ScaleMismatch             scores, or decisions, of another kind than the rule was made for
    │   ├── GuaranteeVoid             what a guarantee was tied to is no longer so
    │   └── NotEnoughLabels           the labels cannot carry the promise
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


class ScaleMismatch(Refused):
    """Scores of one scale or unit were about to be judged by a rule made for another."""


class GuaranteeVoid(Refused):
    """A rule was about to be used where its guarantee no longer holds."""


class NotEnoughLabels(Refused):
    """The labels cannot carry the promise that was asked for.

    minimum
        Units (pairs, or clusters) that must be accepted before the promise can hold at all, without any error.
    estimate
        Further labels that would probably do, None where no number can be given.
    reachable
        Whether more labels would help; otherwise only a better score, or a lower target, will.
    """

    def __init__(self, message: str, *, minimum: int, estimate: int | None, reachable: bool) -> None:
        super().__init__(message)
        self.minimum, self.estimate, self.reachable = minimum, estimate, reachable


class StoreError(CosimoError):
    """A collection that cannot be read or written."""
