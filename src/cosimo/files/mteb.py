"""MTEB results: one JSON file a task, as the package mteb writes and reads them.

    task_name, dataset_revision, mteb_version, evaluation_time
    scores    split -> a list with one object a subset: hf_subset, languages, main_score, and metric -> number

What this has no place for (intervals, values by item, answers, seed, passport) goes into one more value of each
subset, `cosimo`. mteb reads, merges and keeps such files; it rounds numbers to six digits when it writes.

Pitfalls: a headline metric that is not the task's; subsets averaged although one of them is missing; scores of
another revision of the data, or of a reduced copy of it, put beside published ones.
Reference: Muennighoff et al. 2023, MTEB: Massive Text Embedding Benchmark, https://arxiv.org/abs/2210.07316
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cosimo.errors import DataError
from cosimo.files.atomic import replacing
from cosimo.files.report_json import report_from_json, report_to_json
from cosimo.types import Estimate, Report

ALONE = {"ap": "similarity_ap", "f1_best": "similarity_f1", "map": "map_at_1000", "mrr": "mrr_at_1000"}
"""Our names of metrics and mteb's; rankings of tasks are at most 1,000 long in both."""
WITH_DEPTH = {"success": "hit_rate"}
"""The same for what stands before a depth, as in `success@10` and `hit_rate_at_10`."""
OURS = {theirs: ours for ours, theirs in (ALONE | WITH_DEPTH).items()}
HEADLINES = ("ndcg@10", "spearman", "accuracy", "v_measure", "ap", "map", "f1")
"""What tasks quote: where several metrics have the value of the main score, the first of these is meant."""
LANGUAGE = re.compile(r"[a-z]{3}-[A-Z][a-z]{3}")


def write_mteb(
    reports: Report | Mapping[str, Report],
    path: str | Path,
    *,
    languages: Sequence[str] | Mapping[str, Sequence[str]],
    task: str | None = None,
    split: str = "test",
    revision: str = "unknown",
) -> Path:
    """Write reports on one task as an MTEB result, and say where; other splits and subsets that are there stay.

    reports
        A report on the subset `default`, or one for each subset by its name.
    path
        A folder, in which the file is called after the task, or a file that ends in `.json`.
    languages
        Codes such as `eng-Latn`, for all subsets or by subset.
    task
        What MTEB calls the task; None for the name in the report.
    revision
        Of the data, as MTEB states it; keep the default for data that are not MTEB's own.

    Raises
    ------
    DataError
        No report; a report without metrics, or with settings that JSON cannot hold; a language that is no such code;
        a file of another task or of another revision.

    >>> import tempfile
    >>> report = Report({"spearman": Estimate(-0.25)}, n=8, items="", seed=0, passport="", settings={"task": "STS12"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = write_mteb(report, folder, languages=["eng-Latn"])
    ...     print(file.name, read_mteb(file)["test", "default"].metrics["spearman"].value)
    STS12.json -0.25
    """
    named = {"default": reports} if isinstance(reports, Report) else dict(reports)
    name = _task(named, task)
    scores = [_scores(report, subset, _languages(languages, subset)) for subset, report in named.items()]
    file = Path(path) if Path(path).suffix == ".json" else Path(path) / f"{name}.json"
    result = _load(file) if file.is_file() else _empty(name, revision)
    if (result["task_name"], result["dataset_revision"]) != (name, revision):
        there = f'"{result["task_name"]}" at revision "{result["dataset_revision"]}"'
        raise DataError(f'{file} holds results of {there}, not of "{name}" at "{revision}"; write another file')
    others = [entry for entry in result["scores"].get(split, ()) if entry["hf_subset"] not in named]
    result["scores"][split] = [*others, *scores]
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as opened:
        opened.write(json.dumps(result, ensure_ascii=False, indent=2).encode())
    return file


def read_mteb(path: str | Path) -> dict[tuple[str, str], Report]:
    """The reports in an MTEB result, by split and subset; metrics have our names, the main score is the first.

    Of results that mteb computed only the numbers are known: there are no intervals, `n` and `seed` are 0, and the
    model is named in `passport` if `model_meta.json` lies beside the file. Scores that are no numbers are left out.

    Raises
    ------
    DataError
        A file that is missing, is no JSON, or is no result of a mteb since 1.11.
    """
    file = Path(path)
    result = _load(file)
    model = _model(file.parent)
    return {
        (split, entry["hf_subset"]): _report(result, split, entry, model)
        for split, entries in result["scores"].items()
        for entry in entries
    }


def mteb_name(name: str) -> str:
    """What mteb calls a metric of ours; other names stay as they are.

    >>> mteb_name("ndcg@10"), mteb_name("success@1"), mteb_name("map"), mteb_name("v_measure")
    ('ndcg_at_10', 'hit_rate_at_1', 'map_at_1000', 'v_measure')
    """
    stem, at, depth = name.partition("@")
    return f"{WITH_DEPTH.get(stem, stem)}_at_{depth}" if at else ALONE.get(name, name)


