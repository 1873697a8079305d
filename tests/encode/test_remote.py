import atexit
import base64
import json
import sys
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest

from cosimo import Collection, Space
from cosimo.encode import RemoteEncoder
from cosimo.encode.adapters import remote
from cosimo.errors import CosimoError, DataError, MissingExtra
from encode.embedding_server import DIM, Service, embeddings, right, service, status, vector

_running = Service()
atexit.register(_running.close)
EXAMPLES = [
    RemoteEncoder(_running.url, "small", dim=DIM),
    RemoteEncoder(_running.url + "/", "small", batch_size=3, prompts={"query": "query: "}),
]

TEXTS = ["a man", "plays", "", "naïve 東京", "a man", "guitar", "seven"]
KEY = "sk-very-secret"


@pytest.fixture
def waits(monkeypatch):
    """Seconds that were slept, instead of sleeping."""
    slept = []
    monkeypatch.setattr(remote, "sleep", slept.append)
    return slept


def expected(texts):
    return np.array([vector(text) for text in texts], np.float32)


def answer(content):
    return lambda asked: (200, content if isinstance(content, bytes) else json.dumps(content).encode(), {})


def changed(change):
    """An answer that is right but for `change(data)`."""

    def answered(asked):
        content = embeddings(asked["input"])
        content["data"] = change(content["data"])
        return 200, json.dumps(content).encode(), {}

    return answered


def test_asks_as_openai_documents_it():
    with service() as there:
        X = RemoteEncoder(there.url, "small", api_key=KEY, batch_size=4).encode(TEXTS)
        np.testing.assert_array_equal(X, expected(TEXTS))
        assert X.dtype == np.float32
        unique = list(dict.fromkeys(TEXTS))
        base = {"model": "small", "encoding_format": "float", "path": "/v1/embeddings"}
        assert there.asked == [base | {"input": unique[:4]}, base | {"input": unique[4:]}]
        assert {sent["Authorization"] for sent in there.headers} == {f"Bearer {KEY}"}
        assert {sent["Content-Type"] for sent in there.headers} == {"application/json"}


def test_without_key_no_header():
    with service() as there:
        RemoteEncoder(there.url, "small").encode(["a"])
        assert "Authorization" not in there.headers[0]


def test_key_from_the_environment(monkeypatch):
    monkeypatch.setenv("SERVICE_KEY", f"{KEY}\n")
    with service() as there:
        RemoteEncoder(there.url, "small", api_key="$SERVICE_KEY").encode(["a"])
        assert there.headers[0]["Authorization"] == f"Bearer {KEY}"
    with pytest.raises(DataError, match="OTHER_KEY is not set"):
        RemoteEncoder("https://localhost/v1", "small", api_key="$OTHER_KEY")


def test_prompts_by_role():
    with service() as there:
        encoder = RemoteEncoder(there.url, "small", prompts={"query": "query: ", "document": "passage: "})
        np.testing.assert_array_equal(encoder.encode(["a"], role="query"), expected(["query: a"]))
        np.testing.assert_array_equal(encoder.encode(["a"], role="document"), expected(["passage: a"]))
        np.testing.assert_array_equal(encoder.encode(["a"]), expected(["a"]))


def test_order_is_that_of_the_index():
    with service(changed(lambda data: data[::-1]), changed(lambda data: [*data[2:], *data[:2]])) as there:
        X = RemoteEncoder(there.url, "small", batch_size=4).encode(TEXTS)
        np.testing.assert_array_equal(X, expected(TEXTS))


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 529])
def test_what_may_pass_is_tried_again(waits, code):
    with service(status(code), status(code), status(code)) as there:
        np.testing.assert_array_equal(RemoteEncoder(there.url, "small").encode(TEXTS), expected(TEXTS))
        assert there.sizes == [6, 6, 6, 6]
    assert waits == [1, 2, 4]


