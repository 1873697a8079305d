"""One progress bar for all long work: on stderr, only when asked for, with items a second and the time left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS = 120.0
"""The rate is that of the last two minutes, so that neither a warm start nor one slow batch misleads."""


@contextmanager
def bar(shown: bool, total: int | None, what: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many more items are done.

    total
        How many there will be; without it there is a rate and no time left.

    >>> with bar(False, 3, "encoding") as advance:
    ...     advance(2)
    """
    if not shown:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    layout = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*layout, console=Console(stderr=True), speed_estimate_period=SECONDS) as progress:
        number = progress.add_task(what, total=total, rate="")

        def advance(done: int) -> None:
            progress.advance(number, done)
            speed = progress.tasks[0].finished_speed or progress.tasks[0].speed
            progress.update(number, rate=f"{speed:,.0f}/s" if speed else "")

        yield advance
