"""Turns the sections of our docstrings into those a documentation tool knows.

In the source a parameter is its name on one line and its meaning, indented, below; an example begins with `>>>`.
numpydoc wants a heading over either.
"""

import re

import griffe

ENTRY = re.compile(r"^(?P<names>\*{0,2}\w+(?:, \*{0,2}\w+)*)\n(?=    \S)", re.MULTILINE)
EXAMPLE = re.compile(r"^>>>", re.MULTILINE)


PARAGRAPH = re.compile(r"(?<!\n)\n(?=(?:Symbols|Pitfalls|Reference):)")


class Sections(griffe.Extension):
    """Puts `Parameters` and `Examples` where they belong."""

    def on_module(self, *, mod: griffe.Module, **_: object) -> None:
        """Modules: what they say about symbols, mistakes and references begins a paragraph each."""
        if mod.docstring is not None:
            mod.docstring.value = PARAGRAPH.sub("\n\n", mod.docstring.value)

    def on_function(self, *, func: griffe.Function, **_: object) -> None:
        """Functions and methods."""
        rewrite(func, {parameter.name for parameter in func.parameters})

    def on_class(self, *, cls: griffe.Class, **_: object) -> None:
        """Classes: the parameters of their constructor or, for values, their fields."""
        rewrite(cls, {parameter.name for parameter in cls.parameters} | set(cls.members))


def rewrite(thing: griffe.Object, known: set[str]) -> None:
    """Put the headings in, in the docstring of `thing`."""
    if thing.docstring is not None:
        thing.docstring.value = with_headings(thing.docstring.value, known)


def with_headings(text: str, known: set[str]) -> str:
    """A docstring with a heading before its first parameter and before its first example.

    >>> print(with_headings("Count.\\n\\nk\\n    How many.\\n\\n>>> 1\\n1", {"k"}))
    Count.
    <BLANKLINE>
    Parameters
    ----------
    k
        How many.
    <BLANKLINE>
    Examples
    --------
    >>> 1
    1
    """
    first = next((found for found in ENTRY.finditer(text) if set(found["names"].split(", ")) <= known), None)
    if first is not None:
        text = f"{text[: first.start()]}Parameters\n----------\n{text[first.start() :]}"
    example = EXAMPLE.search(text)
    if example is not None:
        text = f"{text[: example.start()]}Examples\n--------\n{text[example.start() :]}"
    return text