def test_truncated_answers_and_dropped_connections_are_tried_again(waits):
    whole = json.dumps(embeddings(["a"])).encode()
    short = answer(whole[: len(whole) // 2])
    dropped = lambda asked: (200, whole[:20], {"Content-Length": str(len(whole)), "Connection": "close"})  # noqa: E731
    with service(short, dropped, answer(b""), answer(b"\xff\xfe")) as there:
        np.testing.assert_array_equal(RemoteEncoder(there.url, "small").encode(["a"]), expected(["a"]))
        assert len(there.asked) == 5


def test_silence_is_tried_again(waits):
    def late(asked):
        time.sleep(0.5)
        return right(asked)

    with service(late) as there:
        np.testing.assert_array_equal(RemoteEncoder(there.url, "small", timeout=0.1).encode(["a"]), expected(["a"]))
        assert len(there.asked) == 2


def test_waits_as_long_as_it_is_asked_to(waits):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    headers = [{"Retry_After": "7"}, {"Retry_After": soon}, {"Retry_After": "soon"}, {"Retry_After": "-3"}]
    with service(*(status(429, **header) for header in headers)) as there:
        RemoteEncoder(there.url, "small").encode(["a"])
    assert waits == [7, pytest.approx(29, abs=2), 4, 0]


def test_too_long_a_wait_is_for_people(waits):
    long = r"quota \(it asks to wait 3600 s\); 0 of 1 texts were done"
    with service(status(429, "quota", Retry_After="3600")) as there, pytest.raises(CosimoError, match=long):
        RemoteEncoder(there.url, "small").encode(["a"])
    assert waits == []


def test_gives_up_after_the_retries_and_says_how_many_were_done(waits):
    with service(right, right, *[status(503, "busy")] * 3) as there:
        encoder = RemoteEncoder(there.url, "small", batch_size=2, retries=2)
        with pytest.raises(CosimoError, match=r"did not answer: 503 .*busy; 4 of 6 texts were done"):
            encoder.encode(TEXTS)
        assert waits == [1, 2]


def test_what_was_done_is_not_sent_again(waits):
    with service(right, right, status(401, "who are you?")) as there:
        encoder = RemoteEncoder(there.url, "small", batch_size=2)
        with pytest.raises(CosimoError, match="who are you"):
            encoder.encode(TEXTS)
        np.testing.assert_array_equal(encoder.encode(TEXTS), expected(TEXTS))
        unique = list(dict.fromkeys(TEXTS))
        assert [asked["input"] for asked in there.asked] == [unique[:2], unique[2:4], unique[4:], unique[4:]]
        encoder.encode(TEXTS)  # a call that went well leaves nothing behind
        assert there.sizes[4:] == [2, 2, 2]


def test_what_was_done_for_one_role_is_not_taken_for_the_other(waits):
    with service(right, status(401)) as there:
        encoder = RemoteEncoder(there.url, "small", batch_size=1, prompts={"query": "query: "})
        with pytest.raises(CosimoError):
            encoder.encode(["a", "b"], role="document")
        np.testing.assert_array_equal(encoder.encode(["a", "b"], role="query"), expected(["query: a", "query: b"]))


def no_more_than(most, code, message):
    return lambda asked: right(asked) if len(asked["input"]) <= most else status(code, message)(asked)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (413, ""),
        (400, "batch size 64 > maximum allowed batch size 32"),
        (422, "too many inputs"),
        (400, "Requested 400000 tokens, max 300000 tokens per request; the limit was exceeded"),
    ],
)
def test_batches_that_are_too_large_are_sent_in_halves(waits, code, message):
    texts = [str(i) for i in range(23)]
    with service(*[no_more_than(4, code, message)] * 50) as there:
        np.testing.assert_array_equal(RemoteEncoder(there.url, "small", batch_size=20).encode(texts), expected(texts))
        assert there.sizes == [20, 10, 5, 2, *[2] * 10, 1]
    assert waits == []


def test_a_text_that_is_too_large_by_itself_is_an_error(waits):
    with service(*[status(413, "at most 8192 tokens")] * 5) as there:
        with pytest.raises(DataError, match=r"a text of 10,000 characters: 413 .*at most 8192 tokens; 0 of 2 texts"):
            RemoteEncoder(there.url, "small").encode(["x" * 10_000, "y"])
        assert there.sizes == [2, 1]


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
def test_what_will_not_pass_is_not_tried_again(waits, code):
    with service(status(code, "no such model")) as there:
        with pytest.raises(CosimoError, match=f'"small" at .*refused: {code} .*no such model'):
            RemoteEncoder(there.url, "small").encode(["a", "b"])
        assert len(there.asked) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data[:-1], "vectors number 0, 1 to 3 texts"),
        (lambda data: [*data, data[0]], "vectors number 0, 1, 2, 0 to 3 texts"),
        (lambda data: [data[0], data[0], data[2]], "vectors number 0, 0, 2 to 3 texts"),
        (lambda data: [row | {"index": i + 1} for i, row in enumerate(data)], "number 1, 2, 3 to 3 texts"),
        (lambda data: [], "vectors number none to 3 texts"),
        (lambda data: [row | {"embedding": row["embedding"][: i + 2]} for i, row in enumerate(data)], "something else"),
        (lambda data: [row | {"embedding": row["embedding"][:2]} for row in data], "2 dimensions, wanted 12"),
        (lambda data: [row | {"embedding": [float("nan")] * DIM} for row in data], "NaN"),
        (lambda data: [row | {"embedding": [1e60] * DIM} for row in data], "NaN or infinity"),
        (lambda data: [row | {"embedding": [None] * DIM} for row in data], "NaN"),
        (lambda data: [row | {"embedding": base64.b64encode(b"1234").decode()} for row in data], "something else"),
        (lambda data: [{"embedding": row["embedding"]} for row in data], "something else"),
        (lambda data: [row | {"index": "zero"} for row in data], "number zero, zero, zero"),
        (lambda data: [row | {"index": [0, "1", None][i]} for i, row in enumerate(data)], "something else"),
        (lambda data: [row | {"embedding": [10**400] * DIM} for row in data], "something else"),
        (lambda data: None, "something else"),
        (lambda data: ["text"], "something else"),
    ],
)
def test_answers_that_are_wrong_are_not_taken(waits, change, said):
    with service(changed(change)) as there, pytest.raises(CosimoError, match=said):
        RemoteEncoder(there.url, "small", dim=DIM).encode(["a", "b", "c"])


