"""`cosimo evaluate`: how good spaces are on labelled data, which is better, and how sure that is."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

import cosimo
from cosimo.serve.cli.arguments import Json, NoCache, Precision, loaded
from cosimo.serve.cli.output import json_line, note, require_writable, table, watched, write_page

if TYPE_CHECKING:
    from cosimo.measure.comparing import Standings, Versus
    from cosimo.measure.evaluating import Evaluation
    from cosimo.types import Estimate, Report


@dataclass(frozen=True)
class Evaluate:
    """Measure spaces on labelled data: every number with its interval, and which of two spaces is better.

    The file may be pairs with a score or a 0/1 label, triplets, a query and candidates with labels, translations, or
    texts with classes; its columns say which. Or it is a BEIR folder, a suite in TOML, or, with --qrels, the systems
    are TREC runs. In a pipe each line is a task, a metric and a system, or the difference of two:
    value, interval, number of items, and of differences p, Holm's p, and what could have been detected.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "cosimo evaluate minilm pairs.csv --against wordllama",
        "cosimo evaluate minilm --suite sts,retrieval --data DATA --against static --html report.html",
        "cosimo evaluate a.run --qrels qrels.txt --against b.run",
    )

    system: Annotated[str, typer.Argument(metavar="SPACE", help="A fetched model, a model folder, or a saved space.")]
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Labelled data of your own.")] = None
    against: Annotated[
        list[str] | None, typer.Option(metavar="SPACE", help="Another space to compare with; may be given repeatedly.")
    ] = None
    suite: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Suites that come with cosimo, such as sts,retrieval.")
    ] = None
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Data of the suites; COSIMO_DATA if not given.")
    ] = None
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="What FILE is, where its columns do not say.")] = None
    columns: Annotated[
        str | None, typer.Option(metavar="ROLE=COLUMN,...", help="Columns of FILE, such as a=left,b=right,score=gold.")
    ] = None
    qrels: Annotated[Path | None, typer.Option(metavar="FILE", help="Judgements; the systems are then runs.")] = None
    precision: Precision = None
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep all results here, and go on with what is there.")
    ] = None
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with tables and plots.")] = None
    seed: Annotated[int, typer.Option(help="Seed of what is drawn at random.")] = 0
    no_cache: NoCache = False
    as_json: Json = False

    def run(self) -> None:
        """Run what is missing, and write the tables."""
        if self.html is not None:
            require_writable(self.html)
        found = self._of_runs() if self.qrels else self._of_spaces()
        if self.html is not None:
            from cosimo.measure.evaluation_page import evaluation_page

            write_page(self.html, evaluation_page(found))
        write = _json if self.as_json else _tables
        write(found)

    def _of_spaces(self) -> "Evaluation":
        names = [self.system, *(self.against or ())]
        if len(set(names)) < len(names):
            raise typer.BadParameter("each space may be named once")
        tasks = self._tasks()
        spaces = {Path(name).name or name: loaded(name, self.precision) for name in names}
        if len(spaces) < len(names):
            raise typer.BadParameter("the last parts of the names must differ, as results are kept under them")
        with cosimo.encode.uncached(self.no_cache):
            return cosimo.measure.evaluate(spaces, tasks, seed=self.seed, out=self.out, progress=watched())

    def _tasks(self) -> "list[Any]":
        if (self.file is None) == (self.suite is None):
            raise typer.BadParameter("say what to measure on: a FILE of your own, or --suite NAMES; one of the two")
        if self.file is not None:
            given = None if self.columns is None else _roles(self.columns)
            return list(cosimo.measure.read_tasks(self.file, kind=self.kind, columns=given, data=self.data))
        data = self.data or os.environ.get("COSIMO_DATA")
        names = [name.strip() for name in (self.suite or "").split(",") if name.strip()]
        return [task for name in names for task in cosimo.measure.load_suite(name, data=data)]

    def _of_runs(self) -> "Evaluation":
        if self.file is not None or self.suite is not None:
            raise typer.BadParameter("--qrels needs runs as systems, and neither FILE nor --suite")
        judged = cosimo.interchange.read_qrels(self.qrels or "")
        return cosimo.measure.evaluate_runs(
            {Path(name).name: cosimo.interchange.read_run(name) for name in (self.system, *(self.against or ()))},
            judged,
        )


