"""Plants defects in healthy spaces and asks the doctor: python tests/promises/doctor.py

Writes evidence/doctor.json and the tables of docs/doctor.md. With `--small` the runs are few and nothing is written.
The limits of `cosimo.doctor.limits` were chosen on other corpora (TREC, SUBJ, STS-B, MRPC, Lee) than these.
"""

import json
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from cosimo import Collection, Space  # noqa: E402
from cosimo.doctor.findings import Finding  # noqa: E402
from cosimo.doctor.looking import SAMPLE, look  # noqa: E402
from cosimo.doctor.rules_of_texts import of_texts  # noqa: E402
from cosimo.doctor.rules_of_vectors import of_vectors  # noqa: E402
from cosimo.doctor.subject import subject_of  # noqa: E402
from cosimo.measure import Examination, examine  # noqa: E402
from promises import proxies  # noqa: E402
from promises.defects import ENCODERS, Case, Patient, Remembered, cases, distinct  # noqa: E402

CORPORA = ("banking77", "cranfield", "ag_news")
ITEMS, SEEDS, WHOLE = 400, 4, 1500
ASIDE = ("noise_robustness", "frequency_bias", "length_bias", "int8_sensitivity", "dimension_sensitivity")
"""What no planted defect is told by, left out where one was planted."""
MARK = "<!-- {}: made by tests/promises/doctor.py -->"
FULL = "by cosine"
"""The healthy twin that is examined in full; the others differ in how they compare and in being stored."""
TWINS = {"unnormalised vectors": "by inner product", "mixed spaces": "stored", "missing prompt": "stored, with prompts"}
"""The healthy twin of a defect, where it is not that one."""


def corpus(name: str) -> list[str]:
    """At most `WHOLE` different texts, drawn at random."""
    data = Path(os.environ["COSIMO_DATA"])
    if name == "banking77":
        texts = pd.read_parquet(data / "banking77/banking77.parquet")["text"].tolist()
    elif name == "cranfield":
        texts = pd.read_parquet(data / "cranfield/docs.parquet")["text"].tolist()
    else:
        rows = pd.read_parquet(data / "ag_news/ag_news.parquet")
        texts = (rows["title"] + ". " + rows["text"]).tolist()
    texts = distinct(texts)
    return [texts[i] for i in np.random.default_rng(0).permutation(len(texts))[:WHOLE]]


def looked_at(case: Case, seed: int) -> list[Finding]:
    """What the doctor says without trying remedies, which only adds findings."""
    seen = look(subject_of(case.target, case.items, size=SAMPLE, seed=seed), skip=ASIDE, seed=seed)
    return [*of_vectors(seen), *of_texts(seen)]


def raised(found: Examination | Iterable[Finding]) -> set[str]:
    """Names of the findings that something should be done about."""
    findings = found.findings if isinstance(found, Examination) else found
    return {finding.name for finding in findings if finding.matters}


def run(items: int, seeds: int, encoders: Iterable[str], corpora: Iterable[str]) -> Iterator[dict]:
    """One record an examination."""
    known = {name: Remembered(name) for name in encoders}
    for place in corpora:
        texts = corpus(place)
        for name, healthy in known.items():
            whole = raised(examine(Space(Patient(healthy)), items=texts, seed=99))
            other = Remembered("wordllama" if name == "static" else "static")
            for seed in range(seeds):
                order = np.random.default_rng([seed, 1]).permutation(len(texts))
                yield from _one(healthy, [texts[i] for i in order[:items]], seed, other, place, whole)
            sys.stderr.write(f"{place}, {name}: {time.process_time():.0f} s\n")


def _one(
    healthy: Remembered, texts: list[str], seed: int, other: Remembered, place: str, whole: set[str]
) -> Iterator[dict]:
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(healthy, texts, Path(folder), seed, other):
            full = case.strength == FULL
            found = examine(case.target, items=case.items, seed=seed) if full else looked_at(case, seed)
            names = raised(found)
            if isinstance(case.target, Collection):
                case.target.close()
            about = {"corpus": place, "encoder": healthy.name, "seed": seed}
            about |= {"defect": case.defect, "strength": case.strength, "raised": sorted(names)}
            if case.defect == "none":
                about["false"] = sorted(names - whole)
            else:
                about |= {"finding": case.finding, "found": bool(names & set(case.finding))}
            yield about