def our_name(name: str) -> str:
    """What we call a metric of mteb's.

    >>> our_name("ndcg_at_10"), our_name("hit_rate_at_1"), our_name("map_at_1000"), our_name("nauc_map_at_5_std")
    ('ndcg@10', 'success@1', 'map', 'nauc_map_at_5_std')
    """
    stem, at, depth = name.rpartition("_at_")
    if name in OURS or not (at and depth.isdecimal()):
        return OURS.get(name, name)
    return f"{OURS.get(stem, stem)}@{depth}"


def _task(named: Mapping[str, Report], task: str | None) -> str:
    if not named:
        raise DataError("there is no report to write; give one, or one for each subset")
    found = {task} if task else {report.settings.get("task") for report in named.values()}
    name = found.pop() if len(found) == 1 else None
    if not isinstance(name, str) or not name:
        raise DataError(f"the {len(named)} reports do not name one task; say which it is: task='STSBenchmark'")
    return name


def _languages(given: Sequence[str] | Mapping[str, Sequence[str]], subset: str) -> list[str]:
    codes = given.get(subset, ()) if isinstance(given, Mapping) else given
    listed = [codes] if isinstance(codes, str) else list(codes)
    wrong = [code for code in listed if not LANGUAGE.fullmatch(code)]
    if wrong or not listed:
        got = repr(wrong[0]) if wrong else "none"
        raise DataError(f"subset {subset!r} wants languages as codes such as 'eng-Latn', got {got}")
    return listed


def _empty(task: str, revision: str) -> dict[str, Any]:
    """A result without scores. It names no version of mteb: mteb did not compute it."""
    return {
        "dataset_revision": revision,
        "task_name": task,
        "mteb_version": None,
        "scores": {},
        "evaluation_time": None,
        "kg_co2_emissions": None,
    }


def _scores(report: Report, subset: str, languages: list[str]) -> dict[str, Any]:
    if not report.metrics:
        raise DataError(f"the report on subset {subset!r} has no metrics; MTEB wants a main score")
    values = {mteb_name(name): float(estimate.value) for name, estimate in report.metrics.items()}
    return values | {
        "main_score": next(iter(values.values())),
        "hf_subset": subset,
        "languages": languages,
        "mteb_version": None,  # or mteb puts that of the file
        "cosimo": report_to_json(report),
    }


def _load(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise DataError(f'there is no file "{file}"')
    try:
        result: Any = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{file.name} is no JSON: {error}") from error
    if isinstance(result, dict) and "mteb_dataset_name" in result:
        raise DataError(f"{file.name} is older than mteb 1.11; mteb can read it and write it anew (TaskResult.to_disk)")
    fields = isinstance(result, dict) and result.keys() >= {"task_name", "dataset_revision", "scores"}
    splits = result["scores"] if fields else None
    if not isinstance(splits, dict) or not all(isinstance(s, list) and all(map(_is_entry, s)) for s in splits.values()):
        raise DataError(
            f"{file.name} is no MTEB result: wanted task_name, dataset_revision and scores, and in each split a list "
            "of objects with hf_subset, languages and main_score"
        )
    return dict(result)


def _is_entry(entry: Any) -> bool:
    """Whether it is the scores of a subset; mteb writes null for a main score it does not know."""
    wanted: dict[str, Any] = {"hf_subset": str, "languages": list, "main_score": (int, float, type(None))}
    return isinstance(entry, dict) and all(name in entry and isinstance(entry[name], wanted[name]) for name in wanted)


def _model(folder: Path) -> str:
    """Name and revision of the model, from where mteb's cache keeps them."""
    try:
        meta = json.loads((folder / "model_meta.json").read_text(encoding="utf-8"))
        return f"{meta['name']}@{meta['revision']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _report(result: Mapping[str, Any], split: str, entry: Mapping[str, Any], model: str) -> Report:
    if "cosimo" in entry:
        return report_from_json(entry["cosimo"])
    values = {our_name(name): value for name, value in entry.items() if _is_number(value) and name != "main_score"}
    main = entry["main_score"]
    first = next((name for name in (*HEADLINES, *values) if name in values and values[name] == main), "main_score")
    headline = {first: float("nan") if main is None else float(main)}
    return Report(
        metrics={name: Estimate(float(value)) for name, value in (headline | values).items()},
        n=0,
        items=f"{result['task_name']}/{entry['hf_subset']}/{split}@{result['dataset_revision']}",
        seed=0,
        passport=model,
        settings={
            "task": result["task_name"],
            "split": split,
            "subset": entry["hf_subset"],
            "languages": list(entry["languages"]),
            "dataset_revision": result["dataset_revision"],
            "mteb_version": entry.get("mteb_version", result.get("mteb_version")),
        },
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
