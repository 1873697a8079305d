"""How a rule and its decisions are written."""

from typing import TYPE_CHECKING

from cosimo.serve.cli.output import table

if TYPE_CHECKING:
    from cosimo.decide.rule import Rule

WORDS = {1: "accept", 0: "ask", -1: "reject"}
"""Decisions, as they are shown."""


def tell(rule: "Rule") -> None:
    """The guarantee in words, and what there is to know beside it."""
    table((), [(str(rule.guarantee),)])
    warning = getattr(rule.decider, "local_precision_", None)
    if warning is not None and warning.interval is not None:
        table(
            (),
            [
                (
                    f"Just above the cut it is lower: {warning.value:.2f} of the accepted there are matches "
                    f"({warning.interval.low:.2f} to {warning.interval.high:.2f}).",
                )
            ],
        )
