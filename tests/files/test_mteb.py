import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from assembly.toys import toy_space
from cosimo import Space
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, MissingExtra
from cosimo.files.mteb import ALONE, mteb_name, our_name
from cosimo.interchange import MtebEncoder, read_mteb, write_mteb
from cosimo.refine import Affine
from cosimo.statistics import correlation
from cosimo.types import Estimate, Interval, Report

INTERVAL = Interval(0.25, 0.9375, 0.95, "t", "query", 3, "estimate", "these queries")
RANKED = Report(
    metrics={
        "ndcg@10": Estimate(2 / 3, INTERVAL, np.array([1.0, 1 / 3, 2 / 3])),
        "success@1": Estimate(-0.5),
        "map": Estimate(0.1),
    },
    n=3,
    items="digest",
    seed=7,
    passport="cf69",
    settings={"task": "NFCorpus", "depth": np.int64(1000), "family": "medicine"},
    warnings=("2 texts were cut",),
    answers={"map": (np.array([1, 0, 1]), np.array([0.5, -0.25, 1e-12]))},
    clusters=np.array(["a", "b", "b"]),
)
ENGLISH = ["eng-Latn"]
BY_MTEB = {
    "dataset_revision": "b0fddb56",
    "task_name": "STSBenchmark",
    "mteb_version": "2.26.24",
    "scores": {
        "test": [
            {
                "pearson": 0.806151,
                "spearman": 0.809562,
                "cosine_spearman": 0.809562,
                "main_score": 0.809562,
                "hf_subset": "default",
                "languages": ENGLISH,
                "mteb_version": "2.26.24",
                "scores_per_experiment": [{"spearman": 0.8}],
            }
        ]
    },
    "evaluation_time": 5.4,
    "kg_co2_emissions": None,
}


def with_scores(main, **others):
    """A result whose one subset has these scores."""
    return BY_MTEB | {"scores": {"test": [{"main_score": main, "hf_subset": "default", "languages": ENGLISH} | others]}}


@pytest.fixture
def mteb(monkeypatch):
    """The package itself, which must not look for anything in the network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return pytest.importorskip("mteb", reason='mteb is not installed: pip install "cosimo[bench]"')


def stored(folder, content):
    file = folder / "result.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def filled(mteb, name, pairs):
    """A task of mteb's with pairs of ours instead of its own data."""
    datasets = pytest.importorskip("datasets")
    task = mteb.get_task(name, eval_splits=["test"])
    columns = {column: list(pairs[column]) for column in ("sentence1", "sentence2", "score")}
    task.dataset, task.data_loaded = datasets.DatasetDict(test=datasets.Dataset.from_dict(columns)), True
    return task


def evaluated(mteb, space, task):
    result = mteb.evaluate(MtebEncoder(space), task, cache=None, co2_tracker=False, show_progress_bar=False)
    return result.task_results[0]