@pytest.mark.parametrize("content", [[], {}, "text", 3, None, {"data": {}}], ids=repr)
def test_answers_of_another_shape(waits, content):
    said = r"something else than embeddings|vectors number none"
    with service(answer(content)) as there, pytest.raises(CosimoError, match=said):
        RemoteEncoder(there.url, "small").encode(["a"])


def test_dimensions_must_stay(waits):
    shorter = changed(lambda data: [row | {"embedding": row["embedding"][:5]} for row in data])
    with service(right, shorter) as there, pytest.raises(CosimoError, match="5 dimensions, wanted 12"):
        RemoteEncoder(there.url, "small", batch_size=1).encode(["a", "b"])


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(waits, code):
    with service() as elsewhere, service(status(code, Location=elsewhere.url)) as there:
        with pytest.raises(CosimoError, match=f"redirects to {elsewhere.url}"):
            RemoteEncoder(there.url, "small", api_key=KEY).encode(["a"])
        assert elsewhere.asked == []


@pytest.mark.parametrize("code", [400, 500])
def test_the_key_is_never_shown(waits, code, caplog, capsys):
    with caplog.at_level(0), service(*[status(code, f"wrong key {KEY}")] * 2) as there:
        encoder = RemoteEncoder(there.url, "small", api_key=KEY, retries=1)
        with pytest.raises(CosimoError, match=r"wrong key \*\*\*") as told:
            encoder.encode(["a"])
        there.script.clear()
        whole = "".join(traceback.format_exception(told.value))
        assert KEY not in f"{whole} {encoder!r} {caplog.text} {capsys.readouterr()}"
        assert KEY not in json.dumps(encoder.passport.to_json())


def test_a_key_that_no_header_can_hold_is_not_shown():
    with pytest.raises(DataError) as told:
        RemoteEncoder("https://localhost/v1", "small", api_key="sk-1\r\nX-Other: 2")
    assert "sk-1" not in str(told.value)


@pytest.mark.parametrize("url", ["localhost:8000/v1", "file:///etc/passwd", "ftp://host/v1", ""])
def test_other_protocols_are_refused(url):
    with pytest.raises(DataError, match="https://"):
        RemoteEncoder(url, "small")


@pytest.mark.parametrize("wrong", [{"prompts": {"passage": "x"}}, {"timeout": 0}, {"retries": -1}, {"batch_size": 0}])
def test_arguments_out_of_range(wrong):
    with pytest.raises(DataError):
        RemoteEncoder("https://localhost/v1", "small", **wrong)


def test_nobody_there_is_said(waits):
    with service() as there:
        url = there.url
    with pytest.raises(CosimoError, match=r'"small" at .*/embeddings did not answer: .*0 of 1 texts'):
        RemoteEncoder(url, "small", retries=1).encode(["a"])
    assert waits == [1]


def test_a_proxy_of_the_environment_is_used(monkeypatch):
    with service() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        monkeypatch.setenv("no_proxy", "")
        RemoteEncoder("http://far.example/v1", "small").encode(["a"])
        assert [asked["path"] for asked in proxy.asked] == ["http://far.example/v1/embeddings"]


def test_a_proxy_that_wants_another_package_is_said_once(waits, monkeypatch):
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    with pytest.raises(CosimoError, match=r"refused: .*socksio"):
        RemoteEncoder("https://far.example/v1", "small").encode(["a"])
    assert waits == []


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtra, match=r'pip install "cosimo\[remote\]"'):
        RemoteEncoder("https://localhost/v1", "small")


def test_passport_is_its_behaviour():
    with service() as there, service() as other:
        one, two = RemoteEncoder(there.url, "small"), RemoteEncoder(other.url, "small")
        assert one.passport.compare(two.passport).verdict == "compatible"
        prompted = RemoteEncoder(there.url, "small", prompts={"query": "query: "})
        assert one.passport.compare(prompted.passport).verdict == "different"


def test_progress_counts_what_was_kept(waits, capsys):
    with service(right, status(401)) as there:
        encoder = RemoteEncoder(there.url, "small", batch_size=2)
        with pytest.raises(CosimoError):
            encoder.encode(TEXTS)
        encoder.encode(TEXTS, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "6/6" in shown.err


def test_collection_over_a_service(tmp_path):
    with service() as there:
        encoder = RemoteEncoder(there.url, "small", prompts={"query": "q: "})
        with Collection.create(tmp_path / "c", Space(encoder)) as collection:
            collection.add(["q: a", "b", "c"])
            assert [hit.text for hit in collection.search("a", k=1)[0]] == ["q: a"]
        with Collection.open(tmp_path / "c", space=Space(encoder)) as collection:
            assert [hit.text for hit in collection.search("a", k=1)[0]] == ["q: a"]
