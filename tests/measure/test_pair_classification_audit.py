import math
from functools import cache

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score

from contracts.collect import case
from cosimo.compare import Cosine, Manhattan
from cosimo.encode import FunctionEncoder, tally
from cosimo.errors import DataError
from cosimo.measure import CuratedPairs, PairClassification, PairClassificationAudit, dataset_card
from cosimo.measure.datasets.overlap import jaccard
from cosimo.measure.tasks.pairs.audit_table import AuditTable, variance_shares
from cosimo.statistics import mcnemar_test, wilson

LETTERS = list("abcdefgh")


def letters(texts):
    """Counts of letters."""
    return [[text.count(letter) + 0.1 for letter in LETTERS] for text in texts]


def first_letters(texts):
    return [[text[:3].count(letter) - 0.1 for letter in LETTERS] for text in texts]


def pairs(n, seed, *, shared, name="pairs"):
    """Pairs of words of letters; matches share `shared` of 6 letters, others one less."""
    rng = np.random.default_rng(seed)
    sides, labels = ([], []), []
    for i in range(n):
        label = int(rng.uniform() < 0.4)
        common = rng.permutation(LETTERS).tolist()
        own = [rng.permutation(LETTERS)[: 6 - shared + 1 - label].tolist() for _ in "ab"]
        for side, rest in zip(sides, own, strict=True):
            side.append(" ".join([*common[: shared - 1 + label], *rest]) + f" {i}{seed}")
        labels.append(label)
    return PairClassification(*sides, labels, name=name)


DATA = [
    CuratedPairs("near", pairs(150, 0, shared=5), pairs(100, 1, shared=5), source="made up", label="letters shared"),
    CuratedPairs("far", pairs(150, 2, shared=2), pairs(100, 3, shared=2)),
]
ENCODERS = {"letters": FunctionEncoder(letters), "first": FunctionEncoder(first_letters)}


EXAMPLES = [case(PairClassificationAudit(ENCODERS, DATA[:1], similarities=["cosine"]).run)]


@cache
def audited():
    return PairClassificationAudit(ENCODERS, DATA, similarities=["cosine", "manhattan", "jaccard"]).run()


def scores(encoder, similarity, task):
    if encoder == "none":
        return np.array([jaccard(a, b) for a, b in zip(task.a, task.b, strict=True)])
    A, B = (np.array(ENCODERS[encoder].encode(list(side))) for side in (task.a, task.b))
    return {"cosine": Cosine(), "manhattan": Manhattan()}[similarity].pairs(A, B).astype(float)


def best(worth, y, s):
    """The most that any cut gives."""
    return max(worth(y, s >= cut) for cut in (math.inf, *s))


def f1(y, accepted):
    return f1_score(y, accepted, zero_division=0)


@pytest.mark.slow
def test_cells_oracle_scikit_learn():
    table = audited()
    names = [(cell.dataset, cell.encoder, cell.similarity) for cell in table.cells]
    assert len(names) == len(set(names)) == 2 * (2 * 2 + 1)
    for cell, data in ((cell, next(d for d in DATA if d.name == cell.dataset)) for cell in table.cells):
        train, test = (scores(cell.encoder, cell.similarity, task) for task in (data.train, data.test))
        y_train, y = np.array(data.train.labels), np.array(data.test.labels)
        for worth, cut, found in ((accuracy_score, cell.cut, cell.accuracy), (f1, cell.f1_cut, cell.f1)):
            assert worth(y_train, train >= cut) == pytest.approx(best(worth, y_train, train))
            assert found.value == pytest.approx(worth(y, test >= cut))
            assert found.interval.low <= found.value <= found.interval.high
        assert cell.ap.value == pytest.approx(average_precision_score(y, test))
        assert cell.roc_auc.value == pytest.approx(roc_auc_score(y, test))
        assert cell.accuracy_best == pytest.approx(best(accuracy_score, y, test))
        assert cell.accuracy_best >= cell.accuracy.value


