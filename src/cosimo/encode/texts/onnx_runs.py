"""Token ids through a session, on every processor core at once.

Each worker has a batch of its own and one thread: threads that share a batch wait for each other at every operator,
and where others use the machine as well they wait longer than they work. Under 8-bit arithmetic a text is alone in its
call, because there the numbers of a call share one scale.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosimo._progress import bar
from cosimo.encode.items import batch_limit
from cosimo.encode.pooling.poolings import Mask
from cosimo.encode.texts.batching import padded, token_batches
from cosimo.encode.texts.onnx_session import Session
from cosimo.encode.texts.workers import ahead
from cosimo.types import Rows, Vectors

TOKENS = 500
"""Tokens of a batch: larger ones leave the cache of a core, smaller ones read the weights too often."""
TOKENS_ON_DEVICE = 16_384

Run: TypeAlias = tuple[Rows, list[Vectors], Mask]


@dataclass(frozen=True)
class Runs:
    """How the texts of one encoder are put through its session.

    alone
        Whether each text has a call of its own, so that its states cannot depend on other texts.
    workers
        Threads that call the session.
    pad
        Id of the padding token.
    """

    session: Session
    alone: bool
    workers: int
    pad: int

    def over(
        self, rows: Sequence[NDArray[np.int32]], outputs: list[str], *, batch_size: int | None, progress: bool
    ) -> Iterator[Run]:
        """For each call which rows it held, the outputs asked for, and the mask of real tokens."""
        lengths = [len(row) for row in rows]
        budget = TOKENS if self.session.on_processor else TOKENS_ON_DEVICE
        share = -(-len(rows) // self.workers)  # so that a few texts go to all workers as well
        limit = min(share, batch_limit(batch_size, default=budget))
        batches = token_batches(lengths, budget=budget, limit=limit)
        with bar(progress, len(rows), "encoding") as advance:
            for found in ahead(partial(self._calls, rows, outputs), batches, workers=self.workers):
                yield from found
                advance(sum(len(chosen) for chosen, _, _ in found))

    def _calls(self, rows: Sequence[NDArray[np.int32]], outputs: list[str], batch: Rows) -> list[Run]:
        return [self._call(rows, outputs, part) for part in (batch[:, None] if self.alone else [batch])]

    def _call(self, rows: Sequence[NDArray[np.int32]], outputs: list[str], chosen: Rows) -> Run:
        ids, mask = padded([rows[i] for i in chosen], pad=self.pad)
        return chosen, self.session.run(ids, mask, outputs), mask
