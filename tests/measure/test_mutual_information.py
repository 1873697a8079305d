import numpy as np
import pytest
from sklearn.metrics.cluster import expected_mutual_information as sklearn_value

from cosimo.measure.metrics.mutual_information import expected_mutual_information


@pytest.mark.parametrize(("n", "classes", "clusters"), [(10, 2, 3), (100, 30, 2), (3000, 8, 40), (5000, 2, 2)], ids=str)
def test_oracle_sklearn(n, classes, clusters):
    rng = np.random.default_rng(n)
    table = np.zeros((classes, clusters), np.int64)
    np.add.at(table, (rng.integers(classes, size=n), np.minimum(rng.geometric(0.2, size=n) - 1, clusters - 1)), 1)
    found = expected_mutual_information(table.sum(axis=1)[table.any(axis=1)], table.sum(axis=0)[table.any(axis=0)])
    assert found == pytest.approx(sklearn_value(table[table.any(axis=1)][:, table.any(axis=0)], n), rel=1e-9)
