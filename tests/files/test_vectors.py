import io
import json
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import load_file, save_file

from assembly.toys import PAPERS, bag_of_words, toy_space
from cosimo import Collection, Space
from cosimo.encode import Precomputed
from cosimo.errors import DataError, ShapeError
from cosimo.interchange import export_vectors, load_vectors, save_vectors
from serve.scene import save_space

FORMATS = [".npy", ".npz", ".safetensors", ".parquet"]
WITH_IDS = FORMATS[1:]
X = np.array([[1, -2, 0.5], [0, 3, -1e-8]], np.float32)


@pytest.fixture
def papers(tmp_path):
    with Collection.create(tmp_path / "papers.cosimo", toy_space(), fields={"year": int}) as collection:
        collection.add(PAPERS, text=["title", "abstract"], id="id")
        collection.delete(["p2"])
        yield collection


def others_read(path):
    """Vectors and ids as numpy, safetensors and pyarrow read them."""
    if path.suffix == ".npy":
        return np.load(path), None
    if path.suffix == ".npz":
        found = np.load(path)
        return found["vectors"], found["ids"].tolist()
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return np.stack(table["vector"].to_numpy()), table["id"].to_pylist()
    length = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8 : 8 + length])
    return load_file(path)["vectors"], json.loads(header["__metadata__"]["ids"])


