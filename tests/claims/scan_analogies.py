"""Figures that the claims of scan-analogies compare."""

from dataclasses import replace
from functools import cache

import numpy as np

import data
from cosimo.measure import AnalogyMapping, lm_template
from measure.test_scan_analogies import FAR


class Likelihood:
    """Log-likelihoods of whole texts by SmolLM2, and lengths in its tokens."""

    def __init__(self):
        from models import smollm2

        self.made = smollm2()

    def loglik(self, texts):
        import torch

        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found = np.empty(len(texts))
        for start in range(0, len(texts), 64):
            rows = order[start : start + 64]
            batch = self.made.tokenizer(
                [texts[i] for i in rows], return_tensors="pt", padding=True, padding_side="right"
            )
            with torch.inference_mode():
                logits = self.made.model(**batch).logits[:, :-1].log_softmax(dim=-1)
            told = logits.gather(2, batch["input_ids"][:, 1:, None])[..., 0] * batch["attention_mask"][:, 1:]
            found[rows] = told.sum(dim=1).numpy()
        return found

    def length(self, text):
        return len(self.made.tokenizer(f" {text}")["input_ids"])


def near():
    """15 mappings of questions-words: of a section one pair as the example, the next 7 as the parts."""
    table = data.parquet("analogies", "questions_words")
    rows = []
    for section, some in table.groupby("section", sort=False):
        pairs = list(dict.fromkeys([*zip(some.a, some.b, strict=True), *zip(some.c, some.d, strict=True)]))
        for start in range(0, 16 if section == "capital-world" else 8, 8):
            rows += [(*pairs[start], *pair) for pair in pairs[start + 1 : start + 8]]
    return list(zip(*rows, strict=True))


def each(task):
    """A task for each mapping of a task."""
    rows = list(zip(task.sources, task.targets, task.a, task.b, strict=True))
    systems = dict.fromkeys(row[:2] for row in rows)
    return [AnalogyMapping(*zip(*(row for row in rows if row[:2] == system), strict=True)) for system in systems]


def by_mapping(task, ask):
    """{metric: (15,) means over the parts of a mapping} of `ask(task)`."""
    report = ask(task)
    return {
        name: np.array([found.per_item[report.clusters == i].mean() for i in range(15)])
        for name, found in report.metrics.items()
    }


def alone(task, scorer, name):
    """The same for a scorer that is asked within each mapping only: a cloze is a choice then."""
    reports = [one.evaluate(scorer, name=name).metrics for one in each(task)]
    return {name: np.array([metrics[name].value for metrics in reports]) for name in ("choice", "mapping")}


@cache
def measured():
    """The figures of every scorer on near and far analogies, one value a mapping."""
    from cosimo import Space

    found = {}
    llm, minilm = Likelihood(), Space.load("minilm")
    language_model = lm_template(llm, length=llm.length)

    def sentences(example, asked, candidates):
        pairs = [f"{a} is like {b}" for a in asked for b in candidates]
        return minilm.similarity(["{} is like {}".format(*example)], pairs).reshape(len(asked), -1)

    sides = {"far": AnalogyMapping.read(FAR), "near": AnalogyMapping(*near())}
    for side, task in sides.items():
        told = {
            f"{name} {rule}": by_mapping(replace(task, rule=rule), lambda one, space=space: one.run(space))
            for name, space in (("wordllama", Space.load("wordllama")), ("minilm", minilm))
            for rule in ("add", "mul", "difference")
        }
        told["minilm template"] = alone(task, sentences, "minilm template")
        told["smollm2 template"] = alone(task, language_model, "smollm2 template")
        found |= {f"{name}, {side}, {what}": x for name, values in told.items() for what, x in values.items()}
    return found


def run(seed):
    """The figures of every system; nothing in them is random, so each seed gives the same."""
    return measured()
