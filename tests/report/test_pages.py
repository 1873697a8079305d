"""Pages and their drawings: nothing from elsewhere, nothing run, and the places that values come to."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from cosimo.report import svg
from cosimo.report.html import (
    Html,
    badge,
    card,
    element,
    facts,
    figure,
    grid,
    page,
    paragraph,
    plain,
    section,
    show,
    table,
)

EVIL = '<script>alert(1)</script> & "quoted" <img src=x onerror=y>'


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(text):
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    return tags


def everything():
    return page(
        EVIL,
        paragraph(EVIL, kind="lead"),
        section(EVIL, card(EVIL, facts({EVIL: EVIL}), badge(EVIL, "bad"), kind="warn")),
        grid(
            figure(svg.forest([(EVIL, 1.0, 0.5, 2.0)], title=EVIL, label=EVIL, reference=1.0), EVIL),
            figure(svg.bars([(EVIL, -1.0)], title=EVIL), EVIL),
            figure(svg.histogram([1, 2], [0, 1, 2], title=EVIL, mark=1.5), EVIL),
            figure(svg.curve([3.0, 2.0], title=EVIL, logarithmic=True), EVIL),
        ),
        table((EVIL, "value"), [(EVIL, EVIL), ("b", 2.0)], caption=EVIL),
    )


def test_what_strangers_wrote_stays_text():
    tags = parsed(everything())
    assert not {"script", "img", "link", "iframe"} & set(tags.seen)
    assert not [name for name, _ in tags.attributes if name.startswith("on") or name in ("src", "href")]


def test_nothing_comes_from_elsewhere():
    text = everything()
    assert not re.findall(r"https?://|url\(|@import", text)
    assert "default-src 'none'" in text
    assert text.count("<html") == text.count("</html>") == 1


def test_all_drawings_say_what_they_show():
    tags = parsed(everything())
    assert tags.seen.count("svg") == [value for name, value in tags.attributes if name == "role"].count("img") == 4


def test_values_in_words():
    assert [plain(value) for value in (None, True, 0, -1234567, -0.5, 1e-9, "−", float("nan"))] == [
        "", "yes", "0", "−1,234,567", "−0.5", "1e−09", "−", "–",
    ]  # fmt: skip
    assert show(Html("<b>1</b>")) == "<b>1</b>"
    assert element("p", "a", Html("<i>"), 2, attributes={"class": 'x"y'}) == '<p class="x&quot;y">a<i>2</p>'


def test_numbers_stand_to_the_right_and_rows_are_named():
    found = parsed(table(("a", "b", "c"), [("x", 1.5, "y"), ("z", None, "w")]))
    assert found.attributes.count(("class", "number")) == 3  # the header, and both cells of the column
    assert found.attributes.count(("scope", "row")) == 2
    assert found.attributes.count(("scope", "col")) == 3


def test_a_table_without_rows():
    assert parsed(table(("a", "b"), [])).seen.count("tr") == 1


def drawn(markup):
    return ElementTree.fromstring(markup)


def places(markup, tag, attribute):
    return [float(node.attrib[attribute]) for node in drawn(markup).iter(tag) if attribute in node.attrib]


def test_histogram_bars_stand_on_the_axis_and_are_as_high_as_their_counts():
    markup = svg.histogram([1, 4, 2], [0.0, 0.5, 1.0, 1.5], title="t", label="x")
    tops, heights = places(markup, "rect", "y"), places(markup, "rect", "height")
    assert [top + height for top, height in zip(tops, heights, strict=True)] == pytest.approx([136.0] * 3, abs=0.2)
    assert heights[1] == pytest.approx(4 * heights[0], abs=0.3)
    assert heights[2] == pytest.approx(2 * heights[0], abs=0.3)


def test_forest_places_values_between_their_ends():
    rows = [("a", 0.2, -0.1, 0.5), ("b", 0.0, None, None), ("c", 0.5, 0.4, 0.6)]
    markup = svg.forest(rows, title="t", reference=0.0)
    x = places(markup, "circle", "cx")
    lines = [
        (float(node.attrib["x1"]), float(node.attrib["x2"]))
        for node in drawn(markup).iter("line")
        if node.attrib["class"] == "reach"
    ]
    assert len(lines) == 2
    assert lines[0][0] < x[0] < lines[0][1]
    assert (x[0] - x[1]) / (x[2] - x[1]) == pytest.approx(0.4, abs=0.01)
    rule = next(node for node in drawn(markup).iter("line") if node.attrib["class"] == "rule")
    assert float(rule.attrib["x1"]) == pytest.approx(x[1], abs=0.1)


def test_curve_of_powers_leaves_out_what_has_no_logarithm():
    points = drawn(svg.curve([100.0, 10.0, 0.0, 1.0], title="t", logarithmic=True)).find("polyline").attrib["points"]
    y = [float(point.split(",")[1]) for point in points.split()]
    assert len(y) == 3
    assert y[1] - y[0] == pytest.approx(y[2] - y[1], abs=0.2)


@pytest.mark.parametrize(
    "markup",
    [
        svg.forest([], title="t"),
        svg.bars([], title="t"),
        svg.curve([], title="t"),
        svg.curve([0.0], title="t", logarithmic=True),
        svg.histogram([], [0.0], title="t"),
        svg.forest([("same", 1.0, 1.0, 1.0)], title="t"),
        svg.histogram([5], [2.0, 2.0], title="t", mark=2.0),
    ],
)
def test_little_to_draw(markup):
    assert "nan" not in markup
    drawn(markup)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3.2, 17), (0.001, 0.0013), (-1e6, -1e5), (0, 1e-9)])
def test_ticks_are_round_and_inside(low, high):
    found = svg.ticks(low, high)
    assert 3 <= len(found) <= 8
    assert all(low - 1e-12 <= tick <= high + 1e-12 for tick in found)
    steps = {round((b - a) / (found[1] - found[0]), 6) for a, b in pairwise(found)}
    assert steps == {1.0}
    assert svg.ticks(2, 2) == [2]
