"""The page of an evaluation: who is better and how sure that is, first in a sentence, then drawn, then in numbers."""

from collections.abc import Iterator

from cosimo.measure.comparing import OnTask, Standings, Versus
from cosimo.measure.evaluating import Evaluation
from cosimo.report.html import Html, element, facts, figure, grid, page, paragraph, section, table
from cosimo.report.svg import ends, forest
from cosimo.statistics import Comparison
from cosimo.types import Estimate, Interval


def evaluation_page(found: Evaluation, *, title: str = "Evaluation") -> str:
    """One self-contained HTML page."""
    parts = [*_lead(found), *_standings(found), *_tasks(found), _all_metrics(found), _warnings(found), _reading(found)]
    return page(f"{title}: {', '.join(found.systems)}", *parts)


def _lead(found: Evaluation) -> Iterator[Html]:
    if len(found.systems) == 2:
        comparison = found.compare()
        yield paragraph(f"{comparison.verdict}.", kind="lead")
        yield from _versus(comparison)


def _versus(found: Versus) -> Iterator[Html]:
    rows = [_drawn(row.task, row.comparison) for row in found.tasks]
    drawing = forest(rows, title=f"{found.a} minus {found.b}", label="difference", reference=0)
    means = [
        (scope, mean.difference, _words(mean.interval), mean.p_value, mean.test)
        for scope, mean in (("these tasks", found.these), ("tasks like these", found.like_these))
        if mean is not None
    ]
    columns = ("task", "metric", found.a, found.b, "difference", "95 % interval", "p", "p (Holm)", "min. detectable")
    yield section(
        f"{found.a} against {found.b}",
        figure(
            drawing, f"Right of the dashed line {found.a} is better. Lines are 95 % intervals of paired differences."
        ),
        *([table(("scope", "mean difference", "95 % interval", "p", "test"), means)] if means else []),
        table(columns, [_compared(row) for row in found.tasks], caption="Main metric of each task"),
    )


def _drawn(name: str, found: Comparison) -> tuple[str, float, float | None, float | None]:
    return name, found.difference, *ends(found.interval)


def _compared(row: OnTask) -> tuple[object, ...]:
    found = row.comparison
    values = (row.a.value, row.b.value, found.difference)
    return row.task, row.metric, *values, _words(found.interval), found.p_value, row.p_adjusted, found.detectable


def _standings(found: Evaluation) -> Iterator[Html]:
    if len(found.systems) < 3:
        return
    standings: Standings = found.standings()
    yield paragraph(
        _best(standings),
        kind="lead",
    )
    ranks = zip(standings.ranks.lowest.tolist(), standings.ranks.highest.tolist(), strict=True)
    rows = [
        (name, mean, share, str(low) if low == high else f"{low} to {high}")
        for name, mean, share, (low, high) in zip(
            standings.systems, standings.means.tolist(), standings.borda.tolist(), ranks, strict=True
        )
    ]
    values = [(n, *row) for n, row in zip(standings.systems, standings.values.tolist(), strict=True)]
    yield section(
        "Over all tasks",
        table(("system", "mean", "Borda", "possible ranks"), rows),
        paragraph(f"Ranks hold all at once, in about 95 of 100 repetitions ({standings.ranks.method}).", kind="note"),
        table(("system", *standings.tasks), values, caption="Main metric of each task"),
    )


def _best(standings: Standings) -> str:
    """The systems that may have rank 1 for other items of these tasks: one of them, or all that the data leave."""
    scope = "95 % confidence, other items of these tasks"
    if len(standings.top) == 1:
        return f"Best system: {standings.top[0]} (rank 1, {scope})."
    return f"The best system is one of {', '.join(standings.top)} ({scope})."


def _tasks(found: Evaluation) -> Iterator[Html]:
    drawings = []
    for task in found.tasks:
        rows = [
            (system, estimate.value, *ends(estimate.interval))
            for system, reports in found.reports.items()
            for estimate in [reports[task.name].metrics[task.headline]]
        ]
        n = next(iter(found.reports.values()))[task.name].n
        drawn = forest(rows, title=f"{task.name}, {task.headline}", label=task.headline)
        drawings.append(figure(drawn, f"{task.name}: {task.headline}, {n:,} items"))
    yield section("Task by task", grid(*drawings))


def _all_metrics(found: Evaluation) -> Html:
    rows = [
        (task.name, metric, system, estimate.value, _words(estimate.interval), *_method(estimate))
        for task in found.tasks
        for metric in task.metrics
        for system, reports in found.reports.items()
        for estimate in [reports[task.name].metrics[metric]]
    ]
    columns = ("task", "metric", "system", "value", "95 % interval", "method", "unit", "units")
    return section("Every number", table(columns, rows))


def _method(found: Estimate) -> tuple[object, ...]:
    made = found.interval
    return ("", "", None) if made is None else (made.method, made.unit, made.n_units)


def _warnings(found: Evaluation) -> Html:
    warnings = [
        element("li", f"{system}, {name}: {warning}")
        for system, reports in found.reports.items()
        for name, report in reports.items()
        for warning in report.warnings
    ]
    return section("Warnings", element("ul", *warnings)) if warnings else Html("")


def _reading(found: Evaluation) -> Html:
    about = {
        "intervals": "95 % for other items drawn like these; not for other seeds, trainings, annotators or tasks",
        "p": "two-sided, of no difference between the two systems on the same items",
        "p (Holm)": "adjusted for all tasks that were compared",
        "min. detectable": "minimum detectable difference (80 % power): the true difference that this many items would "
        "show in 80 of 100 repetitions",
        "seed": found.seed,
        **{f"{system}": next(iter(reports.values())).passport for system, reports in found.reports.items()},
    }
    return section("How to read this", facts(about))


def _words(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.low:.3f} to {interval.high:.3f}".replace("-", "−")
