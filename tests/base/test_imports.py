"""Import weight, told by what a fresh interpreter has loaded and never by the clock."""

import subprocess
import sys
from pathlib import Path

import pytest

from serve.scene import save_space

HEAVY = {"numpy", "scipy", "sklearn", "torch", "transformers", "pandas", "pyarrow", "faiss", "onnx", "onnxruntime"}
OFF_THE_SEARCH_PATH = HEAVY - {"numpy", "onnxruntime"} | {"sentence_transformers", "huggingface_hub", "rich"}
ROOMS = ["encode", "refine", "compare", "search"]


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after running `code`."""
    told = f"{code}\nimport sys\nprint('loaded:', *{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("loaded:")[2].split())


def test_importing_cosimo_loads_nothing_heavy():
    assert not loaded_after("import cosimo") & HEAVY


def test_listing_names_loads_nothing_heavy():
    assert not loaded_after("import cosimo; dir(cosimo); cosimo.__all__; cosimo.__version__") & HEAVY


@pytest.mark.parametrize("room", ROOMS)
def test_importing_a_room_loads_nothing_heavy(room):
    assert not loaded_after(f"import cosimo.{room}; dir(cosimo.{room})") & HEAVY


def test_importing_contracts_loads_nothing_heavy():
    assert not loaded_after("import cosimo.contracts") & HEAVY


def searched(space: Path | str, folder: Path) -> set[str]:
    """What a fresh interpreter loads to answer one hybrid query over a filtered collection in that space."""
    import cosimo

    path = folder / "small.cosimo"
    with cosimo.Collection.create(path, cosimo.Space.load(space), fields={"year": int}) as collection:
        collection.add([{"text": "late interaction", "year": 2020}, {"text": "cooking rice", "year": 1999}])
    return loaded_after(
        "import cosimo\n"
        f"with cosimo.Collection.open({str(path)!r}, mode='r') as collection:\n"
        "    hits = collection.search('rice', k=2, where='year < 2000', hybrid=True)\n"
        "    assert [hit.text for hit in hits[0]] == ['cooking rice']"
    )


def test_a_search_loads_numpy_and_little_else(tmp_path):
    loaded = searched(save_space(tmp_path / "tiny", seed=0), tmp_path)
    assert "numpy" in loaded
    assert not loaded & (OFF_THE_SEARCH_PATH | {"onnxruntime"})


def test_a_search_with_a_transformer_needs_no_torch(minilm, tmp_path):
    loaded = searched(minilm, tmp_path)
    assert "onnxruntime" in loaded
    assert not loaded & OFF_THE_SEARCH_PATH