def _roles(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    if any(not (role.strip() and sign and column.strip()) for role, sign, column in pairs):
        raise typer.BadParameter(f"--columns needs ROLE=COLUMN,... such as a=left,b=right; got {text!r}")
    return {role.strip(): column.strip() for role, _, column in pairs}


def _tables(found: "Evaluation") -> None:
    rows = [
        (task.name, metric, system, estimate.value, _ends(estimate), report.n)
        for task in found.tasks
        for metric in task.metrics
        for system, reports in found.reports.items()
        for report in [reports[task.name]]
        for estimate in [report.metrics[metric]]
    ]
    table(("task", "metric", "system", "value", "95 % interval", "items"), rows, texts=0)
    for system, reports in found.reports.items():
        for name, report in reports.items():
            for warning in report.warnings:
                note(f"{system}, {name}: {warning}")
    if len(found.systems) == 2:
        _versus(found.compare())
    if len(found.systems) > 2:
        _standings(found.standings())


def _versus(found: "Versus") -> None:
    rows = [
        (
            row.task,
            row.metric,
            f"{found.a} - {found.b}",
            f"{row.comparison.difference:+.4f}",
            "" if row.comparison.interval is None else _span(row.comparison.interval),
            row.n,
            f"{row.comparison.p_value:.2g}",
            f"{row.p_adjusted:.2g}",
            "" if row.comparison.detectable is None else f"{row.comparison.detectable:.4f}",
        )
        for row in found.tasks
    ]
    head = ("task", "metric", "systems", "difference", "95 % interval", "items", "p", "p (Holm)", "detectable")
    table(head, rows, texts=0)
    for scope, mean in (("on these tasks", found.these), ("on tasks like these", found.like_these)):
        if mean is not None:
            span = "" if mean.interval is None else f" ({_span(mean.interval)})"
            note(f"mean difference {scope}: {mean.difference:+.4f}{span}, p = {mean.p_value:.2g}")
    note(found.verdict)


def _standings(found: "Standings") -> None:
    rows = [
        (name, mean, share, f"{low} to {high}" if low < high else str(low))
        for name, mean, share, low, high in zip(
            found.systems, found.means, found.borda, found.ranks.lowest, found.ranks.highest, strict=True
        )
    ]
    table(("system", "mean", "Borda", "possible ranks"), rows, title="over all tasks", texts=0)
    note(f"may be best, for other items of these tasks: {', '.join(found.top)}")


def _json(found: "Evaluation") -> None:
    for task in found.tasks:
        for system, reports in found.reports.items():
            json_line({"task": task.name, "system": system, **_plain(reports[task.name])})
    if len(found.systems) == 2:
        json_line(found.compare().to_json())
    if len(found.systems) > 2:
        json_line(found.standings().to_json())


def _plain(report: "Report") -> dict[str, Any]:
    return {
        "metrics": {
            name: {"value": estimate.value, "interval": _both(estimate)} for name, estimate in report.metrics.items()
        },
        "n": report.n,
        "passport": report.passport,
        "seed": report.seed,
        "warnings": list(report.warnings),
    }


def _both(estimate: "Estimate") -> list[float] | None:
    return None if estimate.interval is None else [estimate.interval.low, estimate.interval.high]


def _ends(estimate: "Estimate") -> str:
    return "" if estimate.interval is None else _span(estimate.interval)


def _span(interval: Any) -> str:
    return f"{interval.low:.4f} to {interval.high:.4f}"
