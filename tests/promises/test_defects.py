"""The planting itself: what is planted is there, what is healthy is not touched, and the counts are right."""

import numpy as np
import pytest

from assembly.toys import DIM, bag_of_words
from cosimo import Collection
from cosimo.encode import tally
from promises.defects import Patient, blended, cases, constant, distinct, pulled, rounded, shifted, stretched
from promises.doctor import alarms, detection, tables

TEXTS = [f"word{i} word{i + 1} word{2 * i} and {'more ' * (i % 9)}" for i in range(60)]


class Healthy:
    name, dim = "toy", DIM

    def __call__(self, texts):
        return bag_of_words(texts)


X = bag_of_words(TEXTS)


def test_what_is_planted_is_there():
    assert (constant(0.5, 4.0)(X, TEXTS)[:, 7] == 2.0).all()
    moved = shifted(2.0, 3.0, np.random.default_rng(0), DIM)(X, TEXTS) - X
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 6.0, rtol=1e-5)
    assert np.ptp(moved, axis=0).max() < 1e-5
    lengths = np.linalg.norm(stretched(0.2)(X, TEXTS), axis=1)
    assert np.log(lengths).std() == pytest.approx(0.2, abs=0.06)
    for share in (0.6, 0.9, 1.0):
        assert (rounded(np.random.default_rng(0).normal(size=(99, 9)), share)(X * 0.01, TEXTS) == 0).all()
    normal = np.random.default_rng(0).normal(size=(999, 9))
    assert (rounded(normal, 0.6)(normal, TEXTS) == 0).mean() == pytest.approx(0.6, abs=0.01)
    np.testing.assert_allclose(blended(0.5)(X[:2], TEXTS[:2]), X[:2] - X[:2].mean(axis=0) / 2)
    np.testing.assert_array_equal(blended(0.5)(X[:1], TEXTS[:1]), X[:1])


def test_only_the_hub_is_pulled():
    mean = np.eye(1, DIM)[0]
    Y = pulled(1.0, 2.0, mean, TEXTS[3])(X, TEXTS)
    np.testing.assert_allclose(Y[3], 2 * mean, atol=1e-6)
    np.testing.assert_array_equal(np.delete(Y, 3, axis=0), np.delete(X, 3, axis=0))


def test_a_patient_without_a_defect_is_the_healthy_encoder():
    np.testing.assert_array_equal(Patient(Healthy()).encode(TEXTS), X)
    with_prompts = Patient(Healthy(), prompts={"query": "ask: "})
    np.testing.assert_array_equal(with_prompts.encode(["a"], role="query"), bag_of_words(["ask: a"]))
    np.testing.assert_array_equal(with_prompts.encode(["a"]), bag_of_words(["a"]))
    assert Patient(Healthy()).encode([]).shape == (0, DIM)


def test_a_batch_is_what_one_call_sees():
    patient = Patient(Healthy(), lambda X, texts: X + len(X))
    assert (patient.encode(TEXTS[:8], batch_size=4) - bag_of_words(TEXTS[:8]) == 4).all()


def test_what_is_cut_is_noted():
    with tally() as seen:
        X = Patient(Healthy(), words=2).encode(["a b c", "a b"])
    assert (seen.cut, seen.limit) == (1, 2)
    np.testing.assert_array_equal(X[0], X[1])


def test_all_cases_can_be_made(tmp_path):
    made = list(cases(Healthy(), TEXTS, tmp_path, 0, Healthy()))
    defects = {case.defect for case in made} - {"none"}
    assert len(defects) == 10
    assert sum(case.defect == "none" for case in made) == 4
    stored = [case for case in made if isinstance(case.target, Collection)]
    assert len(stored) == 9
    for case in stored:
        assert len(case.target) == len(TEXTS)
        case.target.close()


def test_texts_are_taken_once():
    assert distinct(["A b", "a  B", "", " ", "c"]) == ["a  B", "c"]


def record(defect, strength, encoder, corpus, **more):
    return {"defect": defect, "strength": strength, "encoder": encoder, "corpus": corpus, "raised": [], **more}


RECORDS = [
    record("none", "by cosine", "static", "cranfield", raised=["hubs"], false=[]),
    record("none", "by cosine", "minilm", "ag_news", raised=["cut"], false=["cut"]),
    record("none", "stored", "minilm", "ag_news", raised=["x"], false=["x"]),
    record("hub", "1", "static", "cranfield", found=True, finding=("hubs",)),
    record("hub", "1", "minilm", "cranfield", found=False, finding=("hubs",)),
]


def test_counts():
    (row,) = detection(RECORDS)
    assert (row["runs"], row["found"], row["healthy"]) == (2, 1, 0.5)
    assert (row["static"], row["minilm"], row["wordllama"], row["cranfield"], row["ag_news"]) == (
        1.0,
        0.0,
        None,
        0.5,
        None,
    )
    rows, total = alarms(RECORDS)
    assert [(one["finding"], one["raised"], one["false"]) for one in rows] == [("hubs", 1, 0), ("cut", 1, 1)]
    assert total == {"twins": 2, "others": 1, "false": 1, "false in others": 1}
    shown = tables([row], rows, total)
    assert "| hub | 1 | 50% | 50% | 0% | 100% |  | " in shown
    assert "| cut | 50.0% | 50.0% | minilm on ag_news |" in shown
