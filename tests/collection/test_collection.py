import numpy as np
import pytest

from assembly.toys import DIM, PAPERS, bag_of_words, toy_space
from cosimo import Collection, Space
from cosimo.encode import Precomputed
from cosimo.errors import DataError, FilterError, PassportMismatch, ShapeError, StoreError
from cosimo.search import Lexical

FIELDS = {"year": int, "venue": str}


@pytest.fixture
def papers(tmp_path):
    collection = Collection.create(tmp_path / "papers.cosimo", toy_space(), fields=FIELDS)
    collection.add(PAPERS, text=["title", "abstract"], id="id")
    return collection


def ids(hits, query=0):
    return [hit.id for hit in hits[query]]


def test_search_equals_brute_force(papers):
    queries = ["rice", "sentence vectors", "tokens and text"]
    texts = [f"{paper['title']}\n{paper['abstract']}" for paper in PAPERS]
    S = toy_space().similarity(queries, texts)
    hits = papers.search(queries, k=3)
    assert hits.scale == "cosine"
    for i in range(len(queries)):
        order = np.argsort(-S[i], kind="stable")[:3]
        assert ids(hits, i) == [PAPERS[j]["id"] for j in order]
        np.testing.assert_allclose(hits.scores[i], S[i][order], atol=1e-6)


def test_hits_carry_payload_and_text(papers):
    hit = papers.search("rice", k=1)[0][0]
    assert (hit.id, hit["title"], hit["year"]) == ("p3", "cooking rice", 1999)
    assert hit.text == "cooking rice\nwater and heat and rice"


def test_report_counts(tmp_path):
    collection = Collection.create(tmp_path / "c", toy_space())
    report = collection.add(["one", "", "three"])
    assert (report.added, report.replaced, report.skipped, report.truncated, report.empty) == (3, 0, 0, 0, 1)
    assert ids(collection.search("three", k=1)) == ["3"]


def test_filters_choose_before_ranking(papers):
    assert ids(papers.search("rice water", k=10, where="year >= 2020 and venue in ('ACL', 'EMNLP')")) in (
        ["p2", "p4"],
        ["p4", "p2"],
    )
    assert papers.search("rice", where="year > 3000").rows.shape[0] == 1
    assert ids(papers.search("rice", where="year > 3000")) == []


@pytest.mark.parametrize("where", ["year >=", "nope == 1", 'year >= "1999"', "year >= 2020; drop table items"])
def test_bad_filters_are_one_sentence_and_change_nothing(papers, where):
    with pytest.raises(FilterError) as error:
        papers.search("rice", where=where)
    assert "\n" not in str(error.value).strip()
    assert len(papers) == 4


def test_k_larger_than_the_collection(papers):
    assert len(papers.search("rice", k=100)[0]) == 4


@pytest.mark.parametrize("k", [0, -3])
def test_k_below_one(papers, k):
    with pytest.raises(DataError, match=f"k must be at least 1, got {k}"):
        papers.search("rice", k=k)


def test_no_queries(papers):
    assert len(papers.search([])) == 0


def test_min_score(papers):
    everything = papers.search("rice water", k=4)
    cut = float(everything.scores[0, 1])
    assert len(papers.search("rice water", k=4, min_score=cut)[0]) == 2


def test_vectors_as_queries(papers):
    X = papers.space.encode(["rice"], role="query")
    assert ids(papers.search(X, k=2)) == ids(papers.search(["rice"], k=2))
    with pytest.raises(ShapeError, match="3 dimensions, wanted 64"):
        papers.search(np.ones((1, 3)))
    with pytest.raises(DataError, match="NaN"):
        papers.search(np.full((1, DIM), np.nan))


def test_non_text_queries(papers):
    with pytest.raises(DataError, match="int"):
        papers.search([42], stages=[Lexical()])


def test_delete_and_upsert_are_seen_at_once(papers):
    assert papers.delete(["p3", "unknown"]) == 1
    assert "p3" not in ids(papers.search("rice"))
    assert papers.get(["p3", "p1"])[0] is None
    new = [{"id": "p1", "title": "rice rice", "abstract": "rice", "year": 2024, "venue": "ACL"}]
    report = papers.add(new, text=["title", "abstract"], id="id", on_conflict="replace")
    assert (report.added, report.replaced) == (0, 1)
    best = papers.search("rice", k=1)[0][0]
    assert (best.id, best["year"]) == ("p1", 2024)
    assert len(papers) == 3
    assert papers.delete(where="year == 2024") == 1


def test_a_deleted_id_can_come_back_and_never_answers_with_the_old_vector(papers):
    papers.delete(["p3"])
    papers.add([{"id": "p3", "title": "tokens", "abstract": "tokens", "year": 1, "venue": "X"}], text="title", id="id")
    assert papers.search("rice water", k=4, where="year == 1")[0][0].text == "tokens"


def test_reopened_collection_answers_the_same(papers):
    before = papers.search(["rice", "text"], k=4)
    papers.close()
    reopened = Collection.open(papers.path, space=toy_space())
    after = reopened.search(["rice", "text"], k=4)
    np.testing.assert_array_equal(before.rows, after.rows)
    np.testing.assert_array_equal(before.scores, after.scores)


def test_another_space_of_the_same_dimension_is_refused(papers):
    with pytest.raises(PassportMismatch, match="probe vectors"):
        Collection.open(papers.path, space=toy_space(salt="other"))


