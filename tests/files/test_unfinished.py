import os
import time

from cosimo.files import unfinished as _unfinished
from cosimo.files.unfinished import beside

OLD = time.time() - 2 * _unfinished.ABANDONED_SECONDS


def test_each_name_is_new_and_hidden_beside_the_place(tmp_path):
    names = {beside(tmp_path / "papers.csv") for _ in range(20)}
    assert len(names) == 20
    assert all(name.parent == tmp_path and name.name.startswith(".papers.csv.") for name in names)
    assert list(tmp_path.iterdir()) == []


def test_what_was_left_behind_long_ago_goes(tmp_path):
    path = tmp_path / "a[1].csv"
    file, folder, busy = (beside(path) for _ in range(3))
    file.write_text("half")
    for made in (folder, busy):
        made.mkdir()
        (made / "items.db").write_text("half")
    for other in (file, folder / "items.db", folder, busy):
        os.utime(other, (OLD, OLD))
    kept = [tmp_path / name for name in (".a[1].csv.tmp", ".a[1].csv.0123.tmp", ".b.csv.01234567.tmp", "a1.csv")]
    for other in kept:
        other.write_text("not ours")
        os.utime(other, (OLD, OLD))
    beside(path)
    assert sorted(tmp_path.iterdir()) == sorted([*kept, busy])


def test_a_place_that_is_not_there(tmp_path):
    assert beside(tmp_path / "no" / "file").parent == tmp_path / "no"
