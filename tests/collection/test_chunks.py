"""Collections of long texts: several vectors an item, one hit an item, and the passage that answers."""

import numpy as np
import pytest

from assembly.toys import bag_of_words, toy_space
from cosimo import Collection, Space
from cosimo.encode import Chunking, OnnxEncoder, chunk, load_encoder
from cosimo.encode.models import homes
from cosimo.errors import DataError, StoreError
from cosimo.search import Lexical
from encode.tiny_bert import write_tiny_bert

FILLER = "The committee met again on day {} and talked about chairs, tables and the budget of the year. "
ANSWER = "Rice is cooked in water over low heat for eighteen minutes. "


def report(answer=ANSWER, at=170, sentences=280):
    """About 5,000 words, one sentence of which answers."""
    lines = [FILLER.format(i) for i in range(sentences)]
    lines[at] = answer
    return "".join(lines)


RECORDS = [
    {"id": "report", "text": report(), "year": 2020},
    {"id": "dull", "text": report(answer="Nothing happened. "), "year": 2021},
    {"id": "note", "text": "cold water from the tap", "year": 2022},
    {"id": "empty", "text": "", "year": 2023},
]
QUERY = "rice cooked water heat minutes"


@pytest.fixture
def collection(tmp_path):
    with Collection.create(tmp_path / "c.cosimo", toy_space(), fields={"year": int}, chunk="50/10") as made:
        made.add(RECORDS, id="id")
        yield made


def ids(hits, query=0):
    return [hit.id for hit in hits[query]]


def test_a_long_item_is_one_hit_with_the_passage_that_answers(collection):
    assert len(RECORDS[0]["text"].split()) > 4_500
    hits = collection.search(QUERY, k=4)
    assert ids(hits)[0] == "report"
    assert sorted(ids(hits)) == ["dull", "empty", "note", "report"]
    best = hits[0][0]
    assert ANSWER.strip() in best.text
    assert len(best.text) < 500
    assert best["text"] == RECORDS[0]["text"], "the payload is not touched"
    assert next(hit.text for hit in hits[0] if hit.id == "note") == "cold water from the tap"
    assert next(hit.text for hit in hits[0] if hit.id == "empty") == ""


def test_without_chunks_the_answer_drowns(tmp_path, collection):
    with Collection.create(tmp_path / "whole.cosimo", toy_space()) as whole:
        whole.add(RECORDS, id="id")
        assert whole.chunk is None
        assert whole.search(QUERY, k=1)[0][0].id == "note"
        assert whole.info()["chunk"] is None


def test_scores_and_passages_equal_brute_force(collection):
    queries = [QUERY, "chairs of day 17", "tap", "budget"]
    Q = bag_of_words(queries)
    hits = collection.search(queries, k=3)
    for i, q in enumerate(Q):
        wanted = []
        for number, record in enumerate(RECORDS):
            spans = chunk(record["text"], size=50, overlap=10)
            X = bag_of_words([record["text"][a:b] for a, b in spans])
            cosines = X @ q / (np.linalg.norm(X, axis=1) * np.linalg.norm(q))
            best = int(np.argmax(cosines))
            wanted.append((-cosines[best], number, record["text"][slice(*spans[best])].strip()))
        wanted.sort(key=lambda one: (round(one[0], 6), one[1]))
        assert ids(hits, i) == [RECORDS[number]["id"] for _, number, _ in wanted[:3]]
        np.testing.assert_allclose(hits.scores[i], [-score for score, _, _ in wanted[:3]], atol=1e-6)
        assert [hit.text for hit in hits[i]] == [passage for _, _, passage in wanted[:3]]


def test_filters_and_vectors_as_queries(collection):
    assert ids(collection.search(QUERY, k=4, where="year >= 2021"))[0] == "note"
    hit = collection.search(bag_of_words([QUERY]), k=1, where="year == 2020")[0][0]
    assert ANSWER.strip() in hit.text


def test_upsert_and_delete_take_all_parts_along(collection):
    new = [{"id": "report", "text": report(answer="Nothing happened. ") + "Rice boils.", "year": 2024}]
    assert collection.add(new, id="id", on_conflict="replace").replaced == 1
    hits = collection.search(["rice", QUERY], k=9)
    assert len(hits[0]) == len(hits[1]) == 4
    assert next(hit for hit in hits[0] if hit.id == "report").text.endswith("Rice boils.")
    assert all(ANSWER.strip() not in hit.text for row in hits for hit in row)
    collection.delete(["report"])
    assert sorted(ids(collection.search(QUERY, k=9))) == ["dull", "empty", "note"]


def test_reopened_and_read_by_others(collection):
    before = collection.search([QUERY, "chairs"], k=3)
    collection.close()
    with Collection.open(collection.path, space=toy_space(), mode="r") as again:
        assert again.chunk == Chunking(50, 10)
        assert again.info()["chunk"] == "50/10"
        after = again.search([QUERY, "chairs"], k=3)
    np.testing.assert_array_equal(before.rows, after.rows)
    np.testing.assert_array_equal(before.spans, after.spans)
    assert [hit.text for hit in before[0]] == [hit.text for hit in after[0]]