def test_foreign_vectors_are_refused(papers):
    records = [{"id": "q1", "title": "rice", "abstract": "", "year": 1, "venue": "X"}]
    foreign = bag_of_words(["rice\n"], salt="other")
    with pytest.raises(PassportMismatch, match="not what"):
        papers.add(records, text=["title", "abstract"], id="id", vectors=foreign)
    assert len(papers) == 4
    papers.add(records, text=["title", "abstract"], id="id", vectors=bag_of_words(["rice\n"]))
    assert len(papers) == 5


def test_given_vectors(tmp_path):
    collection = Collection.create(tmp_path / "c", Space(Precomputed(3, name="mine")))
    X = np.eye(3, dtype=np.float32)
    collection.add([{"id": name} for name in "abc"], id="id", text=None, vectors=X)
    assert ids(collection.search(X[1:2], k=1)) == ["b"]
    with pytest.raises(DataError, match="NaN"):
        collection.add([{"id": "d"}], id="id", text=None, vectors=np.full((1, 3), np.nan))
    with pytest.raises(ShapeError, match="4 dimensions, wanted 3"):
        collection.add([{"id": "d"}], id="id", text=None, vectors=np.ones((1, 4)))
    with pytest.raises(DataError, match="1 vectors were given for 2 records"):
        collection.add([{"id": "d"}, {"id": "e"}], id="id", text=None, vectors=X[:1])
    assert len(collection) == 3


@pytest.mark.parametrize(
    ("records", "arguments", "message"),
    [
        ([{"id": "a", "body": "x"}], {"text": "text", "id": "id"}, "no column 'text'"),
        ([{"id": "a", "text": "x"}, {"id": "a", "text": "y"}], {"id": "id"}, "same id"),
        ([], {}, "no records"),
        ([{"text": 42}], {}, "wanted a text"),
        ([{"id": None, "text": "x"}], {"id": "id"}, "wanted a text or a whole number"),
        ([{"id": "a", "text": "x", "year": "soon"}], {"id": "id"}, "year"),
    ],
)
def test_bad_records_lose_nothing(papers, records, arguments, message):
    with pytest.raises(DataError, match=message):
        papers.add(records, **arguments)
    assert len(papers) == 4


def test_ids_that_are_there_already(papers):
    with pytest.raises(DataError, match="p1"):
        papers.add(PAPERS[:1], text="title", id="id")
    assert papers.add(PAPERS[:1], text="title", id="id", on_conflict="skip").skipped == 1


@pytest.mark.parametrize("query", ["AND", "c++", "don't", '"', "NEAR(", "*", "🙂", "שלום", "", "a OR b"])
def test_lexical_search_takes_any_text(papers, query):
    papers.search(query, stages=[Lexical()])
    papers.search(query, hybrid=True)


def test_lexical_and_hybrid(papers):
    assert ids(papers.search("שלום", stages=[Lexical()])) == ["p4"]
    hits = papers.search("rice", k=2, hybrid=True)
    assert hits.scale == "rrf(cosine, bm25)"
    assert ids(hits)[0] == "p3"
    with pytest.raises(DataError, match="text"):
        papers.search(np.ones((1, DIM)), hybrid=True)


def test_create_and_open_where_they_cannot(papers, tmp_path):
    with pytest.raises(DataError, match="exists already"):
        Collection.create(papers.path, toy_space())
    with pytest.raises(StoreError, match="not a collection"):
        Collection.open(tmp_path / "nothing")


def test_readers_see_what_another_handle_commits(papers):
    reader = Collection.open(papers.path, space=toy_space(), mode="r")
    assert len(reader.search("rice", k=9)[0]) == 4
    papers.add([{"text": "rice rice"}], text="text")
    assert len(reader.search("rice", k=9)[0]) == 5
    papers.delete(["p3"])
    assert "p3" not in ids(reader.search("rice", k=9))


def test_export_and_get(papers, tmp_path):
    assert papers.export(tmp_path / "out.jsonl", where="year >= 2020") == 3
    again = Collection.create(tmp_path / "again.cosimo", toy_space(), fields=FIELDS)
    again.add(tmp_path / "out.jsonl", text=["title", "abstract"], id="id")
    assert [item.id for item in again.scan()] == ["p1", "p2", "p4"]
    assert again.get(["p4"])[0].payload == papers.get(["p4"])[0].payload


def test_vectors_stream_live_rows(papers):
    papers.delete(["p2"])
    rows, X = (np.concatenate(part) for part in zip(*papers.vectors(), strict=True))
    assert len(rows) == 3
    np.testing.assert_allclose(X[0], bag_of_words(["late interaction\nmulti vector retrieval with tokens"])[0])


def test_many_items_through_cache_and_young_rows(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 16)).astype(np.float32)
    collection = Collection.create(tmp_path / "c", Space(Precomputed(16, name="mine")))
    names = [{"id": f"i{i}"} for i in range(5000)]
    collection.add(names[:4500], id="id", text=None, vectors=X[:4500])
    collection.search(X[:1])
    collection.add(names[4500:], id="id", text=None, vectors=X[4500:])
    collection.delete([f"i{i}" for i in range(0, 5000, 7)])
    Q = rng.normal(size=(20, 16)).astype(np.float32)
    S = (Q / np.linalg.norm(Q, axis=1, keepdims=True)) @ (X / np.linalg.norm(X, axis=1, keepdims=True)).T
    S[:, ::7] = -np.inf
    hits = collection.search(Q, k=10)
    expected = np.argsort(-S, axis=1, kind="stable")[:, :10]
    assert [ids(hits, i) for i in range(20)] == [[f"i{j}" for j in row] for row in expected]
