"""What training is made of: objectives on scores S and relations R, penalties, samplers, language models."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch

    from cosimo.types import PerItem


@runtime_checkable
class Objective(Protocol):
    """How wrong scores are, before any reduction. Torch tensors in and out."""

    def __call__(self, S: "torch.Tensor", R: "torch.Tensor", W: "torch.Tensor | None" = None) -> "torch.Tensor":
        """(n,) one loss a row, or (1,) for a global loss; NaN in R is ignored."""


@runtime_checkable
class Penalty(Protocol):
    """A loss that is no relation between scores: token losses, uniformity, variance."""

    def __call__(self, batch: Any, step: int) -> "torch.Tensor":
        """A scalar tensor."""


@runtime_checkable
class Sampler(Protocol):
    """Chooses what counts by turning known cells of R into NaN, never the other way."""

    def __call__(self, S: "torch.Tensor", R: "torch.Tensor") -> "torch.Tensor":
        """R (n, m) with fewer known cells."""


@runtime_checkable
class LLM(Protocol):
    """A language model, as far as methods here need one."""

    def generate(self, prompts: Sequence[str], *, n: int = 1, seed: int = 0) -> list[list[str]]:
        """N continuations of each prompt."""

    def loglik(self, texts: Sequence[str]) -> "PerItem":
        """(n,) log-likelihood of each text in nats."""

    def hidden(self, texts: Sequence[str], *, layers: Sequence[int] | None = None) -> Any:
        """Token states of each text."""
