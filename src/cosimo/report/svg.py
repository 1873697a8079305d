r"""Small drawings for a page, as SVG that takes its colours from the page's style: no library, no script.

    histogram    counts between edges                   curve    values in order, such as a spectrum
    bars         one value a label                      forest   one value with its interval a label

Every drawing says what it shows in its title, for those who do not see it, and what it draws should stand in a table
as well.

Pitfalls: axes that begin anywhere, so that small differences look large: bars and histograms begin at 0; ticks
at odd numbers.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from cosimo.report.html import Html, element, plain
from cosimo.types import Interval

WIDTH, HEIGHT = 360, 170
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 8, 34
CHARACTER = 6.6
"""Width of a letter, about."""


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, about `count` of them.

    >>> ticks(-0.13, 0.42), ticks(0, 37)
    ([-0.1, 0.0, 0.1, 0.2, 0.3, 0.4], [0.0, 10.0, 20.0, 30.0])
    """
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= 0.8 * rough)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 12) + 0.0 for i in range(first, last + 1)]


def histogram(
    counts: Sequence[float], edges: Sequence[float], *, title: str, label: str = "", mark: float | None = None
) -> Html:
    """Bars of `counts` (b,) between `edges` (b + 1,).

    label
        What is counted along the axis.
    mark
        A value shown as a dashed line.
    """
    low, high = edges[0], edges[-1]
    frame = _Frame((low, high), (0.0, max(counts, default=0) or 1.0))
    bars = [
        _rect(frame.x(a), frame.y(count), frame.x(b) - frame.x(a) - 0.5, frame.y(0) - frame.y(count))
        for count, (a, b) in zip(counts, pairwise(edges), strict=True)
    ]
    parts = [*frame.axes(label), *bars]
    if mark is not None and low <= mark <= high:
        parts.append(_line((frame.x(mark), frame.y(0)), (frame.x(mark), TOP), "rule"))
    return _drawing(parts, title, WIDTH, HEIGHT)


def curve(values: Sequence[float], *, title: str, label: str = "", logarithmic: bool = False) -> Html:
    """A line through `values` in order, numbered from 1.

    logarithmic
        Powers of ten along the upright axis; what is not above 0 is left out.
    """
    shown = [(i, math.log10(v) if logarithmic else v) for i, v in enumerate(values, 1) if v > 0 or not logarithmic]
    heights = [v for _, v in shown] or [0.0]
    low = math.floor(min(heights)) if logarithmic else min(0.0, *heights)
    high = math.ceil(max(heights)) if logarithmic else max(heights)
    frame = _Frame((1.0, float(max(len(values), 2))), (low, high if high > low else low + 1))
    points = " ".join(f"{frame.x(i):.1f},{frame.y(v):.1f}" for i, v in shown)
    line = element("polyline", attributes={"points": points, "class": "curve"})
    return _drawing([*frame.axes(label, powers=logarithmic), line], title, WIDTH, HEIGHT)


def bars(rows: Sequence[tuple[str, float]], *, title: str, label: str = "") -> Html:
    """One lying bar a labelled value, from 0."""
    return _lying(rows, [(0.0, value) for _, value in rows], title, label, zero=True, bars=True)


def forest(
    rows: Sequence[tuple[str, float, float | None, float | None]],
    *,
    title: str,
    label: str = "",
    reference: float | None = None,
) -> Html:
    """One value a labelled row as a dot, its interval from `low` to `high` as a line; no line where there is none.

    reference
        A value to compare with, such as 0 for differences: a dashed line through all rows.

    >>> drawn = forest([("a", 0.1, -0.2, 0.4), ("b", 0.3, None, None)], title="differences", reference=0)
    >>> drawn.count("<circle"), drawn.count('class="reach"'), drawn.count('class="rule"')
    (2, 1, 1)
    """
    spans = [(value if low is None else low, value if high is None else high) for _, value, low, high in rows]
    return _lying([row[:2] for row in rows], spans, title, label, zero=False, bars=False, reference=reference)


def ends(interval: Interval | None) -> tuple[float | None, float | None]:
    """Where an interval starts and stops, as a row of `forest` has it."""
    return (None, None) if interval is None else (interval.low, interval.high)


