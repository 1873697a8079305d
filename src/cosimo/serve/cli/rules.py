"""How a rule and its decisions are written."""

from typing import TYPE_CHECKING

from cosimo.serve.cli.output import table

if TYPE_CHECKING:
    from cosimo.rules.rule import Rule

WORDS = {1: "accept", 0: "ask", -1: "reject"}
"""Decisions, as they are shown."""


def tell(rule: "Rule") -> None:
    """The guarantees in words, and what there is to know beside them."""
    lines = [str(guarantee) for guarantee in (rule.guarantee, *rule.beside)]
    accepting = getattr(rule.decider, "accept_rule_", rule.decider)
    local = getattr(accepting, "local_precision_", None)
    if local is not None and local.interval is not None:
        low, high = local.interval.low, local.interval.high
        lines.append(
            f"Just above the threshold it is lower: {local.value:.2f} of the accepted there are matches "
            f"({low:.2f} to {high:.2f})."
        )
    table((), [(line,) for line in lines])