def test_cuts_know_nothing_of_the_test_pairs():
    task = DATA[0].test
    flipped = PairClassification(task.a, task.b, [1 - y for y in task.labels])
    other = PairClassificationAudit(ENCODERS, [CuratedPairs("near", DATA[0].train, flipped)], ["cosine"]).run()
    assert {cell.cut for cell in other.cells} <= {cell.cut for cell in audited().cells}


def test_transfer_oracle_loop():
    table = audited()
    assert len(table.threshold_transfer) == 2 * 5
    cut_of = {(cell.dataset, cell.encoder, cell.similarity): cell.cut for cell in table.cells}
    for row in table.threshold_transfer:
        test = next(data.test for data in DATA if data.name == row.used_on)
        y, s = np.array(test.labels), scores(row.encoder, row.similarity, test)
        own, foreign = (
            ((s >= cut_of[name, row.encoder, row.similarity]) == y).astype(float)
            for name in (row.used_on, row.learnt_on)
        )
        assert row.learnt_on != row.used_on
        assert row.accuracy.value == pytest.approx(foreign.mean())
        assert row.loss.difference == pytest.approx(own.mean() - foreign.mean())
        assert row.loss.p_value == pytest.approx(mcnemar_test(own, foreign))
    lost = [row.loss.difference for row in table.threshold_transfer if row.similarity == "jaccard"]
    assert min(lost) > 0.05  # matches of one set share fewer letters than what does not match in the other