@pytest.mark.parametrize("suffix", FORMATS)
class TestFormat:
    def test_a_collection_is_read_by_others(self, papers, tmp_path, suffix):
        path = tmp_path / f"x{suffix}"
        assert export_vectors(papers, path) == 3
        found, ids = others_read(path)
        texts = [f"{paper['title']}\n{paper['abstract']}" for paper in PAPERS if paper["id"] != "p2"]
        np.testing.assert_array_equal(found, bag_of_words(texts))
        assert found.dtype == np.float32
        assert ids == (None if suffix == ".npy" else ["p1", "p3", "p4"])

    def test_a_filter_chooses(self, papers, tmp_path, suffix):
        assert export_vectors(papers, tmp_path / f"x{suffix}", where="year >= 2020") == 2
        assert load_vectors(tmp_path / f"x{suffix}")[1] in (None, ["p1", "p4"])

    def test_nothing_keeps_its_dimensions(self, papers, tmp_path, suffix):
        assert export_vectors(papers, tmp_path / f"x{suffix}", where="year > 3000") == 0
        found, ids = load_vectors(tmp_path / f"x{suffix}")
        assert (found.shape, found.dtype) == ((0, 64), np.float32)
        assert ids in (None, [])

    def test_without_ids(self, tmp_path, suffix):
        save_vectors(X, tmp_path / f"x{suffix}")
        found, ids = load_vectors(tmp_path / f"x{suffix}")
        np.testing.assert_array_equal(found, X)
        assert ids is None

    @settings(max_examples=20)
    @given(data=st.data(), kind=st.sampled_from([np.float32, np.float64]))
    def test_anything_comes_back(self, data, kind, tmp_path_factory, suffix):
        finite = st.floats(allow_nan=False, allow_infinity=False, width=np.dtype(kind).itemsize * 8)
        shape = data.draw(arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5))
        values = data.draw(arrays.arrays(kind, shape, elements=finite))
        name = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
        ids = None if suffix == ".npy" else data.draw(st.lists(name, min_size=shape[0], max_size=shape[0]))
        path = tmp_path_factory.mktemp("vectors") / f"x{suffix}"
        save_vectors(values, path, ids=ids)
        found, named = load_vectors(path)
        assert found.dtype == kind
        np.testing.assert_array_equal(found, values)
        assert named == ids

    def test_garbage_is_named(self, tmp_path, suffix):
        path = tmp_path / f"x{suffix}"
        save_vectors(np.ones((100, 8)), path)
        whole = path.read_bytes()
        for broken in (b"", b"garbage", whole[: len(whole) // 2], whole[: len(whole) - 4]):
            path.write_bytes(broken)
            with pytest.raises(DataError, match=f"x{suffix} cannot be read as {suffix}"):
                load_vectors(path)

    def test_nan_is_refused_by_row(self, tmp_path, suffix):
        with pytest.raises(DataError, match="first is row 1"):
            save_vectors([[0.0], [np.nan]], tmp_path / f"x{suffix}")
        assert not (tmp_path / f"x{suffix}").exists()


def test_many_blocks_are_one_array(tmp_path):
    many = np.random.default_rng(0).normal(size=(9_000, 2)).astype(np.float32)
    with Collection.create(tmp_path / "c", Space(Precomputed(2, name="mine"))) as collection:
        collection.add([{}] * len(many), text=None, vectors=many)
        collection.delete(["1", "4500", "9000"])
        for suffix in FORMATS:
            assert export_vectors(collection, tmp_path / f"x{suffix}") == 8_997
            found, ids = load_vectors(tmp_path / f"x{suffix}")
            np.testing.assert_array_equal(found, np.delete(many, [0, 4499, 8999], axis=0))
            assert ids is None or (ids[0], ids[-1], len(ids)) == ("2", "8999", 8_997)


def test_an_item_of_several_passages_comes_once_a_passage(tmp_path):
    space = Space.load(save_space(tmp_path / "tiny", seed=0))
    texts = ["late interaction multi vector retrieval whitening sentence rice cooking", "rice"]
    with Collection.create(tmp_path / "c", space, chunk="4/1") as collection:
        collection.add([{"id": id, "text": text} for id, text in zip("ab", texts, strict=True)], id="id")
        assert export_vectors(collection, tmp_path / "x.parquet") == 4
    found, ids = load_vectors(tmp_path / "x.parquet")
    assert ids == ["a", "a", "a", "b"]
    np.testing.assert_allclose(found[3:], space.encode(["rice"]), atol=1e-6)


def test_a_npy_file_is_mapped_and_not_read(tmp_path):
    save_vectors(X, tmp_path / "x.npy")
    found, _ = load_vectors(tmp_path / "x.npy")
    assert not found.flags.owndata
    assert not found.flags.writeable


def test_pickles_are_never_loaded(tmp_path):
    loaded = []

    class Bomb:
        def __reduce__(self):
            return (loaded.append, (1,))

    bombs = np.array([Bomb()], dtype=object)
    np.save(tmp_path / "x.npy", bombs, allow_pickle=True)
    np.savez(tmp_path / "x.npz", vectors=bombs)
    for name in ("x.npy", "x.npz"):
        with pytest.raises(DataError, match="holds pickled Python objects, which are never loaded"):
            load_vectors(tmp_path / name)
    assert loaded == []


@pytest.mark.parametrize("count", ["2", "1000000000000", "99999999999999999999"])
def test_a_header_may_lie(tmp_path, count):
    buffer = io.BytesIO()
    np.save(buffer, np.ones((1, 4), np.float32))
    lying = buffer.getvalue().replace(b"(1, 4), }", f"({count}, 4), }}".encode())[:128]
    (tmp_path / "x.npy").write_bytes(lying)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("vectors.npy", lying)
    for name in ("x.npy", "x.npz"):
        with pytest.raises(DataError, match="cannot be read as"):
            load_vectors(tmp_path / name)


def test_arrays_of_others(tmp_path):
    save_file({"emb": X.astype(np.float16)}, tmp_path / "one.safetensors")
    save_file({"a": X, "b": X[:1]}, tmp_path / "two.safetensors")
    np.savez(tmp_path / "two.npz", a=X, b=X[:1])
    pq.write_table(pa.table({"id": [7, 8], "emb": X.tolist(), "n": [1, 2]}), tmp_path / "one.parquet")
    found, _ = load_vectors(tmp_path / "one.safetensors")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, X.astype(np.float16))
    for name in ("two.safetensors", "two.npz"):
        with pytest.raises(DataError, match="has no vectors; the arrays in it are 'a', 'b'; choose one with name="):
            load_vectors(tmp_path / name)
        with pytest.raises(DataError, match="no vectors named 'c'"):
            load_vectors(tmp_path / name, name="c")
        np.testing.assert_array_equal(load_vectors(tmp_path / name, name="b")[0], X[:1])
    found, ids = load_vectors(tmp_path / "one.parquet")
    np.testing.assert_allclose(found, X)
    assert ids == ["7", "8"]


BAD_TABLES = {
    "no column": ({"n": [1, 2]}, DataError, "no vectors; the arrays in it are none at all"),
    "ragged": ({"vector": [[1.0], [1.0, 2.0]]}, ShapeError, "have 1 and 2 dimensions"),
    "missing": ({"vector": [[1.0], None]}, DataError, "row 1 has no vector in column 'vector'"),
    "missing number": ({"vector": [[1.0], [None]]}, DataError, "NaN or infinity"),
    "texts": ({"vector": [["a"], ["b"]]}, DataError, "must hold numbers"),
    "no id": ({"vector": [[1.0], [2.0]], "id": ["a", None]}, DataError, "ids must be texts or whole numbers"),
}


@pytest.mark.parametrize(("columns", "kind", "message"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_bad_tables_are_named(columns, kind, message, tmp_path):
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(kind, match=message):
        load_vectors(tmp_path / "x.parquet")


def test_bad_arrays_are_named(tmp_path):
    np.save(tmp_path / "x.npy", np.ones(3))
    with pytest.raises(ShapeError, match=r"the array in x\.npy must have shape"):
        load_vectors(tmp_path / "x.npy")
    np.save(tmp_path / "x.npy", np.array([[1, np.inf]]))
    with pytest.raises(DataError, match=r"x\.npy contains NaN or infinity"):
        load_vectors(tmp_path / "x.npy")
    np.savez(tmp_path / "x.npz", vectors=X, ids=np.array(["a"]))
    with pytest.raises(DataError, match="2 vectors and 1 ids"):
        load_vectors(tmp_path / "x.npz")
    with pytest.raises(DataError, match="there is no file"):
        load_vectors(tmp_path / "nothing.npy")
    (tmp_path / "x.pt").write_bytes(b"")
    with pytest.raises(DataError, match=r"is no file of vectors; wanted one that ends in \.npy"):
        load_vectors(tmp_path / "x.pt")


def test_what_cannot_be_saved(tmp_path):
    with pytest.raises(DataError, match="holds an array and no ids"):
        save_vectors(X, tmp_path / "x.npy", ids=["a", "b"])
    with pytest.raises(ShapeError, match="1 ids and 2 vectors"):
        save_vectors(X, tmp_path / "x.npz", ids=["a"])
    with pytest.raises(DataError, match="NUL"):
        save_vectors(X, tmp_path / "x.npz", ids=["a", "b\0"])
    with pytest.raises(DataError, match="is no file of vectors"):
        save_vectors(X, tmp_path / "x.pkl")
    assert list(tmp_path.iterdir()) == []
