"""What was added and built, in one line each."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cosimo.collection.adding import AddReport
    from cosimo.search.indexing import IndexReport


def added(report: "AddReport") -> str:
    """`1,400 added, 3 longer than the model reads and truncated, in 2.1 s`; zeros are left out."""
    parts = [f"{report.added:,} added"]
    for count, what in (
        (report.replaced, "replaced"),
        (report.skipped, "skipped"),
        (report.truncated, "longer than the model reads and truncated"),
        (report.empty, "without text"),
    ):
        if count:
            parts.append(f"{count:,} {what}")
    return f"{', '.join(parts)}, in {report.seconds:.1f} s"


def indexed(report: "IndexReport") -> str:
    """`ivf index of 19,029 vectors, in 2.1 s; it finds 98.9 % of the 10 nearest of 200 stored vectors`."""
    found = f"it finds {100 * report.recall.mean:.1f} % of the 10 nearest of {report.recall.n} stored vectors"
    return f"{report.kind} index of {report.vectors:,} vectors, in {report.seconds:.1f} s; {found}"
