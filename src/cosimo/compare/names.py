"""Similarities by name, as configuration files, command lines and `Space(similarity=...)` give them."""

from difflib import get_close_matches

from cosimo.compare.tokens.maxsim import MaxSim
from cosimo.compare.vectors.cosine import Cosine
from cosimo.compare.vectors.dot import Dot
from cosimo.compare.vectors.euclidean import Euclidean
from cosimo.compare.vectors.hamming import Hamming
from cosimo.compare.vectors.manhattan import Manhattan
from cosimo.contracts import Similarity
from cosimo.errors import DataError

NAMED: dict[str, Similarity] = {
    made.scale: made for made in (Cosine(), Dot(), Euclidean(), Manhattan(), Hamming(), MaxSim())
}


def resolve(similarity: str | Similarity) -> Similarity:
    """The similarity of that name; a `Similarity` is returned as it is.

    >>> resolve("cosine")
    Cosine()

    Raises
    ------
    DataError
        No similarity has that name (with the closest ones), or the object is not a `Similarity`.
    """
    if isinstance(similarity, str):
        if similarity in NAMED:
            return NAMED[similarity]
        close = get_close_matches(similarity, NAMED, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"choose one of {', '.join(NAMED)}"
        raise DataError(f'there is no similarity "{similarity}"; {hint}')
    if isinstance(similarity, type):
        raise DataError(f"pass an instance, {similarity.__name__}(), not the class {similarity.__name__}")
    if not isinstance(similarity, Similarity):
        raise DataError(
            f"{type(similarity).__name__} is no similarity; pass a name ({', '.join(NAMED)}) or an object "
            "with scale, tags, __call__(Q, K) and pairs(Q, K)"
        )
    return similarity
