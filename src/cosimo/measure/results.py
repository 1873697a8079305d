"""Reports as files: everything that numbers and later comparisons need, in one JSON object.

Values per item, and what metrics of a whole set were computed from, are kept, so that any two reports about the same
items can be compared without asking a system again.
"""

import json
from pathlib import Path
from typing import Any, final

from cosimo.contracts import ItemMetric, MetricTags, SetMetric
from cosimo.errors import DataError
from cosimo.files.atomic import replacing
from cosimo.files.report_json import report_from_json, report_to_json
from cosimo.types import PerItem, Report


def save_report(report: Report, path: str | Path) -> None:
    """Write a report as JSON, whole or not at all.

    >>> import tempfile
    >>> from cosimo.types import Estimate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_report(Report({"gain": Estimate(-0.5)}, 3, "digest", 0, "passport"), f"{folder}/report.json")
    ...     load_report(f"{folder}/report.json").metrics["gain"].value
    -0.5
    """
    text = json.dumps(report_to_json(report), ensure_ascii=False)
    with replacing(Path(path)) as file:
        file.write(text.encode() + b"\n")


def load_report(path: str | Path) -> Report:
    """A report that `save_report` wrote.

    Raises
    ------
    DataError
        No such file, or one that holds something else.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(f'there is no file "{file}"')
    try:
        return report_from_json(json.loads(file.read_text(encoding="utf-8")))
    except ValueError as error:
        raise DataError(f"{file} holds no report written by cosimo ({error}); remove it, or name another") from error


def kept(report: Report, name: str, metric: ItemMetric | SetMetric) -> tuple[ItemMetric | SetMetric, Any, Any]:
    """Metric, truth and prediction that give the number `name` of a report again.

    Of a metric that is a mean the values per item were kept, and what comes back reads them.
    """
    values = report.metrics[name].per_item
    return (metric, *report.answers[name]) if values is None else (_Kept(metric.tags), values, values)


@final
class _Kept:
    """The item metric whose predictions are its values."""

    def __init__(self, tags: MetricTags) -> None:
        self.tags = tags

    def __call__(self, truth: PerItem, pred: PerItem) -> PerItem:
        return pred
