import threading
import time

import pytest

from cosimo.encode.texts.workers import ahead, cores


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 50])
def test_order_is_kept_though_later_pieces_end_first(workers, n):
    def work(i):
        time.sleep(0.002 if i % 3 == 0 else 0)
        return -i

    assert list(ahead(work, range(n), workers=workers)) == [-i for i in range(n)]


def test_few_pieces_are_taken_in_advance():
    taken = []
    results = ahead(abs, (taken.append(i) or i for i in range(100)), workers=2)
    next(results)
    assert len(taken) == 4


def test_workers_work_side_by_side():
    together = threading.Barrier(3, timeout=20)
    assert len(list(ahead(lambda _: together.wait(), range(3), workers=3))) == 3


def test_an_error_reaches_the_caller_and_ends_the_rest():
    done = []

    def work(i):
        if i == 2:
            raise KeyError("third")
        done.append(i)
        return i

    with pytest.raises(KeyError, match="third"):
        list(ahead(work, range(1000)))
    assert len(done) < 10


def test_stopping_half_way_leaves_no_thread():
    before = threading.active_count()
    results = ahead(abs, range(100), workers=2)
    next(results)
    results.close()
    assert threading.active_count() == before


def test_at_least_one_core():
    assert cores() >= 1
