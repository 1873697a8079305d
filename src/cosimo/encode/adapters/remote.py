r"""An embedding service that speaks OpenAI's protocol, as an encoder: `POST {url}/embeddings`.

A service fails in ways a library does not, so: what may pass is tried again after
$w_i = 2^{i-1}$ seconds, or after as long as the service asks for (`Retry-After`); a batch that is too large for it is
sent in halves; vectors are put in the order of their `index`, counted and measured; and after a call that failed
half-way, the texts that were done are not sent again.

Pitfalls: taking the vectors in the order they come; following a redirect with the key in hand; counting a text
as done because its batch was sent.

Reference: OpenAI, Embeddings, https://platform.openai.com/docs/api-reference/embeddings
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from time import sleep
from typing import Any, final

import numpy as np

from cosimo._arrays import as_vectors
from cosimo._extras import need
from cosimo._progress import bar
from cosimo.encode.adapters.http_json import Passing, TooLarge, post
from cosimo.encode.items import batch_limit, check_texts, distinct, no_condition, probe_vectors
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import CosimoError, DataError
from cosimo.passport import PROBES, Passport
from cosimo.types import Role, Vectors

BATCH = 64
LONGEST_WAIT = 120.0
"""Seconds; a service that asks for more has to be asked again by a person."""


@final
class RemoteEncoder(Sides):
    """Encodes texts by a service with OpenAI's protocol, such as OpenAI's own, vLLM or Ollama.

    url
        Where the protocol starts, such as `https://api.example.com/v1`.
    model
        The model's name there.
    api_key
        The key, or `$NAME` for the one in the environment variable NAME; never written or shown.
    batch_size
        Texts sent at once at most.
    timeout
        Seconds without a sign of life.
    retries
        Times that a request is sent again.
    prompts
        What is put before a text by its role, for models that want it.
    dim
        Dimensions of the vectors; found by encoding one probe when left out.

    Raises
    ------
    MissingExtra
        httpx is not installed.
    CosimoError
        From every use, when the service does not answer or does not answer right; says how many texts were done.

    >>> encoder = RemoteEncoder("https://api.openai.com/v1", "text-embedding-3-small", api_key="$OPENAI_API_KEY")
    ... # doctest: +SKIP
    >>> encoder.encode(["a man plays the guitar"]).shape  # doctest: +SKIP
    (1, 1536)
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        batch_size: int = BATCH,
        timeout: float = 30.0,
        retries: int = 4,
        prompts: Mapping[Role, str] | None = None,
        dim: int | None = None,
    ) -> None:
        if not url.startswith(("https://", "http://")):
            raise DataError(f"url must start with https:// or http://, got {url!r}")
        if unknown := (prompts or {}).keys() - {"query", "document"}:
            raise DataError(f'prompts are for "query" and "document", got {sorted(unknown)}')
        if timeout <= 0 or retries < 0:
            raise DataError(f"timeout must be above 0 and retries not below, got {timeout} and {retries}")
        need("httpx", extra="remote")  # told now, before any work
        self.url = url
        self.model = model
        self.api_key = api_key
        self.batch_size = batch_limit(batch_size, default=BATCH)
        self.timeout = timeout
        self.retries = retries
        self.prompts = prompts
        self._dim = dim
        self._key = _key(api_key)
        self._kept: dict[str, Vectors] = {}
        """What was done of a call that failed."""

    @property
    def dim(self) -> int:
        """Dimensions of the vectors."""
        return self._dim or self._request(list(PROBES[:1])).shape[1]

    @cached_property
    def passport(self) -> Passport:
        """Model and prompts by name, and probe vectors, which decide: a service may change the model behind a name."""
        facts = {"model": self.model, "prompts": dict(self.prompts or {})}
        return Passport("remote", self.model, self.dim, facts, content=False, probe=partial(probe_vectors, self.encode))

    def encode(
        self,
        items: Sequence[Any],
        *,
        role: Role | None = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Vectors:
        """(n, d) float32, one row a text, in the order given; equal texts are sent once."""
        no_condition(given)
        texts = check_texts(items)
        prompt = (self.prompts or {}).get(role, "") if role else ""
        unique, inverse = distinct([prompt + text for text in texts])
        found = self._kept = {text: self._kept[text] for text in unique if text in self._kept}
        size = batch_limit(batch_size, default=self.batch_size)
        try:
            with bar(progress, len(unique), "encoding") as advance:
                advance(len(found))
                for batch, X in self._batches([text for text in unique if text not in found], size):
                    found.update(zip(batch, X, strict=True))
                    advance(len(batch))
        except CosimoError as error:
            done = f"{len(found)} of {len(unique)} texts were done and are not sent again when you try again"
            raise type(error)(f"{error}; {done}") from error
        self._kept = {}
        return np.array([found[text] for text in unique], np.float32).reshape(len(unique), self.dim)[inverse]

    def _batches(self, texts: list[str], size: int) -> Iterator[tuple[list[str], Vectors]]:
        """Texts and their vectors, as many at once as the service takes."""
        done = 0
        while done < len(texts):
            batch = texts[done : done + size]
            try:
                X = self._request(batch)
            except TooLarge as error:
                if len(batch) == 1:
                    raise DataError(f"{self._who} refuses a text of {len(batch[0]):,} characters: {error}") from None
                size = len(batch) // 2
            else:
                yield batch, X
                done += len(batch)

    def _request(self, batch: list[str]) -> Vectors:
        """(n, d) vectors of n texts, after as many tries as it takes."""
        content = {"model": self.model, "input": batch, "encoding_format": "float"}
        waits = iter(2.0**i for i in range(self.retries))
        while True:
            try:
                answer = post(self._address, content, key=self._key, timeout=self.timeout)
                break
            except Passing as error:
                pause = next(waits, None)
                if pause is None or (error.after or 0) > LONGEST_WAIT:
                    asked = f" (it asks to wait {error.after:.0f} s)" if error.after else ""
                    raise CosimoError(f"{self._who} did not answer: {error}{asked}") from error
                sleep(pause if error.after is None else error.after)
            except CosimoError as error:
                raise CosimoError(f"{self._who} refused: {error}") from None
        X = self._read(answer, len(batch))
        self._dim = self._dim or X.shape[1]
        return X

    def _read(self, answer: Any, n: int) -> Vectors:
        """(n, d) the vectors in an answer, by their index."""
        try:
            order = [row["index"] for row in answer["data"]]
            complete = sorted(order) == list(range(n))
            with np.errstate(over="ignore"):  # infinity is refused below
                X = np.array([row["embedding"] for row in answer["data"]], np.float32)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise CosimoError(f"{self._who} answered something else than embeddings: {error!r}") from None
        if not complete:
            raise CosimoError(
                f"{self._who} answered vectors number {_few(order)} to {n} texts; wanted each number once"
            )
        X[order] = as_vectors(X.copy(), name=f"the answer of {self._who}", dim=self._dim)
        return X

    @property
    def _address(self) -> str:
        return f"{self.url.rstrip('/')}/embeddings"

    @property
    def _who(self) -> str:
        return f'"{self.model}" at {self._address}'


def _key(given: str | None) -> str | None:
    """The key itself; an environment variable is read now, so that a missing one is known before any work."""
    if given is None or not given.startswith("$"):
        key = given
    else:
        key = os.environ.get(given[1:])
        if not key:
            raise DataError(f"the environment variable {given[1:]} is not set; it was to hold the key of the service")
    if key is not None and not (key.strip().isascii() and key.strip().isprintable()):
        raise DataError("the key of the service holds characters that no key has (not shown)")
    return key and key.strip()


def _few(numbers: list[Any]) -> str:
    shown = ", ".join(map(str, numbers[:5]))
    return f"{shown}, …" if len(numbers) > 5 else shown or "none"
