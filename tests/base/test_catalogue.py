"""The catalogue: complete, joined to the code both ways, and statuses that cannot lie."""

import json
from pathlib import Path

import numpy as np
import pytest

import run_claims
from cosimo import catalogue
from cosimo.errors import DataError, MissingModel

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "cosimo"
HOMES = {"encode", "learn", "refine", "compare", "search", "decide", "measure", "explain", "apply", "serve"}
ROWS = catalogue.rows()
REGISTER = {row.name: claims_of for row in ROWS if (claims_of := catalogue.claims(row))}
MEASURED = sorted({(name, entry.get("test", "run")) for name, entries in REGISTER.items() for entry in entries})


def modules_of(home):
    return [path for path in (PACKAGE / home).rglob("*.py") if path.stem != "__init__"]


def dotted(path):
    return ".".join(("cosimo", *path.relative_to(PACKAGE).with_suffix("").parts))


class TestRows:
    def test_numbers_are_1_to_228(self):
        assert [row.n for row in ROWS] == list(range(1, 229))

    def test_keys_are_unique_and_fields_exact(self):
        lines = (PACKAGE / "catalogue.jsonl").read_text(encoding="utf-8").splitlines()
        fields = ["n", "name", "paper", "home", "slot", "summary"]
        for line in lines:
            keys = list(json.loads(line))
            assert keys[:6] == fields
            assert set(keys[6:]) <= {"file", "link", "assumes"}
        assert len({row.name for row in ROWS}) == len(ROWS)

    def test_homes_are_rooms(self):
        assert {row.home for row in ROWS} == HOMES

    def test_summaries_are_one_short_line_each(self):
        assert len({row.summary for row in ROWS}) == len(ROWS)
        for row in ROWS:
            assert row.summary == row.summary.strip()
            assert 20 <= len(row.summary) <= 160, row.name
            assert "\n" not in row.summary
            assert "paper" not in row.summary.split(), f"{row.name}: say what it does, not that it is a paper"

    def test_module_names_are_importable_and_unique_in_their_room(self):
        places = [name if "/" in name else f"{row.home}/{name}" for row in ROWS for name in row.files]
        assert all(part.isidentifier() for place in places for part in place.split("/"))
        assert all(place.count("/") == 1 for place in places)
        assert len(set(places)) == len(places)


class TestJoin:
    def test_a_file_named_like_a_row_lies_in_its_room(self):
        home_of = {stem: row.home for row in ROWS for stem in row.files}
        for home in HOMES:
            for path in modules_of(home):
                assert home_of.get(path.stem, home) == home, f"{path} implements a row of {home_of[path.stem]}"

    def test_one_file_a_module_name(self):
        for row in ROWS:
            for stem in row.files:
                found = [path for path in modules_of(row.home) if path.stem == stem]
                assert len(found) <= 1, found

    def test_implemented_means_there_is_a_file(self):
        for row in ROWS:
            module = catalogue.module(row)
            assert (module is None) == (catalogue.status(row).state == "listed")
            rooms = {name.partition("/")[0] if "/" in name else row.home for name in row.files}
            assert module is None or module.split(".")[1] in rooms

    def test_evidence_and_claims_belong_to_rows(self):
        of_no_row = {"promises", "suites", "intervals", "doctor"}
        published = {path.stem for path in (ROOT / "evidence").glob("*.json")} - of_no_row
        assert published <= set(REGISTER) <= {row.name for row in ROWS}
        for name in published:
            assert catalogue.status(catalogue.row(name)).state not in ("listed", "implemented")