class TestResults:
    def test_a_report_comes_back_whole(self, tmp_path):
        file = write_mteb(RANKED, tmp_path, languages=ENGLISH)
        assert file == tmp_path / "NFCorpus.json"
        (back,) = read_mteb(file).values()
        assert list(back.metrics) == list(RANKED.metrics)
        for name, was in RANKED.metrics.items():
            assert (back.metrics[name].value, back.metrics[name].interval) == (was.value, was.interval)
        np.testing.assert_array_equal(back.metrics["ndcg@10"].per_item, RANKED.metrics["ndcg@10"].per_item)
        for found, was in zip(back.answers["map"], RANKED.answers["map"], strict=True):
            np.testing.assert_array_equal(found, was)
        assert back.clusters.tolist() == ["a", "b", "b"]
        assert back.settings == RANKED.settings
        same = ("n", "items", "seed", "passport", "warnings")
        assert [getattr(back, name) for name in same] == [getattr(RANKED, name) for name in same]

    def test_numbers_have_the_names_that_mteb_gives_them(self, tmp_path):
        file = write_mteb(RANKED, tmp_path, languages=ENGLISH)
        (scores,) = json.loads(file.read_text())["scores"]["test"]
        del scores["cosimo"]
        assert scores == {
            "ndcg_at_10": 2 / 3,
            "hit_rate_at_1": -0.5,
            "map_at_1000": 0.1,
            "main_score": 2 / 3,
            "hf_subset": "default",
            "languages": ENGLISH,
            "mteb_version": None,
        }

    def test_names_go_there_and_back(self):
        names = ["recall@100", "precision@1", "roc_auc", "success@10", "map@10", *ALONE]
        assert [our_name(mteb_name(name)) for name in names] == names

    def test_other_splits_and_subsets_stay(self, tmp_path):
        german, english = replace(RANKED, n=1), replace(RANKED, n=2)
        languages = {"de": ["deu-Latn"], "en": ENGLISH}
        write_mteb({"de": german, "en": english}, tmp_path, languages=languages)
        write_mteb({"en": RANKED}, tmp_path, languages=languages, split="dev")
        file = write_mteb({"en": RANKED}, tmp_path, languages=languages)
        found = {place: report.n for place, report in read_mteb(file).items()}
        assert found == {("test", "de"): 1, ("test", "en"): 3, ("dev", "en"): 3}
        entries = json.loads(file.read_text())["scores"]["test"]
        assert {entry["hf_subset"]: entry["languages"] for entry in entries} == languages

    def test_what_mteb_measured_and_what_we_did_share_a_file(self, tmp_path):
        file = stored(tmp_path, BY_MTEB)
        write_mteb(RANKED, file, languages=ENGLISH, task="STSBenchmark", split="dev", revision="b0fddb56")
        kept = json.loads(file.read_text())
        assert kept["scores"]["test"] == BY_MTEB["scores"]["test"]
        assert kept["mteb_version"] == "2.26.24"
        assert list(read_mteb(file)) == [("test", "default"), ("dev", "default")]

    def test_what_mteb_wrote(self, tmp_path):
        file = stored(tmp_path, BY_MTEB)
        (tmp_path / "model_meta.json").write_text('{"name": "org/model", "revision": "c9745e"}')
        report = read_mteb(file)["test", "default"]
        assert {name: estimate.value for name, estimate in report.metrics.items()} == {
            "spearman": 0.809562,
            "pearson": 0.806151,
            "cosine_spearman": 0.809562,
        }
        assert next(iter(report.metrics)) == "spearman"
        assert (report.n, report.seed, report.passport) == (0, 0, "org/model@c9745e")
        assert report.items == "STSBenchmark/default/test@b0fddb56"
        assert report.settings["languages"] == ENGLISH
        assert report.settings["mteb_version"] == "2.26.24"

    @pytest.mark.parametrize(
        ("main", "scores", "headline"),
        [
            (1.0, {"ndcg_at_1": 1.0, "ndcg_at_10": 1.0}, "ndcg@10"),
            (0.5, {"similarity_ap": 0.5, "cosine_ap": 0.5, "max_ap": 0.5}, "ap"),
            (-0.125, {"p-MRR": -0.125, "map_at_1": -0.5}, "p-MRR"),
            (0.25, {"accuracy": 0.5}, "main_score"),
            (float("nan"), {"accuracy": float("nan")}, "main_score"),
            (None, {"accuracy": 0.5}, "main_score"),
        ],
    )
    def test_the_main_score_is_the_headline(self, main, scores, headline, tmp_path):
        (report,) = read_mteb(stored(tmp_path, with_scores(main, **scores))).values()
        assert next(iter(report.metrics)) == headline

    def test_a_value_that_is_no_number_comes_back(self, tmp_path):
        report = replace(RANKED, metrics={"ndcg@10": Estimate(float("nan"))})
        (back,) = read_mteb(write_mteb(report, tmp_path, languages=ENGLISH)).values()
        assert np.isnan(back.metrics["ndcg@10"].value)


