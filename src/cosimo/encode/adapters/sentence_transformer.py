"""Any model of sentence-transformers as an encoder, run by that library as it runs it.

What it loads (torch, custom modules, several modalities) is its own affair; here it gets roles, counted truncation and
a passport. Its weights are not hashed, so it is known by what it does: the vectors it gives to the probe items.

Reference: sentence-transformers, https://github.com/huggingface/sentence-transformers
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from cosimo._arrays import as_vectors
from cosimo._extras import need
from cosimo.encode.items import batch_limit, check_items, no_condition, probe_vectors
from cosimo.encode.models.model_folder import ROLE_PROMPTS
from cosimo.encode.truncation import note
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import MissingModel
from cosimo.passport import PROBES, Passport
from cosimo.types import Role, Vectors

BATCH = 32


@final
class SentenceTransformerEncoder(Sides):
    """Encodes with a `SentenceTransformer`, whatever its modules; needs the extra `st`.

    model
        The model itself, or its folder or name; a name is looked up on this machine only.
    name
        What people call it; the name given as `model`, or the name of its class.

    Raises
    ------
    MissingExtra
        sentence-transformers is not installed.
    MissingModel
        There is no model of that name on this machine.

    >>> from sentence_transformers import SentenceTransformer  # doctest: +SKIP
    >>> encoder = SentenceTransformerEncoder(SentenceTransformer("intfloat/e5-small-v2"))  # doctest: +SKIP
    >>> encoder.encode_query(["who plays the guitar?"]).shape  # doctest: +SKIP
    (1, 384)
    """

    def __init__(self, model: Any, *, name: str | None = None) -> None:
        self.model = model
        self.name = name or (model if isinstance(model, str) else type(model).__name__)
        self._model = _loaded(model) if isinstance(model, str) else model

    @cached_property
    def dim(self) -> int:
        """Dimensions of the vectors."""
        return int(self._call(list(PROBES[:1]), None, BATCH).shape[1])

    @cached_property
    def passport(self) -> Passport:
        """Probe vectors, and nothing else that could tell two models apart."""
        probe = partial(probe_vectors, self.encode)
        return Passport("sentence-transformers", self.name, self.dim, content=False, probe=probe)

    def encode(
        self,
        items: Sequence[Any],
        *,
        role: Role | None = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Vectors:
        """(n, d) float32, one row an item, in the order given.

        role
            Encodes by the model's `encode_query` or `encode_document`; without it by `encode`.
        """
        no_condition(given)
        listed = check_items(items)
        size = batch_limit(batch_size, default=BATCH)
        if not listed:
            return np.empty((0, self.dim), np.float32)
        X = self._call(listed, role, size, progress=progress)
        cut = self._cut(listed, role)
        note(int(cut.sum()), n=len(listed), limit=getattr(self._model, "max_seq_length", 0), texts=cut)
        return X

    def _call(self, items: list[Any], role: Role | None, size: int, *, progress: bool = False) -> Vectors:
        encode = self._model.encode if role is None else getattr(self._model, f"encode_{role}", self._model.encode)
        X = encode(items, batch_size=size, show_progress_bar=progress, convert_to_numpy=True)
        return as_vectors(X, name=f"the result of {self.name}").astype(np.float32, copy=False)

    def _cut(self, items: list[Any], role: Role | None) -> NDArray[np.bool_]:
        """(n,) which items are texts that the model does not read to their end; False where it cannot be told."""
        cut = np.zeros(len(items), np.bool_)
        limit = getattr(self._model, "max_seq_length", None)
        tokenizer = getattr(self._model, "tokenizer", None)
        if not limit or not callable(tokenizer):
            return cut
        prompts: Mapping[str, str] = getattr(self._model, "prompts", None) or {}
        default: str | None = getattr(self._model, "default_prompt_name", None)
        names = ROLE_PROMPTS[role] if role else [default] if default else []
        prompt = next((prompts[name] for name in names if prompts.get(name)), "")
        # A token is a letter at least, so that most texts need no second look; two more tokens frame a text.
        rows = [i for i, text in enumerate(items) if isinstance(text, str) and len(prompt) + len(text) > limit - 2]
        if rows:
            ids = tokenizer([prompt + items[i] for i in rows], truncation=False, verbose=False)["input_ids"]
            cut[rows] = [len(tokens) > limit for tokens in ids]
        return cut


def _loaded(name: str) -> Any:
    library = need("sentence_transformers", extra="st")
    try:
        return library.SentenceTransformer(name, local_files_only=True)
    except OSError as error:
        raise MissingModel(
            f'sentence-transformers finds no model "{name}" on this machine; give a folder, or fetch it first: '
            f'python -c "from sentence_transformers import SentenceTransformer; SentenceTransformer({name!r})"'
        ) from error
