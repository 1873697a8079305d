r"""Online ranks and a martingale that grows when they stop being uniform.

    u_t = (#{i < t : s_i > s_t} + U_t (1 + #{i < t : s_i = s_t})) / t
    M_t = sum_e M_te,      M_te = (1 + e (u_t - 1/2)) ((1 - J) M_{t-1,e} + J M_{t-1} / 5)

While the values are exchangeable, their ranks u_t among all before them are independent and uniform, and M is a
martingale from 1: it ever reaches 1 / epsilon with probability at most epsilon.

Symbols: s -> `values`, those of calibration first; U -> uniform, from `rng`; e -> `WAGERS`, J -> `JUMP`;
log max_t M_t -> `highest`. All earlier values are kept as counts in `BINS` bins of s / (1 + |s|), fixed for all time,
so that memory is constant; values of one bin are ties, which U breaks, so that ranks stay exact.

Pitfalls: ranks among the calibration values alone are not independent: at 5 % and with 100 of them, 61 % of
streams that never change alarm within 10,000 steps, against 4.5 % of 1,000 streams here. Bins laid through the
calibration values are not fixed, either.
Reference: Vovk, Nouretdinov and Gammerman, Testing exchangeability on-line (2003); Vovk, Testing randomness online
(2021), https://arxiv.org/abs/1906.09256
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo._random import Seed, generator
from cosimo.errors import DataError
from cosimo.statistics import wilson
from cosimo.types import Estimate, Interval, PerItem

BINS = 65_536
WAGERS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
JUMP = 0.001
RECENT = 500
"""Latest values of a stream whose rate is compared with that at calibration."""


def score_bins(scores: ArrayLike) -> NDArray[np.int64]:
    """(n,) places of scores among `BINS` fixed bins; higher is higher, and NaN counts as the lowest.

    >>> score_bins([-1.0, 0.0, 0.5, np.nan])
    array([16384, 32768, 43690,     0])
    """
    s = np.nan_to_num(np.asarray(scores, dtype=np.float64), nan=-1e300, posinf=1e300, neginf=-1e300)
    places = ((s / (1 + np.abs(s)) + 1) * (BINS / 2)).astype(np.int64)
    bins: NDArray[np.int64] = np.clip(places, 0, BINS - 1)
    return bins


def online_ranks(bins: NDArray[np.int64], U: PerItem, counts: NDArray[np.int64], *, block: int = 512) -> PerItem:
    """(n,) smoothed ranks of values, each among all before it; 0 is the highest.

    bins
        (n,) places of the values, in the order in which they came.
    U
        (n,) uniform numbers that break ties.
    counts
        (BINS,) how many came before; the new ones are added in place.

    >>> online_ranks(score_bins([0.1, -0.5, 0.3]), np.full(3, 0.5), np.zeros(BINS, np.int64)).round(2)
    array([0.5 , 0.75, 0.17])
    """
    u = np.empty(len(bins))
    for start in range(0, len(bins), block):
        new = bins[start : start + block]
        up_to = np.cumsum(counts)
        earlier = np.tri(len(new), k=-1, dtype=bool)
        higher = up_to[-1] - up_to[new] + ((new[None, :] > new[:, None]) & earlier).sum(axis=1)
        ties = counts[new] + ((new[None, :] == new[:, None]) & earlier).sum(axis=1)
        seen = up_to[-1] + np.arange(1, len(new) + 1)
        u[start : start + block] = (higher + U[start : start + block] * (1 + ties)) / seen
        counts += np.bincount(new, minlength=BINS)
    return u


def simple_jumper(u: PerItem, shares: NDArray[np.float64]) -> tuple[PerItem, NDArray[np.float64]]:
    """(..., n) log of the martingale after each rank of `u` (..., n), relative to the start, and its last shares.

    shares
        (..., 5) how the wealth is spread over the wagers at the start; they sum to 1.

    >>> wealth, _ = simple_jumper(np.array([0.9, 0.9, 0.1]), np.full(5, 0.2))
    >>> wealth.round(3)
    array([ 0.   ,  0.077, -0.083])
    """
    log_wealth = np.empty(u.shape)
    total = np.zeros(u.shape[:-1])
    for t in range(u.shape[-1]):
        shares = ((1 - JUMP) * shares + JUMP / len(WAGERS)) * (1 + WAGERS * (u[..., t, None] - 0.5))
        gain = shares.sum(axis=-1, keepdims=True)
        shares = shares / gain
        total = total + np.log(gain[..., 0])
        log_wealth[..., t] = total
    return log_wealth, shares


@final
@dataclass(eq=False)
class Stream:
    """One number of each item, watched: the bag it is ranked in, the wealth, and how often it reaches a cut.

    then
        At calibration: how many values reached the cut, of how many.
    recent
        Whether the latest values did.
    """

    cut: float
    rng: np.random.Generator
    counts: NDArray[np.int64]
    then: tuple[int, int]
    recent: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    shares: NDArray[np.float64] = field(default_factory=lambda: np.full(len(WAGERS), 1 / len(WAGERS)))
    log_wealth: float = 0.0
    highest: float = 0.0

    @classmethod
    def calibrated(cls, values: PerItem, cut: float, seed: Seed) -> Self:
        """A stream whose bag holds the calibration values (n,)."""
        own = np.random.Generator(np.random.PCG64(generator(seed).integers(2**63)))  # one kind, which can be saved
        counts = np.bincount(score_bins(values), minlength=BINS)
        return cls(float(cut), own, counts, (int((values >= cut).sum()), len(values)))

    def push(self, values: PerItem) -> None:
        """Rank new values (n,), wager on their ranks, and put them into the bag."""
        if not len(values):
            return
        u = online_ranks(score_bins(values), self.rng.random(len(values)), self.counts)
        wealth, self.shares = simple_jumper(u, self.shares)
        self.highest = max(self.highest, self.log_wealth + float(wealth.max()))
        self.log_wealth += float(wealth[-1])
        self.recent = np.concatenate([self.recent, values >= self.cut])[-RECENT:]

    def effect(self, unit: str) -> Mapping[str, Estimate]:
        """Share of values that reach the cut, `then` at calibration and `now` among the latest."""
        if not len(self.recent):
            raise DataError("nothing has come since calibration, so there is nothing to compare")
        now = (int(self.recent.sum()), len(self.recent))
        scopes = {"then": "calibration", "now": f"the latest {now[1]:,}, whenever the change was"}
        return {name: _rate(*counts, unit, scopes[name]) for name, counts in (("then", self.then), ("now", now))}

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays that `from_state` reads back."""
        filled = np.flatnonzero(self.counts)
        saved = {
            "cut": self.cut.hex(),
            "then": list(self.then),
            "log_wealth": self.log_wealth.hex(),
            "highest": self.highest.hex(),
            "rng": self.rng.bit_generator.state,
        }
        arrays = {"bins": filled, "counts": self.counts[filled], "recent": self.recent, "shares": self.shares}
        return saved, arrays

    @classmethod
    def from_state(cls, saved: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The stream written by `state`."""
        bits = np.random.PCG64()
        bits.state = saved["rng"]
        counts = np.zeros(BINS, np.int64)
        counts[arrays["bins"]] = arrays["counts"]
        accepted, n = saved["then"]
        wealth, highest = float.fromhex(saved["log_wealth"]), float.fromhex(saved["highest"])
        cut, own = float.fromhex(saved["cut"]), np.random.Generator(bits)
        return cls(cut, own, counts, (accepted, n), arrays["recent"].astype(bool), arrays["shares"], wealth, highest)


def _rate(reached: int, n: int, unit: str, scope: str) -> Estimate:
    low, high = wilson(reached, n)
    return Estimate(reached / n, Interval(low, high, 0.95, "Wilson", unit, n, "estimate", scope))