BAD = {
    "no json": ("not json", "result.json is no JSON"),
    "old": ({"mteb_dataset_name": "STS12", "test": {}}, "older than mteb 1.11"),
    "list": ([], "is no MTEB result"),
    "no task": ({"scores": {}, "dataset_revision": "1"}, "is no MTEB result"),
    "scores a list": (BY_MTEB | {"scores": []}, "is no MTEB result"),
    "no subset": (BY_MTEB | {"scores": {"test": [{"main_score": 1}]}}, "is no MTEB result"),
    "languages no list": (with_scores(1.0, languages=None), "is no MTEB result"),
    "main score a text": (with_scores("high"), "is no MTEB result"),
    "other format": (with_scores(1.0, cosimo={"format": 9}), "format 9"),
    "no report": (with_scores(1.0, cosimo=None), "format None"),
    "half a report": (with_scores(1.0, cosimo={"format": 1}), "no report written by cosimo"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_files_that_hold_something_else(content, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read_mteb(stored(tmp_path, content))


def test_no_file_is_named(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_mteb(tmp_path / "nothing.json")


class TestWhatCannotBeWritten:
    def test_another_task_or_revision(self, tmp_path):
        file = stored(tmp_path, BY_MTEB)
        for wrong in ({"task": "STS12", "revision": "b0fddb56"}, {"task": "STSBenchmark", "revision": "1"}):
            with pytest.raises(DataError, match='holds results of "STSBenchmark" at revision "b0fddb56"'):
                write_mteb(RANKED, file, languages=ENGLISH, **wrong)
        assert json.loads(file.read_text()) == BY_MTEB

    @pytest.mark.parametrize(("languages", "got"), [([], "none"), ("en", "'en'"), ({"de": ["deu-Latn"]}, "none")])
    def test_languages_without_codes(self, languages, got, tmp_path):
        with pytest.raises(DataError, match=f"subset 'default' wants languages as codes such as 'eng-Latn', got {got}"):
            write_mteb(RANKED, tmp_path, languages=languages)
        assert not list(tmp_path.iterdir())

    def test_reports_without_a_task(self, tmp_path):
        for reports in (replace(RANKED, settings={}), {"a": RANKED, "b": replace(RANKED, settings={"task": "x"})}):
            with pytest.raises(DataError, match="do not name one task"):
                write_mteb(reports, tmp_path, languages=ENGLISH)
        with pytest.raises(DataError, match="there is no report to write"):
            write_mteb({}, tmp_path, languages=ENGLISH, task="STS12")

    def test_reports_without_metrics(self, tmp_path):
        with pytest.raises(DataError, match="has no metrics"):
            write_mteb(replace(RANKED, metrics={}), tmp_path, languages=ENGLISH)

    def test_settings_that_are_no_json(self, tmp_path):
        report = replace(RANKED, settings={"task": "x", "space": object()})
        with pytest.raises(DataError, match="holds what JSON cannot: object"):
            write_mteb(report, tmp_path, languages=ENGLISH)


class TestWithMteb:
    def test_it_reads_what_we_write(self, mteb, tmp_path):
        file = write_mteb(RANKED, tmp_path, languages=ENGLISH, revision="1")
        result = mteb.TaskResult.from_disk(file)
        assert result.get_score() == result.get_score(languages=["eng"]) == 2 / 3
        assert (result.task_name, result.hf_subsets, result.eval_splits) == ("NFCorpus", ["default"], ["test"])
        result.to_disk(tmp_path / "again.json")
        (back,) = read_mteb(tmp_path / "again.json").values()
        assert back.metrics["ndcg@10"].interval == INTERVAL
        np.testing.assert_allclose(back.metrics["ndcg@10"].per_item, [1, 1 / 3, 2 / 3], atol=1e-6)

    def test_it_reads_what_is_no_number(self, mteb, tmp_path):
        unbounded = replace(INTERVAL, low=-np.inf, high=np.inf)
        report = replace(RANKED, metrics={"map": Estimate(float("nan"), unbounded, np.array([np.nan, 1.0]))})
        file = write_mteb(report, tmp_path, languages=ENGLISH)
        result = mteb.TaskResult.from_disk(file)
        assert np.isnan(result.get_score())
        result.to_disk(file)
        (back,) = read_mteb(file).values()
        assert back.metrics["map"].interval == unbounded
        np.testing.assert_array_equal(back.metrics["map"].per_item, [np.nan, 1.0])

    def test_it_does_not_take_our_numbers_for_its_own(self, mteb, tmp_path):
        file = stored(tmp_path, BY_MTEB)
        write_mteb(RANKED, file, languages=ENGLISH, task="STSBenchmark", split="dev", revision="b0fddb56")
        result = mteb.TaskResult.from_disk(file)
        assert [result.scores[split][0]["mteb_version"] for split in ("test", "dev")] == ["2.26.24", None]

    def test_its_cache_finds_what_we_write(self, mteb, tmp_path):
        folder = tmp_path / "results" / "cosimo__toy" / "1"
        write_mteb(RANKED, folder, languages=ENGLISH)
        found = mteb.ResultCache(tmp_path).load_results(require_model_meta=False, include_remote=False)
        (result,) = found.model_results[0].task_results
        assert result.get_score() == 2 / 3

    def test_we_read_what_it_writes(self, mteb, tmp_path):
        space = Space(FunctionEncoder(lambda texts: [[len(text), text.count("a"), -1.0] for text in texts]))
        pairs = {"sentence1": ["a", "bb", "aaa"], "sentence2": ["ab", "a", "aa"], "score": [3.0, 1.0, 5.0]}
        result = evaluated(mteb, space, filled(mteb, "STS12", pairs))
        result.to_disk(tmp_path / "STS12.json")
        report = read_mteb(tmp_path / "STS12.json")["test", "default"]
        assert next(iter(report.metrics)) == "spearman"
        assert report.metrics["spearman"].value == pytest.approx(result.get_score(), abs=1e-6)
        ours = write_mteb(replace(report, n=3), tmp_path / "ours.json", languages=ENGLISH, revision="other")
        assert mteb.TaskResult.from_disk(ours).get_score() == report.metrics["spearman"].value
        merged = result.merge(mteb.TaskResult.from_disk(ours), criteria=[])
        merged.to_disk(tmp_path / "merged.json")
        assert read_mteb(tmp_path / "merged.json")["test", "default"].n == 3

    def test_a_space_is_an_encoder_of_its(self, mteb):
        model = MtebEncoder(toy_space())
        assert isinstance(model, mteb.EncoderProtocol)
        assert not isinstance(model, mteb.SearchProtocol)
        meta = model.mteb_model_meta
        assert (meta.name, meta.revision) == ("cosimo/toy", toy_space().passport.key)
        assert (meta.embed_dim, meta.similarity_fn_name.value) == (toy_space().dim, "cosine")
        assert json.dumps(meta.to_dict(), default=str)

    def test_a_similarity_it_does_not_know(self, mteb):
        space = Space(FunctionEncoder(lambda texts: [[len(text)] for text in texts]), similarity="manhattan")
        assert MtebEncoder(space).mteb_model_meta.similarity_fn_name.value == "manhattan"

    def test_its_numbers_are_ours(self, mteb, minilm, data: Path):
        pairs = pd.read_parquet(data / "stsb" / "stsb_en.parquet").query("split == 'test'")
        space = Space.load(minilm)
        scores = evaluated(mteb, space, filled(mteb, "STSBenchmark.v2", pairs)).scores["test"][0]
        S = space.similarity_pairwise(list(pairs["sentence1"]), list(pairs["sentence2"]))
        for name in ("spearman", "pearson"):
            assert correlation(S, pairs["score"], coefficient=name) == pytest.approx(scores[f"cosine_{name}"], abs=1e-6)
            assert scores[name] == pytest.approx(scores[f"cosine_{name}"], abs=1e-6)


class TestEncoder:
    def test_batches_are_one_table_in_order(self):
        space = toy_space()
        texts = ["cooking rice", "", "vectors", "rice"]
        batches = [{"text": texts[:3], "id": ["1", "2", "3"]}, {"text": texts[3:]}]
        X = MtebEncoder(space).encode(batches, task_metadata=None, hf_split="test", hf_subset="default", batch_size=2)
        np.testing.assert_array_equal(X, space.encode(texts))

    def test_no_text_at_all(self):
        X = MtebEncoder(toy_space()).encode([], task_metadata=None, hf_split="test", hf_subset="default")
        assert X.shape == (0, toy_space().dim)

    @pytest.mark.parametrize("side", ["query", "document"])
    def test_the_side_becomes_the_role(self, side):
        refiner = {role: Affine(np.eye(2), np.array([0.0, shift])) for role, shift in (("query", 1), ("document", -1))}
        space = Space(FunctionEncoder(lambda texts: [[len(text), 1.0] for text in texts]), refiner=refiner)
        where = {"task_metadata": None, "hf_split": "test", "hf_subset": "default"}
        X = {role: space.encode(["a", "ab"], role=role) for role in ("query", "document")}
        assert not np.array_equal(X["query"], X["document"])
        for given in (side, SimpleNamespace(value=side)):
            np.testing.assert_array_equal(
                MtebEncoder(space).encode([{"text": ["a", "ab"]}], prompt_type=given, **where), X[side]
            )

    def test_scores_are_those_of_the_space(self):
        space = Space(FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts]), similarity="dot")
        model = MtebEncoder(space)
        X = space.encode(["a", "bb", "ccc"])
        np.testing.assert_array_equal(model.similarity(X[:2], X), space.similarity(X[:2], X))
        np.testing.assert_array_equal(model.similarity(X[0], X), space.similarity(X[:1], X))
        np.testing.assert_array_equal(model.similarity_pairwise(X, X[::-1]), space.similarity_pairwise(X, X[::-1]))
        assert model.similarity_pairwise(X, X[::-1]).shape == (3,)

    def test_tensors_are_taken(self):
        torch = pytest.importorskip("torch")
        space = toy_space()
        X = space.encode(["cooking rice", "vectors"])
        found = MtebEncoder(space).similarity(torch.tensor(X[:1]), torch.tensor(X))
        np.testing.assert_array_equal(found, space.similarity(X[:1], X))

    def test_batches_of_something_else(self):
        with pytest.raises(DataError, match="cannot be asked for image, label"):
            MtebEncoder(toy_space()).encode(
                [{"image": [], "label": []}], task_metadata=None, hf_split="test", hf_subset="default"
            )

    def test_a_precision_of_its_own(self):
        model = MtebEncoder(toy_space())
        where = {"task_metadata": None, "hf_split": "test", "hf_subset": "default"}
        assert len(model.encode([{"text": ["a"]}], precision="float32", **where)) == 1
        with pytest.raises(DataError, match="precision 'binary'"):
            model.encode([{"text": ["a"]}], precision="binary", **where)

    def test_mteb_is_needed_for_its_own_card_only(self, monkeypatch):
        for name in ("mteb", "mteb.models", "mteb.models.model_meta"):
            monkeypatch.setitem(sys.modules, name, None)
        model = MtebEncoder(toy_space())
        model.encode([{"text": ["a"]}], task_metadata=None, hf_split="test", hf_subset="default")
        with pytest.raises(MissingExtra, match=r'pip install "cosimo\[bench\]"'):
            _ = model.mteb_model_meta
