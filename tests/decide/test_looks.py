import math

import numpy as np
import pytest

from cosimo.decide.fitting.looks import settled_after, spent
from cosimo.errors import DataError, ShapeError


class TestSpent:
    def test_all_looks_together_spend_delta(self):
        looks = 10_000
        total = sum(spent(0.9, look) for look in range(1, looks + 1))
        assert total == pytest.approx(0.1 * (1 - 1 / (looks + 1)))

    def test_the_only_look_spends_exactly_delta(self):
        assert spent(0.95, None) == 0.05
        assert spent(0.99, None) == 0.01

    @pytest.mark.parametrize("look", [0, -1, 1.5, True, "1"])
    def test_refuses_what_is_no_count(self, look):
        with pytest.raises(DataError, match="look is 1 for the first"):
            spent(0.95, look)

    @pytest.mark.parametrize("confidence", [0, 1, 95, -0.1])
    def test_refuses_confidence_outside(self, confidence):
        with pytest.raises(DataError, match="strictly between 0 and 1"):
            spent(confidence, 1)


class TestSettledAfter:
    @pytest.mark.parametrize(("target", "minimum"), [(0.9, 38), (0.95, 78), (0.99, 400)])
    def test_constants_without_an_error(self, target, minimum):
        assert settled_after(np.ones(minimum), target) == minimum
        assert settled_after(np.ones(minimum - 1), target) is None

    def test_is_the_first_place_of_a_naive_loop(self):
        right = np.random.default_rng(3).random(400) < 0.98
        wealth, total, squares, first = 1.0, 0.5, 0.25, None
        for i, x in enumerate(right.astype(float), start=1):
            m, v = total / i, squares / i
            bet = min(max((m - 0.9) / (v + (m - 0.9) ** 2), 0), 0.9 / 0.9)
            wealth *= 1 + bet * (x - 0.9)
            total += x
            squares += (x - total / (i + 1)) ** 2
            if wealth >= 1 / 0.05:
                first = i
                break
        assert first is not None
        assert settled_after(right, 0.9) == first

    def test_asked_after_every_label_is_false_as_rarely_as_promised(self):
        """A cut that is right in exactly 0.9 of cases: each stop is false, 1,000 label-until-pass users."""
        rng = np.random.default_rng(0)
        false = sum(settled_after(rng.random(1000) < 0.9, 0.9) is not None for _ in range(1000))
        assert false <= 78  # binom.isf(1e-4, 1000, 0.05)

    def test_power(self):
        rng = np.random.default_rng(1)
        assert sum(settled_after(rng.random(600) < 0.97, 0.9) is not None for _ in range(200)) >= 190

    def test_no_label_settles_nothing(self):
        assert settled_after([], 0.9) is None

    def test_refuses_what_is_no_label(self):
        with pytest.raises(DataError, match="1 for a match"):
            settled_after([0.5], 0.9)
        with pytest.raises(DataError):
            settled_after([math.nan], 0.9)
        with pytest.raises(ShapeError):
            settled_after([[1]], 0.9)