def _lying(
    rows: Sequence[tuple[str, float]],
    spans: Sequence[tuple[float, float]],
    title: str,
    label: str,
    *,
    zero: bool,
    bars: bool,
    reference: float | None = None,
) -> Html:
    """Rows under each other along one lying axis."""
    left = 12 + min(CHARACTER * max((len(name) for name, _ in rows), default=0), 240)
    height = TOP + 24 * max(len(rows), 1) + BOTTOM
    width = max(WIDTH, round(left) + 300)
    marks = (
        [end for span in spans for end in span] + ([0.0] if zero else []) + ([] if reference is None else [reference])
    )
    low, high = min(marks, default=0.0), max(marks, default=1.0)
    slack = 0.04 * (high - low) or 0.5
    reach = (low - slack * (low < 0 or not zero), high + slack)
    frame = _Frame(reach, (0, 1), left=left, width=width, height=height)
    parts = frame.lying(label)
    if reference is not None:
        parts.append(_line((frame.x(reference), TOP), (frame.x(reference), height - BOTTOM), "rule"))
    for place, ((name, value), (start, stop)) in enumerate(zip(rows, spans, strict=True)):
        y = TOP + 24 * place + 12
        shown = name if len(name) * CHARACTER <= 240 else f"{name[: int(240 / CHARACTER) - 1]}…"
        parts.append(_text(left - 10, y + 4, shown, "end"))
        if bars:
            parts.append(_rect(frame.x(min(0.0, value)), y - 7, abs(frame.x(value) - frame.x(0.0)), 14))
            continue
        if stop > start:
            parts.append(_line((frame.x(start), y), (frame.x(stop), y), "reach"))
        parts.append(element("circle", attributes={"cx": f"{frame.x(value):.1f}", "cy": y, "r": 4, "class": "dot"}))
    return _drawing(parts, title, width, height)


class _Frame:
    """From values to places on the drawing."""

    def __init__(
        self,
        xs: tuple[float, float],
        ys: tuple[float, float],
        *,
        left: float = LEFT,
        width: float = WIDTH,
        height: float = HEIGHT,
    ) -> None:
        self.xs, self.ys = (pair if pair[1] > pair[0] else (pair[0] - 0.5, pair[0] + 0.5) for pair in (xs, ys))
        self.left, self.right, self.bottom = left, width - RIGHT, height - BOTTOM

    def x(self, value: float) -> float:
        return self.left + (value - self.xs[0]) / (self.xs[1] - self.xs[0]) * (self.right - self.left)

    def y(self, value: float) -> float:
        return self.bottom - (value - self.ys[0]) / (self.ys[1] - self.ys[0]) * (self.bottom - TOP)

    def lying(self, label: str) -> list[Html]:
        """The lower axis with its ticks and its name."""
        parts = [_line((self.left, self.bottom), (self.right, self.bottom), "axis")]
        for tick in ticks(*self.xs):
            parts.append(_line((self.x(tick), self.bottom), (self.x(tick), TOP), "grid-line"))
            parts.append(_text(self.x(tick), self.bottom + 14, plain(tick), "middle", "soft"))
        if label:
            parts.append(_text((self.left + self.right) / 2, self.bottom + 30, label, "middle", "soft"))
        return parts

    def axes(self, label: str, *, powers: bool = False) -> list[Html]:
        """Both axes; the upright one in powers of ten where asked for."""
        parts = self.lying(label)
        marks = [tick for tick in ticks(*self.ys, count=3) if not powers or tick == int(tick)]
        for tick in marks:
            parts.append(_line((self.left, self.y(tick)), (self.right, self.y(tick)), "grid-line"))
            shown = plain(10.0**tick) if powers else plain(tick)
            parts.append(_text(self.left - 6, self.y(tick) + 4, shown, "end", "soft"))
        return parts


def _drawing(parts: Sequence[Html], title: str, width: float, height: float) -> Html:
    size = {"width": f"{width:g}", "height": f"{height:g}", "viewBox": f"0 0 {width:g} {height:g}"}
    attributes = size | {"role": "img", "aria-label": title}
    return element("svg", element("title", title), *parts, attributes=attributes)


def _rect(x: float, y: float, width: float, height: float) -> Html:
    sizes = {"x": x, "y": y, "width": max(width, 0.0), "height": max(height, 0.0)}
    return element("rect", attributes={name: f"{size:.1f}" for name, size in sizes.items()} | {"class": "bar"})


def _line(start: tuple[float, float], stop: tuple[float, float], kind: str) -> Html:
    ends = zip(("x1", "y1", "x2", "y2"), (*start, *stop), strict=True)
    return element("line", attributes={name: f"{end:.1f}" for name, end in ends} | {"class": kind})


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> Html:
    attributes: dict[str, object] = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    return element("text", text, attributes=attributes | ({"class": kind} if kind else {}))