def test_intervals_count_the_pairs_of_one_text_once():
    task = DATA[0].test
    shared = PairClassification([task.a[i // 5] for i in range(100)], task.b, task.labels)
    alone, together = (
        PairClassificationAudit({}, [CuratedPairs("near", DATA[0].train, test)], ["jaccard"]).run().cells[0].accuracy
        for test in (task, shared)
    )
    assert (alone.interval.method, alone.interval.unit) == ("Wilson", "pair")
    assert alone.interval.low == pytest.approx(wilson(round(100 * alone.value), 100)[0])
    assert (together.interval.unit, together.interval.n_units) == ("cluster", 20)


def test_variance_shares_oracle_loop():
    """Sums of squares of a balanced layout by hand, and by least squares on indicators."""
    rng = np.random.default_rng(4)
    Y = rng.normal(size=(3, 2, 4)) + rng.normal(size=(3, 1, 1)) * 2
    found = variance_shares(Y, ["d", "e", "s"])
    assert list(found) == ["d", "e", "s", "d x e", "d x s", "e x s", "d x e x s"]
    assert sum(found.values()) == pytest.approx(1)
    total = sum((y - Y.mean()) ** 2 for y in Y.ravel())
    assert found["d"] == pytest.approx(8 * sum((Y[i].mean() - Y.mean()) ** 2 for i in range(3)) / total)
    assert found["s"] == pytest.approx(6 * sum((Y[:, :, k].mean() - Y.mean()) ** 2 for k in range(4)) / total)
    cells = [(i, j) for i in range(3) for j in range(2)]
    both = 4 * sum((Y[i, j].mean() - Y[i].mean() - Y[:, j].mean() + Y.mean()) ** 2 for i, j in cells)
    assert found["d x e"] == pytest.approx(both / total)

    d, e, _ = np.indices(Y.shape).reshape(3, -1)
    Z = np.stack([(d == i) * (e == j) for i, j in cells], axis=1).astype(float)
    fitted = Z @ np.linalg.lstsq(Z, Y.ravel(), rcond=None)[0]
    explained = ((fitted - Y.mean()) ** 2).sum() / total
    assert found["d"] + found["e"] + found["d x e"] == pytest.approx(explained)


def test_variance_share_leaves_similarities_of_texts_out():
    table = audited()
    Y = np.empty((2, 2, 2))
    for cell in table.cells:
        if cell.encoder != "none":
            place = (["near", "far"].index(cell.dataset), list(ENCODERS).index(cell.encoder))
            Y[(*place, ["cosine", "manhattan"].index(cell.similarity))] = cell.ap.value
    shares = table.variance_share("ap")
    assert shares == pytest.approx(variance_shares(Y, ["dataset", "encoder", "similarity"]))
    assert all(math.isnan(share) for share in variance_shares(np.ones((2, 2)), ["a", "b"]).values())
    with pytest.raises(DataError, match="metric is one of accuracy, f1, ap, roc_auc, got 'map'"):
        table.variance_share("map")
    with pytest.raises(DataError, match="no cell has an encoder"):
        AuditTable((), (), ()).variance_share()


def test_records_and_text():
    table = audited()
    rows = table.records()
    assert len(rows) == 10
    assert rows[0]["accuracy"] == table.cells[0].accuracy.value
    told = str(table)
    assert "near, letters, cosine: accuracy 0." in told
    assert "cut of far on near, none, jaccard: accuracy 0." in told
    assert "label: letters shared" in told


def test_cut_texts_are_told():
    from cosimo.encode.truncation import note

    def reads_little(texts):
        note(2, n=len(texts), limit=7)
        return letters(texts)

    encoder = FunctionEncoder(reads_little, dim=len(LETTERS))
    with tally() as seen:
        table = PairClassificationAudit({"little": encoder}, DATA[:1], ["cosine", "dot"]).run()
    assert table.told == ("4 texts were longer than 7 tokens and were cut",)
    assert seen.cut == 0


def test_card_oracle_loop():
    data = DATA[0]
    card = dataset_card(data)
    both = [(a, b, y) for task in (data.train, data.test) for a, b, y in zip(task.a, task.b, task.labels, strict=True)]
    overlaps = {label: [jaccard(a, b) for a, b, y in both if y == label] for label in (0, 1)}
    assert (card.n_train, card.n_test) == (150, 100)
    assert card.test_positives == sum(data.test.labels) / 100
    assert card.positive_overlap == pytest.approx(sum(overlaps[1]) / len(overlaps[1]))
    assert card.negative_overlap == pytest.approx(sum(overlaps[0]) / len(overlaps[0]))
    wins = [(p > q) + (p == q) / 2 for p in overlaps[1] for q in overlaps[0]]
    assert card.words_tell == pytest.approx(sum(wins) / len(wins))
    texts = {text for a, b, _ in both for text in (a, b)}
    assert card.words == pytest.approx(np.mean([len(set(text.split())) for text in texts]))
    assert (card.repeated, card.contradicted, card.leaked_pairs, card.leaked_texts) == (0, 0, 0, 0)
    assert "near: 150 training and 100 test pairs" in str(card)


def test_card_sees_leaks():
    train = PairClassification(["a", "b", "c", "a"], ["x", "y", "z", "x"], [1, 0, 1, 1])
    test = PairClassification(["x", "b", "new", "b"], ["a", "y", "c", "other"], [1, 1, 0, 0])
    card = dataset_card(CuratedPairs("leaky", train, test))
    assert card.repeated == 5 / 8  # a-x three times, b-y twice
    assert card.contradicted == 2 / 8
    assert card.leaked_pairs == 2 / 4
    assert card.leaked_texts == 4 / 4


def test_bad_arguments():
    with pytest.raises(DataError, match="near: training and test pairs are the same"):
        CuratedPairs("near", DATA[0].train, DATA[0].train)
    with pytest.raises(DataError, match="sets of pairs with different names, got near, near"):
        PairClassificationAudit(ENCODERS, [DATA[0]] * 2)
    with pytest.raises(DataError, match="different names, got none"):
        PairClassificationAudit(ENCODERS, [])
    with pytest.raises(DataError, match="different similarities, got none"):
        PairClassificationAudit(ENCODERS, DATA, [])
    with pytest.raises(DataError, match='there is no similarity "cosin"'):
        PairClassificationAudit(ENCODERS, DATA, ["cosin"])
    with pytest.raises(DataError, match="names the rows without an encoder"):
        PairClassificationAudit({"none": FunctionEncoder(letters)}, DATA)
    with pytest.raises(DataError, match="a task asks a Space or an Encoder"):
        PairClassificationAudit({"minilm": "minilm"}, DATA).run()