def test_by_words_and_hybrid_rank_items_and_show_passages(collection):
    by_words = collection.search("eighteen minutes", k=3, stages=[Lexical()])
    assert ids(by_words) == ["report"]
    assert ANSWER.strip() in by_words[0][0].text
    hybrid = collection.search(QUERY, k=4, hybrid=True)
    assert sorted(ids(hybrid)) == ["dull", "empty", "note", "report"]
    assert ANSWER.strip() in next(hit for hit in hybrid[0] if hit.id == "report").text


def test_vectors_stream_every_part(collection):
    rows, X = (np.concatenate(column) for column in zip(*collection.vectors(), strict=True))
    parts = [len(chunk(record["text"], size=50, overlap=10)) for record in RECORDS]
    assert np.unique(rows, return_counts=True)[1].tolist() == parts
    assert len(X) == sum(parts)


def test_given_vectors_are_refused(collection):
    with pytest.raises(DataError, match="several vectors an item"):
        collection.add([{"id": "x", "text": "rice", "year": 1}], id="id", vectors=bag_of_words(["rice"]))
    assert len(collection) == 4


@pytest.mark.parametrize("text", ["200", "40/200", "0/0", "many"])
def test_a_bad_chunk_leaves_nothing_behind(tmp_path, text):
    with pytest.raises(DataError, match="token"):
        Collection.create(tmp_path / "c.cosimo", toy_space(), chunk=text)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_cut_and_sizes_beyond_the_window_are_refused(tmp_path):
    encoder = OnnxEncoder.from_folder(write_tiny_bert(tmp_path / "tiny"))
    space, most = Space(encoder), encoder.window
    long = [{"text": "the cats playing guitar. " * 300}]
    with pytest.raises(DataError, match=f"at most {most}"):
        Collection.create(tmp_path / "c.cosimo", space, chunk=f"{most + 1}/0")
    with Collection.create(tmp_path / "c.cosimo", space, chunk=f"{most}/4") as collection:
        assert collection.add(long).truncated == 0
    with Collection.create(tmp_path / "whole.cosimo", space) as whole:
        assert whole.add(long).truncated == 1


def test_ten_thousand_parts_of_one_item(tmp_path):
    """They are encoded in one call of bounded size, stored with one commit, and make one hit among the others."""
    text = "rice water heat. " * 10_000
    with Collection.create(tmp_path / "c.cosimo", toy_space(), chunk="4/0") as collection:
        collection.add([{"id": "long", "text": text}, *({"id": str(i), "text": "rice"} for i in range(20))], id="id")
        assert len(collection.search("rice water heat.", k=15)[0]) == 15
        assert ids(collection.search("rice water heat.", k=1)) == ["long"]


def test_a_stage_that_makes_rows_up_is_refused(collection):
    def invent(query, search):
        hits = search(query)
        return type(hits)(hits.rows + 1000, hits.scores, hits.scale)

    with pytest.raises(StoreError, match="holds no item"):
        collection.search(QUERY, stages=[invent])


@pytest.fixture(params=["minilm", "static"])
def fetched(request):
    if not homes.model_home(request.param).is_dir():
        pytest.skip(f"{request.param} is not on this machine: cosimo fetch {request.param}")
    return request.param


def cranfield_volumes(data):
    """Eight abstracts a text, and for each query the volumes with a relevant one."""
    pd = pytest.importorskip("pandas")
    docs, queries, qrels = (
        pd.read_parquet(data / "cranfield" / f"{name}.parquet") for name in ("docs", "queries", "qrels")
    )
    texts = ["\n\n".join(docs["text"][start : start + 8]) for start in range(0, len(docs), 8)]
    home = {doc: str(i // 8 + 1) for i, doc in enumerate(docs["doc_id"])}
    relevant = {}
    for query, doc in qrels[qrels["gain"] > 0][["query_id", "doc_id"]].itertuples(index=False):
        relevant.setdefault(query, set()).add(home[doc])
    return texts, queries, relevant


@pytest.mark.data
@pytest.mark.parametrize("fetched", ["static"], indirect=True)
def test_passages_find_more_in_long_texts_than_their_beginnings(data, fetched, tmp_path):
    texts, queries, relevant = cranfield_volumes(data)
    space = Space.load(fetched)
    success = {}
    for chunk_ in (None, "200/40"):
        with Collection.create(tmp_path / f"{chunk_ is None}.cosimo", space, chunk=chunk_) as collection:
            assert collection.add(texts).truncated == (0 if chunk_ else len(texts))
            hits = collection.search(queries["text"].tolist(), k=1)
        first = [row[0].id in relevant[query] for query, row in zip(queries["query_id"], hits, strict=True)]
        success[chunk_] = np.mean(first)
    assert success["200/40"] > success[None] + 0.05, success


@pytest.mark.data
def test_passages_of_real_texts_are_not_cut_when_read_alone(data, fetched):
    """Counted in the whole text, and again in each passage by itself."""
    encoder = load_encoder(fetched)
    for text in cranfield_volumes(data)[0][:40]:
        passages = [text[start:stop] for start, stop in Chunking(200, 40).spans(text, encoder)]
        assert max(len(encoder.token_spans(passage)) for passage in passages) <= 200