def detection(records: list[dict]) -> list[dict]:
    """How often each defect was found, by strength; and by encoder and corpus in the JSON."""
    groups: dict[tuple[str, str], list[dict]] = defaultdict(list)
    for record in records:
        if record["defect"] != "none":
            groups[record["defect"], record["strength"]].append(record)
    return [
        {
            "defect": defect,
            "strength": strength,
            "runs": len(group),
            "found": sum(record["found"] for record in group),
            "healthy": _in_twins(records, defect, set(group[0]["finding"])),
            **{name: _share(group, "encoder", name) for name in ENCODERS},
            **{place: _share(group, "corpus", place) for place in CORPORA},
        }
        for (defect, strength), group in groups.items()
    ]


def _in_twins(records: list[dict], defect: str, findings: set[str]) -> float:
    """Share of the healthy twins of a defect in which its finding comes as well."""
    twins = [record for record in records if record["strength"] == TWINS.get(defect, FULL)]
    return round(sum(bool(set(record["raised"]) & findings) for record in twins) / len(twins), 3)


def _share(group: list[dict], key: str, value: str) -> float | None:
    some = [record["found"] for record in group if record[key] == value]
    return round(sum(some) / len(some), 3) if some else None


def alarms(records: list[dict]) -> tuple[list[dict], dict]:
    """What was raised in healthy twins examined in full, and how much of it is not so in the whole corpus."""
    healthy = [record for record in records if record["strength"] == FULL]
    others = [record for record in records if record["strength"] in TWINS.values()]
    counted = Counter(name for record in healthy for name in record["raised"])
    false = Counter(name for record in healthy for name in record["false"])
    where: dict[str, set[str]] = defaultdict(set)
    for record in healthy:
        for name in record["raised"]:
            where[name].add(f"{record['encoder']} on {record['corpus']}")
    rows = [
        {"finding": name, "raised": times, "false": false[name], "where": sorted(where[name])}
        for name, times in counted.most_common()
    ]
    total = {"twins": len(healthy), "others": len(others)}
    total |= {"false": sum(bool(record["false"]) for record in healthy)}
    return rows, total | {"false in others": sum(bool(record["false"]) for record in others)}


def tables(found: list[dict], rows: list[dict], total: dict) -> str:
    """Both tables, for docs/doctor.md."""
    names = ("defect", "strength", "found", "healthy twins", *ENCODERS, "Banking77", "Cranfield", "AG News")
    lines = [f"| {' | '.join(names)} |", "| --- " * len(names) + "|"]
    for row in found:
        shares = [row["found"] / row["runs"], row["healthy"], *(row[name] for name in (*ENCODERS, *CORPORA))]
        shown = " | ".join("" if share is None else f"{share:.0%}" for share in shares)
        lines.append(f"| {row['defect']} | {row['strength']} | {shown} |")
    n = total["twins"]
    told = (
        f"Healthy twins examined in full: {n}, {total['false']} of them with at least one false alarm. Others (compared"
    )
    told += f" by inner product, stored, stored with prompts): {total['others']}, {total['false in others']} with one."
    lines += ["", told, ""]
    lines += ["| finding in a healthy twin | raised | false | where |", "| --- | --- | --- | --- |"]
    for row in rows:
        where = ", ".join(row["where"])
        lines.append(f"| {row['finding']} | {row['raised'] / n:.1%} | {row['false'] / n:.1%} | {where} |")
    return "\n".join(lines) + "\n"


def main(small: bool) -> None:
    size = (150, 1, ("static",), ("banking77",)) if small else (ITEMS, SEEDS, ENCODERS, CORPORA)
    records = list(run(*size))
    found, (rows, total) = detection(records), alarms(records)
    if small:
        sys.stdout.write(tables(found, rows, total))
        return
    told = [
        row
        for name in ENCODERS
        for place in ("cranfield", "vaswani")
        for row in proxies.effects(Remembered(name), place)
    ]
    design = {"items": ITEMS, "subsamples": SEEDS, "whole": WHOLE, "encoders": ENCODERS, "corpora": CORPORA}
    record = {"design": design, "detection": found, "alarms": rows, "total": total, "proxies": told}
    record["records"] = records
    (ROOT / "evidence" / "doctor.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    page = ROOT / "docs" / "doctor.md"
    text = page.read_text(encoding="utf-8")
    for name, made in {"planted": tables(found, rows, total), "proxies": proxies.table(told)}.items():
        mark = MARK.format(name)
        before, _, rest = text.split(mark)
        text = f"{before}{mark}\n\n{made}\n{mark}{rest}"
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
