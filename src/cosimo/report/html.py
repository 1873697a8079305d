"""One self-contained HTML page: no script, no font, no image from elsewhere; light and dark as the reader's system is.

Whatever goes into a page is text and is escaped, unless it is `Html`, which the functions here and in `svg` make. A
page so built cannot be made to run what a stranger wrote into a text.

Pitfalls: a value escaped twice, or not at all; a table whose header cells do not say of what they are the
header; colour as the only sign of what is good and what is bad.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape as quoted
from typing import final

from cosimo.report.style import STYLE


@final
class Html(str):
    """Markup that is put into a page as it is.

    >>> show(Html("<b>"))
    '<b>'
    """

    __slots__ = ()


def show(value: object) -> Html:
    """The value as markup: `Html` as it is, all else escaped; floats with four significant digits, None empty.

    >>> show("a < b"), show(-0.123456), show(1_234_567), show(None)
    ('a &lt; b', '−0.1235', '1,234,567', '')
    """
    if isinstance(value, Html):
        return value
    return Html(quoted(plain(value)))


def plain(value: object) -> str:
    """The value in words and figures, as `show` writes it before it escapes.

    >>> plain(True), plain(0.00001234), plain(float("nan")), plain(-2)
    ('yes', '1.234e−05', '–', '−2')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    if isinstance(value, float):
        return "–" if value != value else f"{value:.4g}".replace("-", "−")
    return str(value)


def element(tag: str, *content: object, attributes: Mapping[str, object] | None = None) -> Html:
    """An element with its content, shown one after the other.

    >>> element("p", "1 < 2", attributes={"class": "note"})
    '<p class="note">1 &lt; 2</p>'
    """
    given = "".join(f' {name}="{quoted(str(value))}"' for name, value in (attributes or {}).items())
    return Html(f"<{tag}{given}>{''.join(map(show, content))}</{tag}>")


def section(heading: str, *content: object) -> Html:
    """A part of the page under its heading."""
    return element("section", element("h2", heading), *content)


def paragraph(text: object, *, kind: str = "") -> Html:
    """A paragraph; `kind` may be `lead` or `note`."""
    return element("p", text, attributes={"class": kind} if kind else None)


def badge(word: str, kind: str) -> Html:
    """A word in a coloured frame: `bad`, `warn`, `unsure`, `good` or `plain`."""
    return element("span", word, attributes={"class": f"badge {kind}"})


def card(heading: object, *content: object, kind: str = "plain") -> Html:
    """A framed part with a heading of its own, its edge coloured like a badge of that kind."""
    return element("article", element("h3", heading), *content, attributes={"class": f"card {kind}"})


def facts(values: Mapping[str, object]) -> Html:
    """Names and values in two columns."""
    rows = [Html(element("dt", name) + element("dd", value)) for name, value in values.items()]
    return element("dl", *rows)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "") -> Html:
    """A table with a header; numbers stand to the right, and the first column names the row.

    >>> '<td class="number">−0.5</td>' in table(("model", "change"), [("minilm", -0.5)])
    True
    """
    listed = list(rows)
    right = [place > 0 and any(_number(row[place]) for row in listed) for place in range(len(columns))]
    titles = (_attributes(of_numbers, scope="col") for of_numbers in right)
    head = element("tr", *(element("th", name, attributes=given) for name, given in zip(columns, titles, strict=True)))
    body = [element("tr", *map(_cell, row, right, range(len(right)))) for row in listed]
    title = [element("caption", caption)] if caption else []
    whole = element("table", *title, element("thead", head), element("tbody", *body))
    # Wide tables scroll by themselves, and by keyboard too.
    return element("div", whole, attributes={"class": "wide", "tabindex": 0, "role": "group", "aria-label": "table"})


def _cell(value: object, of_numbers: bool, place: int) -> Html:
    if place == 0:
        return element("th", value, attributes={"scope": "row"})
    return element("td", value, attributes=_attributes(of_numbers))


def _attributes(of_numbers: bool, **given: object) -> dict[str, object]:
    return given | ({"class": "number"} if of_numbers else {})


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def figure(drawing: Html, caption: object) -> Html:
    """A drawing with what it shows in words."""
    return element("figure", drawing, element("figcaption", caption))


def grid(*content: object) -> Html:
    """Parts side by side where there is room."""
    return element("div", *content, attributes={"class": "grid"})


def page(title: str, *content: object, language: str = "en") -> str:
    """The whole page.

    >>> page("Report", paragraph("all well")).startswith("<!doctype html>")
    True
    """
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        # Nothing may be loaded or run, whatever the texts say.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    )
    body = element("main", element("h1", title), *content)
    return (
        f'<!doctype html>\n<html lang="{quoted(language)}">\n<head>{head}<title>{quoted(title)}</title>\n'
        f"<style>\n{STYLE}</style></head>\n<body>\n{body}\n</body>\n</html>\n"
    )
