from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from cosimo.encode import TruncationWarning, tally
from cosimo.encode.truncation import Tally, note


def test_one_warning_says_how_many_and_what_to_do():
    with pytest.warns(
        TruncationWarning, match="3 of 100 texts were longer than 256 tokens and were cut.*chunks"
    ) as seen:
        note(3, n=100, limit=256)
    assert len(seen) == 1


def test_one_text_is_singular():
    with pytest.warns(TruncationWarning, match="1 of 1 texts was longer than 2 tokens and was cut"):
        note(1, n=1, limit=2)


def test_nothing_cut_says_nothing():
    note(0, n=100, limit=256)


def test_a_tally_counts_instead():
    with tally() as seen:
        note(3, n=10, limit=256)
        note(2, n=10, limit=256)
    assert seen == Tally(cut=5, limit=256)
    with pytest.warns(TruncationWarning):
        note(1, n=10, limit=256)


def test_the_innermost_tally_counts():
    with tally() as outer:
        note(1, n=1, limit=8)
        with tally() as inner:
            note(2, n=2, limit=8)
        note(4, n=4, limit=8)
    assert (outer.cut, inner.cut) == (5, 2)


def test_a_tally_closes_when_something_fails():
    with pytest.raises(RuntimeError), tally():
        raise RuntimeError
    with pytest.warns(TruncationWarning):
        note(1, n=1, limit=8)


def test_threads_count_apart():
    together = Barrier(4)

    def work(cut):
        with tally() as seen:
            together.wait()
            note(cut, n=cut, limit=8)
            together.wait()
        return seen.cut

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, [1, 2, 3, 4])) == [1, 2, 3, 4]