class TestLookUp:
    def test_row(self):
        assert catalogue.row("2d-matryoshka").files == ("matryoshka_2d",)

    def test_unknown_name_is_answered_with_the_closest(self):
        with pytest.raises(DataError, match="whiteningbert"):
            catalogue.row("whitening-bert")
        with pytest.raises(DataError, match="cosimo methods"):
            catalogue.row("§§§")

    def test_callers_cannot_change_the_catalogue(self):
        catalogue.rows().clear()
        assert len(catalogue.rows()) == 228

    @pytest.mark.parametrize(
        ("question", "expected"),
        [
            ("make vectors smaller", "bebr"),
            ("which threshold should I use?", "cosine-adapter"),
            ("embed the nodes of a graph", "fastrp"),
            ("merge models", "self-positioning"),
        ],
    )
    def test_find_by_words(self, question, expected):
        assert expected in [row.name for row in catalogue.find(question, k=5)]

    def test_find_by_words_is_empty_when_nothing_is_shared(self):
        assert catalogue.find("zzzzz") == []
        assert catalogue.find("", k=3) == []
        assert catalogue.find("vectors", k=0) == []

    def test_find_by_meaning_ranks_by_cosine(self):
        class Letters:
            def encode(self, items, *, role=None):
                return np.array([[item.lower().count(letter) for letter in "abcdefg"] for item in items], float)

        encoder = Letters()
        found = catalogue.find("graph", encoder, k=228)
        texts = [f"{row.summary} {row.name.replace('-', ' ')}. {row.paper}" for row in found]
        q, K = encoder.encode(["graph"])[0], encoder.encode(texts)
        scores = [float(q @ k / np.linalg.norm(q) / np.linalg.norm(k)) for k in K]
        assert len(found) == 228
        assert scores == pytest.approx(sorted(scores, reverse=True))


@pytest.fixture
def copy(tmp_path):
    """A checkout with one row's method, evidence and claims: (row, package folder, function that publishes)."""
    row = catalogue.row("whiteningbert")
    package = tmp_path / "src" / "cosimo"
    (tmp_path / "evidence").mkdir()
    (package / "refine" / "affine").mkdir(parents=True)

    def publish(*verdicts):
        record = {
            "claims": [{"verdict": verdict} for verdict in verdicts],
            "fingerprint": catalogue.fingerprint(row, package=package),
        }
        (tmp_path / "evidence" / "whiteningbert.json").write_text(json.dumps(record), encoding="utf-8")

    return row, package, publish


class TestStatus:
    def test_from_listed_to_stale(self, copy):
        row, package, publish = copy
        method = package / "refine" / "affine" / "whiteningbert.py"
        assert str(catalogue.status(row, package=package)) == "listed"
        method.write_text("x = 1\n", encoding="utf-8")
        assert str(catalogue.status(row, package=package)) == "implemented"
        assert catalogue.module(row, package=package) == "cosimo.refine.affine.whiteningbert"
        publish("holds", "mixed")
        assert str(catalogue.status(row, package=package)) == "1 of 2 held"
        method.write_bytes(b'"""What it is for."""\r\nimport math\r\n\r\nx = 1  # one')
        assert str(catalogue.status(row, package=package)) == "1 of 2 held", "words and line ends are no change"
        method.write_text("x = 2\n", encoding="utf-8")
        status = catalogue.status(row, package=package)
        assert (str(status), status.changed) == ("stale", ("refine/affine/whiteningbert.py",))

    def test_a_change_in_what_it_imports_makes_it_stale(self, copy):
        row, package, publish = copy
        parts = {"whiteningbert": "from cosimo.refine.pca import PCA", "pca": "from cosimo.refine import checks as c"}
        for name, text in (parts | {"checks": "x = 1", "other": "x = 1"}).items():
            (package / "refine" / f"{name}.py").write_text(text, encoding="utf-8")
        publish("holds")
        (package / "refine" / "other.py").write_text("x = 2", encoding="utf-8")
        assert catalogue.status(row, package=package).state == "measured"
        (package / "refine" / "checks.py").write_text("x = 2", encoding="utf-8")
        assert catalogue.status(row, package=package).changed == ("refine/checks.py",)

    def test_moved_is_not_changed(self, copy):
        row, package, publish = copy
        method = package / "refine" / "whiteningbert.py"
        method.write_text("from cosimo.refine.pca import PCA\nx = 1", encoding="utf-8")
        (package / "refine" / "pca.py").write_text("y = 1", encoding="utf-8")
        publish("holds")
        method.write_text("from cosimo.refine.affine.principal import PCA\nx = 1", encoding="utf-8")
        (package / "refine" / "pca.py").rename(package / "refine" / "affine" / "principal.py")
        status = catalogue.status(row, package=package)
        assert (status.state, status.moved, status.changed) == ("measured", ("refine/pca.py",), ())

    def test_a_changed_claim_makes_evidence_stale(self, copy):
        row, package, publish = copy
        (package / "refine" / "whiteningbert.py").write_text("1\n", encoding="utf-8")
        publish("holds")
        register = package.parents[1] / "claims"
        register.mkdir()
        (register / "another.toml").write_text("[[claim]]\nmargin = 1\n", encoding="utf-8")
        assert catalogue.status(row, package=package).state == "measured"
        (register / "whiteningbert.toml").write_text("[[claim]]\nmargin = 1\n", encoding="utf-8")
        assert catalogue.status(row, package=package).changed == ("claims",)

    def test_a_wheel_carries_its_own_evidence(self, copy):
        row, package, publish = copy
        (package / "refine" / "whiteningbert.py").write_text("1\n", encoding="utf-8")
        publish("holds")
        (package.parents[1] / "evidence").rename(package / "evidence")
        assert str(catalogue.status(row, package=package)) == "1 of 1 held"


