"""A space as a model of MTEB: what `mteb.evaluate` wants of an encoder, and nothing of mteb until it asks.

    encode                batches of texts -> vectors; mteb's query or document is our role
    similarity, _pairwise the space's own
    mteb_model_meta       a name, and the space's passport as the revision

Pitfalls: the side of an asymmetric search not handed on, so that prompts are missing; another refiner or
precision under the same name and revision, so that cached results of one space are taken for those of another.
Reference: Muennighoff et al. 2023, MTEB: Massive Text Embedding Benchmark, https://arxiv.org/abs/2210.07316
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import PurePath
from typing import Any, final

import numpy as np

from cosimo._extras import need
from cosimo.errors import DataError
from cosimo.space import Space
from cosimo.types import PerItem, Role, Scores, Vectors


@final
class MtebEncoder:
    """A space that `mteb.evaluate` takes for a model; needs the extra `bench`.

    space
        Encodes texts; how its scores are made goes along.

    >>> from cosimo.encode import FunctionEncoder
    >>> model = MtebEncoder(Space(FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])))
    >>> model.encode([{"text": ["a", "ab"]}, {"text": ["abc"]}], task_metadata=None, hf_split="test", hf_subset="en")
    array([[ 1., -1.],
           [ 2., -1.],
           [ 3., -1.]], dtype=float32)
    """

    def __init__(self, space: Space) -> None:
        self.space = space

    @cached_property
    def mteb_model_meta(self) -> Any:
        """Name, revision, dimensions and similarity as a `mteb.ModelMeta`; what is not known is empty.

        Raises
        ------
        MissingExtra
            mteb is not installed.
        """
        described = need("mteb.models.model_meta", extra="bench")
        passport, scale = self.space.passport, self.space.similarity_function.scale
        known = {function.value: function for function in described.ScoringFunction}
        return described.ModelMeta.create_empty(
            {
                "name": f"cosimo/{PurePath(passport.name).name}",
                "revision": passport.key,
                "embed_dim": self.space.dim,
                "similarity_fn_name": known.get(scale, described.ScoringFunction.CUSTOM),
            }
        )

    def encode(
        self,
        inputs: Iterable[Mapping[str, Any]],
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        prompt_type: Any = None,
        batch_size: int | None = None,
        show_progress_bar: bool = False,
        precision: str | None = None,
    ) -> Vectors:
        """(n, d) vectors of the texts of all batches.

        inputs
            Batches with their texts under `text`, as mteb's DataLoader gives them.
        task_metadata, hf_split, hf_subset
            What is being evaluated; a space encodes alike for all tasks.
        prompt_type
            Query or document, which becomes the role; None where the sides are alike.
        precision
            A space has its own: anything but `float32` is refused.

        Raises
        ------
        DataError
            Batches without texts, or a precision.
        """
        if precision not in (None, "float32"):
            raise DataError(
                f"mteb asks for precision {precision!r}; a space is loaded with its own: cosimo.Space.load(...)"
            )
        texts: list[str] = []
        for batch in inputs:
            texts += _texts(batch)
        role: Role | None = getattr(prompt_type, "value", prompt_type)
        return self.space.encode(texts, role=role, batch_size=batch_size, progress=show_progress_bar)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Scores:
        """(n, m) scores of every vector of one side against every vector of the other."""
        return self.space.similarity(_rows(embeddings1), _rows(embeddings2))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> PerItem:
        """(n,) scores of vector i of one side against vector i of the other."""
        return self.space.similarity_pairwise(_rows(embeddings1), _rows(embeddings2))


def _texts(batch: Mapping[str, Any]) -> Sequence[str]:
    if "text" not in batch:
        raise DataError(f"a space of texts cannot be asked for {', '.join(batch)}; mteb's task is not one of texts")
    texts: Sequence[str] = batch["text"]
    return texts


def _rows(embeddings: Any) -> Vectors:
    """Arrays or tensors, of one vector or of many, as (n, d)."""
    return np.atleast_2d(np.asarray(embeddings))
