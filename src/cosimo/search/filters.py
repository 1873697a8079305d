r"""Filters: a small expression over declared fields, checked against their types and compiled to SQL.

    year >= 2020 and (venue in ("ACL", "EMNLP") or not id == "x-1") and pages is not missing

    either    = both {"or" both}                  comparison = field ("=" | "==" | "!=" | "<>" | "<" ...) value
    both      = negation {"and" negation}                    | field ["not"] "in" "(" value {"," value} ")"
    negation  = "not" negation | "(" either ")"              | field "is" ["not"] ("missing" | "null")
              | comparison                        value      = number | "text" | 'text' | true | false

Rules, the same for every store:

- A literal of another type than the field's is refused; only whole and fractional numbers mix.
- An item without the field passes `is missing` and no comparison, not `!=` and not a negated one either. `not` acts
  on the comparisons inside it (`not (a and b)` is `not a or not b`), which is what SQL's NULL does.
- Text compares by code point, case included.

Pitfalls: putting values into the SQL text. Here they travel only as parameters, and the names in the SQL are
those of the declared fields, never what the user typed.
"""

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias, final

from cosimo.errors import FilterError

MAX_LENGTH = 4_000
MAX_DEPTH = 50
LARGEST = 2**63
NAME = r"[^\W\d]\w*"
KEYWORDS = frozenset({"and", "or", "not", "in", "is", "missing", "null", "true", "false"})
OPERATORS = {"=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
ESCAPES = {"\\": "\\", '"': '"', "'": "'", "n": "\n", "t": "\t"}
EXAMPLES_OF = {int: ">= 2020", float: "< 0.5", str: '== "text"', bool: "== true"}
TOKEN = re.compile(
    rf"""\s*(?:
        (?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<name>{NAME})
      | (?P<mark>==|!=|<>|<=|>=|[=<>(),\[\]])
      | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)

Value: TypeAlias = int | float | str | bool


@dataclass(frozen=True)
class Comparison:
    """One test of one field. `operator` is SQL's, or `in`, or `missing`."""

    field: str
    operator: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Negation:
    """What must not hold."""

    part: "Filter"


@dataclass(frozen=True)
class Junction:
    """Parts of which all (`and`) or some (`or`) must hold."""

    word: Literal["and", "or"]
    parts: tuple["Filter", ...]


Filter: TypeAlias = Comparison | Negation | Junction


def parse_filter(expression: str, fields: Mapping[str, type]) -> Filter:
    """The tree of `expression` over `fields`; `id` is always there, as text.

    Raises
    ------
    FilterError
        What is wrong, with a ^ before the place: syntax, an undeclared field, a literal of another type, or an
        expression that is too long or too deeply nested.

    >>> parse_filter("year >= -44", {"year": int})
    Comparison(field='year', operator='>=', values=(-44,))
    """
    if not isinstance(expression, str):
        raise FilterError(f"a filter is text such as 'year >= 2020', got {type(expression).__name__}")
    if len(expression) > MAX_LENGTH:
        raise FilterError(f"the filter has {len(expression):,} characters, at most {MAX_LENGTH:,} are read")
    return _Parser(expression, {"id": str, **fields}).parse()


def compile_filter(expression: str, fields: Mapping[str, type]) -> tuple[str, list[Value]]:
    """`expression` as a SQL condition and its parameters.

    >>> compile_filter('venue == "ACL" or year < 0', {"venue": str, "year": int})
    ('("f_venue" = ? OR "f_year" < ?)', ['ACL', 0])
    """
    return _sql(parse_filter(expression, fields))


def column(field: str) -> str:
    """The SQL name of a field's column."""
    return "id" if field == "id" else f'"f_{field}"'


def _sql(node: Filter) -> tuple[str, list[Value]]:
    if isinstance(node, Negation):
        sql, values = _sql(node.part)
        return f"NOT {sql}", values
    if isinstance(node, Junction):
        parts = [_sql(part) for part in node.parts]
        joined = f" {node.word.upper()} ".join(sql for sql, _ in parts)
        return f"({joined})", [value for _, values in parts for value in values]
    if node.operator == "missing":
        return f"({column(node.field)} IS NULL)", []
    if node.operator == "in":
        return f"({column(node.field)} IN ({', '.join('?' * len(node.values))}))", list(node.values)
    return f"{column(node.field)} {node.operator} ?", list(node.values)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        return self.text.casefold() if self.kind in ("name", "mark") else ""


@final
class _Parser:
    """Recursive descent over the tokens; every method reads one rule of the grammar."""

    def __init__(self, expression: str, fields: Mapping[str, type]) -> None:
        self.expression = expression
        self.fields = fields
        self.tokens = self._tokens()
        self.position = 0
        self.depth = 0

    def parse(self) -> Filter:
        tree = self._junction("or")
        if self._token.kind != "end":
            self._fail('wanted "and", "or" or the end')
        return tree

    def _tokens(self) -> list[_Token]:
        tokens: list[_Token] = []
        at = 0
        while not tokens or tokens[-1].kind != "end":
            match = TOKEN.match(self.expression, at)
            if match is None:
                start = len(self.expression) - len(self.expression[at:].lstrip())
                quoted = self.expression[start] in "\"'"
                self._fail("this quote is never closed" if quoted else "cannot read this", start)
            kind = str(match.lastgroup)
            tokens.append(_Token(kind, match[kind], match.start(kind)))
            at = match.end()
        return tokens

    @property
    def _token(self) -> _Token:
        return self.tokens[self.position]

    def _accept(self, *words: str) -> str:
        """The next token's word when it is one of `words`, which moves on, or nothing."""
        word = self._token.word
        if word not in words:
            return ""
        self.position += 1
        return word

    def _junction(self, word: Literal["and", "or"]) -> Filter:
        part = self._negation if word == "and" else lambda: self._junction("and")
        parts = [part()]
        while self._accept(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def _negation(self) -> Filter:
        opening = self._accept("not", "(")
        if not opening:
            return self._comparison()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self._fail(f"nested more than {MAX_DEPTH} deep")
        node = Negation(self._negation()) if opening == "not" else self._junction("or")
        if opening == "(" and not self._accept(")"):
            self._fail('wanted ")"')
        self.depth -= 1
        return node

    def _comparison(self) -> Filter:
        field = self._field()
        if self._accept("is"):
            present = self._accept("not")
            if not self._accept("missing", "null"):
                self._fail('wanted "missing" after "is"')
            return Negation(Comparison(field, "missing")) if present else Comparison(field, "missing")
        if self._accept("not"):
            if self._token.word != "in":
                self._fail('wanted "in" after "not"')
            return Negation(self._comparison_with_list(field))
        if self._token.word == "in":
            return self._comparison_with_list(field)
        operator = OPERATORS.get(self._accept(*OPERATORS))
        if operator is None:
            self._fail(f'wanted a comparison after "{field}", such as {field} {EXAMPLES_OF[self.fields[field]]}')
        value = self._value(field, ordered=operator not in ("=", "!="))
        if self._token.word in OPERATORS:
            self._fail('comparisons do not chain; join two with "and"')
        return Comparison(field, operator, (value,))

    def _comparison_with_list(self, field: str) -> Comparison:
        self._accept("in")
        opening = self._accept("(", "[")
        if not opening:
            self._fail('wanted "(" after "in"')
        closing = ")" if opening == "(" else "]"
        values = [self._value(field)]
        while self._accept(",") and self._token.word != closing:
            values.append(self._value(field))
        if not self._accept(closing):
            self._fail(f'wanted "," or "{closing}"')
        return Comparison(field, "in", tuple(values))

    def _field(self) -> str:
        token = self._token
        if token.kind != "name" or token.word in KEYWORDS:
            self._fail("wanted the name of a field")
        if token.text not in self.fields:
            close = difflib.get_close_matches(token.text, self.fields, n=1)
            meant = f' (did you mean "{close[0]}"?)' if close else ""
            self._fail(f'"{token.text}" is no declared field{meant}; declared are {", ".join(sorted(self.fields))}')
        self.position += 1
        return token.text

    def _value(self, field: str, *, ordered: bool = False) -> Value:
        """The next literal, as a value of the field's type."""
        declared = self.fields[field]
        value = self._literal()
        numbers = (int, float)
        if type(value) is not declared and not (type(value) in numbers and declared in numbers):
            self._fail(
                f"{field} is declared as {declared.__name__} and cannot be compared with "
                f"{self._token.text} ({type(value).__name__})"
            )
        if declared is bool and ordered:
            self._fail(f"{field} is true or false and has no order; use = or !=")
        if type(value) is int and not -LARGEST <= value < LARGEST:
            self._fail("this whole number does not fit in 64 bits")
        self.position += 1
        return float(value) if declared is float else value

    def _literal(self) -> Value:
        """The value of the next token, without moving on."""
        token = self._token
        if token.kind == "text":
            return self._unquoted(token)
        if token.kind == "number":
            if token.text.lstrip("+-").isdigit():
                return int(token.text)
            if math.isinf(float(token.text)):
                self._fail("this number is too large")
            return float(token.text)
        if token.word in ("true", "false"):
            return token.word == "true"
        name = token.kind == "name" and token.word not in KEYWORDS
        hint = f', and "{token.text}" with quotes if it is text' if name else ""
        return self._fail(f"wanted a value: a number, quoted text, true or false{hint}")

    def _unquoted(self, token: _Token) -> str:
        def character(match: re.Match[str]) -> str:
            if match[1] not in ESCAPES:
                self._fail(f"unknown escape \\{match[1]}; write \\\\ for a backslash")
            return ESCAPES[match[1]]

        text = re.sub(r"\\(.)", character, token.text[1:-1], flags=re.DOTALL)
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            self._fail("this text is not valid Unicode (a lone surrogate)")
        return text

    def _fail(self, problem: str, at: int | None = None) -> NoReturn:
        """Refuse the expression, with a ^ before the token that cannot be used."""
        place = self._token.at if at is None else at
        shown = f"{self.expression[max(0, place - 40) : place]}^{self.expression[place : place + 40]}"
        raise FilterError(f"cannot use this filter, {problem}: {' '.join(shown.split())}")
