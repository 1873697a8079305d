"""What was added, in one line."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cosimo.adding import AddReport


def added(report: "AddReport") -> str:
    """`1,400 added, 3 cut, in 2.1 s`; zeros are left out."""
    parts = [f"{report.added:,} added"]
    for count, what in (
        (report.replaced, "replaced"),
        (report.skipped, "skipped"),
        (report.truncated, "longer than the model reads and cut"),
        (report.empty, "without text"),
    ):
        if count:
            parts.append(f"{count:,} {what}")
    return f"{', '.join(parts)}, in {report.seconds:.1f} s"
