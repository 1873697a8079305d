import hashlib
import os
from pathlib import Path

import numpy as np
import platformdirs.macos
import platformdirs.unix
import pytest

from cosimo.encode import (
    KNOWN,
    OnnxEncoder,
    StaticEncoder,
    cache_home,
    data_home,
    distill,
    find_model,
    load_encoder,
)
from cosimo.encode.models.homes import sha256_of, write_whole
from cosimo.encode.models.known import DataPackage, Distilled
from cosimo.errors import DataError, MissingModel
from encode.tiny_bert import write_tiny_bert


def test_homes_follow_the_xdg_specification(tmp_path, monkeypatch):
    monkeypatch.delenv("COSIMO_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    assert data_home() == tmp_path / ".local" / "share" / "cosimo"
    assert cache_home() == tmp_path / ".cache" / "cosimo"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "d"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    assert (data_home(), cache_home()) == (tmp_path / "d" / "cosimo", tmp_path / "c" / "cosimo")


@pytest.mark.parametrize(
    ("system", "data", "cache"),
    [
        (platformdirs.macos.MacOS, "Library/Application Support/cosimo", "Library/Caches/cosimo"),
        (platformdirs.unix.Unix, ".local/share/cosimo", ".cache/cosimo"),
    ],
)
def test_homes_are_where_the_system_wants_them_unless_there_are_older_ones(tmp_path, monkeypatch, system, data, cache):
    for variable in ("COSIMO_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(platformdirs, "PlatformDirs", system)
    assert (data_home(), cache_home()) == (tmp_path / data, tmp_path / cache)
    for earlier in (".local/share", ".cache"):
        (tmp_path / earlier / "cosimo").mkdir(parents=True)
    assert (data_home(), cache_home()) == (tmp_path / ".local/share/cosimo", tmp_path / ".cache/cosimo")


def test_one_variable_moves_both_homes(home):
    assert data_home().is_relative_to(home)
    assert cache_home().is_relative_to(home)
    assert data_home() != cache_home()


def test_known_models_are_pinned():
    for model in KNOWN.values():
        if isinstance(model, DataPackage):
            assert all(len(bytes.fromhex(digest)) == 32 for digest in model.files.values())
            assert not any(Path(file).is_absolute() or ".." in file for file in model.files)
        else:
            assert isinstance(model, Distilled)
            assert model.teacher in KNOWN


def test_minilm_files_are_the_pinned_ones(minilm_files):
    for file, digest in KNOWN["minilm"].files.items():
        assert hashlib.sha256((minilm_files / file).read_bytes()).hexdigest() == digest, file


def test_finds_what_was_fetched_before_a_folder_of_that_name(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "minilm").mkdir()
    with pytest.raises(MissingModel, match="cosimo fetch minilm"):
        find_model("minilm")
    assert find_model("./minilm") == Path("minilm")
    fetched = data_home() / "models" / "minilm"
    fetched.mkdir(parents=True)
    assert find_model("minilm") == fetched


def test_finds_models_of_the_hub(home, tmp_path):
    with pytest.raises(MissingModel, match="run: cosimo fetch some/model"):
        find_model("some/model")
    snapshot = tmp_path / "hub" / "models--some--model" / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    refs = tmp_path / "hub" / "models--some--model" / "refs"
    refs.mkdir()
    (refs / "main").write_text("c0ffee\n")
    assert find_model("some/model") == snapshot
    fetched = data_home() / "models" / "some" / "model"
    fetched.mkdir(parents=True)
    assert find_model("some/model") == fetched


@pytest.mark.parametrize("variable", ["HF_HOME", "XDG_CACHE_HOME"])
def test_cache_of_the_hub_where_its_variables_say(home, tmp_path, monkeypatch, variable):
    for other in ("HF_HUB_CACHE", "HF_HOME"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    hub = tmp_path / "hub" if variable == "HF_HOME" else tmp_path / "huggingface" / "hub"
    snapshot = hub / "models--some--model" / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("c0ffee")
    assert find_model("some/model") == snapshot


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("minilm", 'the model "minilm" is not on this machine; run: cosimo fetch minilm'),
        ("minlm", 'did you mean "minilm"'),
        ("sttic", 'did you mean "static"'),
        ("nothing like it", "cosimo fetch NAME"),
        ("/no/such/folder", "cosimo fetch NAME"),
        ("../models", "cosimo fetch NAME"),
        ("", "cosimo fetch NAME"),
    ],
)
def test_missing_model_names_the_command(home, tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingModel, match=said):
        load_encoder(name)


def test_picks_the_encoder_by_what_the_folder_holds(home, tiny_bert, tmp_path):
    teacher = load_encoder(tiny_bert)
    assert isinstance(teacher, OnnxEncoder)
    distill(teacher, dims=4).save(tmp_path / "student")
    student = load_encoder(tmp_path / "student")
    assert isinstance(student, StaticEncoder)
    assert student.dim == 4


def test_a_folder_is_called_by_its_whole_path(home, tiny_bert, monkeypatch):
    monkeypatch.chdir(tiny_bert.parent)
    encoder = load_encoder("tiny")
    again = load_encoder(encoder.passport.name)
    assert encoder.passport.name == str(tiny_bert.resolve())
    assert again.passport.digest == encoder.passport.digest


def test_a_fetched_model_is_called_by_its_name(home):
    write_tiny_bert(data_home() / "models" / "minilm")
    assert load_encoder("minilm").passport.name == "minilm"


def test_folder_that_is_no_model(home, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"config\.json"):
        load_encoder(tmp_path / "empty")


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_other_device_is_refused(tiny_bert, home, device):
    with pytest.raises(DataError, match=device):
        load_encoder(tiny_bert, device=device)
    assert load_encoder(tiny_bert, device="cpu").dim == 32


def test_other_precision_is_refused(tiny_bert, home):
    with pytest.raises(DataError, match="int4"):
        load_encoder(tiny_bert, precision="int4")


def test_hash_is_remembered_until_the_file_changes(home, tmp_path, monkeypatch):
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    assert sha256_of(file) == hashlib.sha256(b"one").hexdigest()
    calls = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *given: calls.append(given) or digest(*given))
    moved = file.rename(tmp_path / "moved")
    assert sha256_of(moved) == hashlib.sha256(b"one").hexdigest()
    assert not calls
    moved.write_bytes(b"two")
    os.utime(moved, ns=(0, 0))
    assert sha256_of(moved) == hashlib.sha256(b"two").hexdigest()
    assert calls


def test_damaged_memory_of_a_hash_is_ignored(home, tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    digest = sha256_of(file)
    for note in (cache_home() / "hashes").iterdir():
        note.write_bytes(b"[]")
    assert sha256_of(file) == digest


def test_unwritable_home_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="COSIMO_HOME"):
        write_whole(tmp_path / "file" / "below", b"")


def test_wordllama_folder_is_read(home):
    """The layout that fetching leaves behind, with a table of its own."""
    from safetensors.numpy import save_file

    from cosimo.encode.texts.wordllama_wheel import TOKENIZER, WEIGHTS
    from encode.tiny_bert import VOCABULARY, tiny_tokenizer

    folder = data_home() / "models" / "wordllama"
    for file in (WEIGHTS, TOKENIZER):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
    table = np.random.default_rng(0).normal(size=(len(VOCABULARY), 8)).astype(np.float32)
    save_file({"embedding.weight": table}, folder / WEIGHTS)
    tiny_tokenizer().save(str(folder / TOKENIZER))
    encoder = load_encoder("wordllama")
    assert isinstance(encoder, StaticEncoder)
    assert (encoder.dim, encoder.name) == (8, "wordllama")
    assert KNOWN["wordllama"].files.keys() == {WEIGHTS, TOKENIZER}