class TestClaims:
    def test_register_is_complete(self):
        for name, entries in REGISTER.items():
            assert isinstance(entries, list), f"{name}: write [[claim]], a row may have several claims"
            for entry in entries:
                fields = {"claim", "metric", "data", "value", "baseline", "margin", "seeds", "paper"}
                assert fields <= set(entry) <= fields | {"test"}
                code = (ROOT / "tests" / "claims" / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8")
                assert f"\ndef {entry.get('test', 'run')}(seed):" in code

    @pytest.mark.claim
    @pytest.mark.filterwarnings("ignore::cosimo.encode.TruncationWarning")
    @pytest.mark.parametrize(("row", "function"), MEASURED)
    def test_every_registered_system_is_measured(self, row, function, data):
        try:
            found = run_claims.load(row, function)(0)
        except (MissingModel, ModuleNotFoundError) as missing:
            pytest.skip(str(missing))
        for entry in (entry for entry in REGISTER[row] if entry.get("test", "run") == function):
            value, baseline = (np.asarray(found[entry[system]]) for system in ("value", "baseline"))
            assert np.isfinite(value).all()
            assert np.isfinite(baseline).all()
            assert np.broadcast_shapes(value.shape, baseline.shape) in (value.shape, baseline.shape)

    def test_judge_one_seed_is_the_paired_t_interval(self):
        from scipy import stats

        rng = np.random.default_rng(0)
        value, baseline = rng.normal(1, 1, 50), rng.normal(0, 1, 50)
        ours = run_claims.judge(value[None], baseline[None], 0.0)
        theirs = stats.ttest_rel(value, baseline).confidence_interval()
        assert (ours["interval"]["low"], ours["interval"]["high"]) == pytest.approx(tuple(theirs), abs=1e-4)

    def test_judge_numbers_is_the_t_interval_over_seeds(self):
        from scipy import stats

        value = np.array([[3.0], [4.0], [8.0]])
        ours = run_claims.judge(value, np.ones((3, 1)), 0.0)
        theirs = stats.ttest_1samp(value[:, 0] - 1, 0).confidence_interval()
        assert (ours["interval"]["low"], ours["interval"]["high"]) == pytest.approx(tuple(theirs), abs=1e-4)

    @pytest.mark.parametrize(("margin", "verdict"), [(0.5, "holds"), (1.0, "mixed"), (1.5, "does-not-hold")])
    def test_verdicts(self, margin, verdict):
        value = np.tile([0.9, 1.1], 50)[None]
        assert run_claims.judge(value, np.zeros((1, 100)), margin)["verdict"] == verdict

    def test_nothing_varies_no_interval(self):
        judged = run_claims.judge(np.ones((3, 1)), np.zeros((3, 1)), 1.0)
        assert judged["interval"] is None
        assert judged["verdict"] == "holds"

    def test_pseudo_values_of_a_mean_are_the_values(self):
        x = np.array([1.0, -2.0, 4.0])
        assert run_claims.pseudo(lambda x: float(x.mean()), x) == pytest.approx(x)

    def test_outcome_keeps_reasons_and_runs_each_seed_once(self):
        entry = {key: key for key in ("metric", "data", "paper", "test")} | {"margin": 0.0, "seeds": [0, 1]}
        register = [
            entry | {"claim": "one", "value": "a", "baseline": "b"},
            entry | {"claim": "two", "value": "b", "baseline": "a"},
        ]
        calls = []

        def run(seed):
            calls.append(seed)
            return {"a": 2.0 + seed, "b": 1.0 - seed}

        told = {"reason": "a is better", "data": "data"}
        before = {"claims": [{**told, "claim": "two", "systems": ["b", "a"]}, {**told, "claim": "one", "systems": []}]}
        one, two = run_claims.outcome(register, lambda node: run, before)
        assert calls == [0, 1]
        assert (one["difference"], two["difference"]) == (2.0, -2.0)
        assert (one["reason"], two["reason"]) == ("", "a is better")
