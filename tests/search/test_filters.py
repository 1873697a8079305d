import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosimo.errors import FilterError
from cosimo.search.filters import MAX_DEPTH, MAX_LENGTH, Comparison, Junction, Negation, compile_filter, parse_filter
from cosimo.search.stores.schema import SQL_TYPES

FIELDS = {"year": int, "price": float, "venue": str, "open": bool}
COMPARE = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def passes(node, item, negated=False):
    """What a filter means, without SQL: negation is carried to the comparisons, and nothing missing passes one."""
    if isinstance(node, Negation):
        return passes(node.part, item, not negated)
    if isinstance(node, Junction):
        every = (node.word == "and") != negated
        return (all if every else any)(passes(part, item, negated) for part in node.parts)
    value = item.get(node.field)
    if node.operator == "missing":
        return (value is None) != negated
    if value is None:
        return False
    held = value in node.values if node.operator == "in" else COMPARE[node.operator](value, node.values[0])
    return held != negated


def written(node):
    """A filter as somebody would type it."""
    if isinstance(node, Negation):
        return f"not ({written(node.part)})"
    if isinstance(node, Junction):
        return "(" + f" {node.word} ".join(map(written, node.parts)) + ")"
    if node.operator == "missing":
        return f"{node.field} is missing"
    literals = [literal(value) for value in node.values]
    return (
        f"{node.field} in ({', '.join(literals)})"
        if node.operator == "in"
        else f"{node.field} {node.operator} {literals[0]}"
    )


def literal(value):
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value).lower() if isinstance(value, bool) else repr(value)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=3) | st.sampled_from(["ACL", "acl", "", "é", "x'y"])
INTEGER = st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1)
FRACTION = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.5, -0.0, 2.0, float(2**53)])
VALUES = {"year": INTEGER, "price": FRACTION, "venue": TEXT, "open": st.booleans()}
ITEMS = st.lists(
    st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in VALUES.items()}), max_size=12
)


@st.composite
def comparisons(draw):
    field = draw(st.sampled_from(sorted(VALUES)))
    operators = ["=", "!=", "in", "missing"] + (["<", "<=", ">", ">="] if field != "open" else [])
    operator = draw(st.sampled_from(operators))
    size = {"missing": 0, "in": draw(st.integers(1, 3))}.get(operator, 1)
    # Whole numbers and fractions mix; a field of fractions reads a whole literal as a fraction.
    values = (INTEGER | FRACTION) if field == "year" else VALUES[field]
    return Comparison(field, operator, tuple(draw(st.lists(values, min_size=size, max_size=size))))


TREES = st.recursive(
    comparisons(),
    lambda parts: (
        st.builds(Negation, parts)
        | st.builds(Junction, st.sampled_from(["and", "or"]), st.lists(parts, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=8,
)


def table(items):
    db = sqlite3.connect(":memory:")
    columns = ", ".join(f'"f_{name}" {SQL_TYPES[kind]}' for name, kind in FIELDS.items())
    db.execute(f"CREATE TABLE items (id TEXT, {columns}) STRICT")
    records = [(f"x-{i}", *(item.get(name) for name in FIELDS)) for i, item in enumerate(items)]
    db.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?)", records)
    return db


def selected(items, expression):
    condition, values = compile_filter(expression, FIELDS)
    db = table(items)
    found = [name for (name,) in db.execute(f"SELECT id FROM items WHERE {condition} ORDER BY rowid", values)]
    db.close()
    return found


@settings(max_examples=400, deadline=None)
@given(TREES, ITEMS)
def test_oracle_a_filter_means_what_its_tree_says(tree, items):
    assert selected(items, written(tree)) == [f"x-{i}" for i, item in enumerate(items) if passes(tree, item)]


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_oracle_a_typed_tree_is_read_back(tree):
    assert parse_filter(written(tree), FIELDS) == tree


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("year >= 2020 and venue in ('ACL', \"EMNLP\")", [0]),
        ("year == 2020 or venue = 'ICML'", [0, 1]),
        ("not year < 2020", [0]),
        ("year != 2020", [1]),
        ("year <> 2020", [1]),
        ("not (year = 2020 and venue = 'ACL')", [1, 2]),
        ("year is missing", [2, 3]),
        ("year IS NOT NULL AND open = TRUE", [0]),
        ("venue not in ['ACL', 'ICML',]", [2]),
        ("price > 1", [1]),
        ("year > 2018.5", [0, 1]),
        ("id in ('x-1', 'x-3') and not (venue is missing)", [1]),
        ("year = 2020 or year = 2019 and venue = 'nowhere'", [0]),
        ("not year = 2020 or venue = 'ACL'", [0, 1]),
        ("year > -1 and price >= -1.5e1", [1]),
    ],
)
def test_examples(expression, expected):
    items = [
        {"year": 2020, "venue": "ACL", "open": True},
        {"year": 2019, "venue": "ICML", "price": 1.5},
        {"venue": 'it\'s "quoted"'},
        {},
    ]
    assert selected(items, expression) == [f"x-{i}" for i in expected]


@pytest.mark.parametrize("text", ["it's", 'a "b"', "back\\slash", "two\nlines", "tab\there", "東京 🎸", "\u202eעברית"])
def test_text_literals_keep_every_character(text):
    assert selected([{"venue": text}, {"venue": "other"}], f"venue = {literal(text)}") == ["x-0"]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "wanted the name of a field: ^"),
        ("year", 'wanted a comparison after "year", such as year >= 2020: year^'),
        ("year >=", "wanted a value"),
        ("year >= and venue = 'x'", "year >= ^and venue"),
        ("year >= 2020 venue = 'x'", 'wanted "and", "or" or the end: year >= 2020 ^venue'),
        ("(year = 1", 'wanted ")"'),
        ("year = 1)", 'wanted "and", "or" or the end: year = 1^)'),
        ("year in 1", 'wanted "(" after "in"'),
        ("year in ()", "wanted a value"),
        ("year in (1 2)", 'wanted "," or ")"'),
        ("year is 3", 'wanted "missing" after "is"'),
        ("year not 3", 'wanted "in" after "not"'),
        ("2000 < year < 2020", "wanted the name of a field: ^2000"),
        ("year > 2000 < 2020", "do not chain"),
        ("venue = 'open", "this quote is never closed: venue = ^'open"),
        ("venue = ACL", 'and "ACL" with quotes if it is text'),
        ("year = 20x0", "cannot read this: year = ^20x0"),
        ("year = 1; drop table items", "cannot read this: year = 1^; drop"),
        ("year = 1 -- comment", "cannot read this"),
        ("venue = 'a\\q'", "unknown escape"),
        ("venue = '\ud800'", "lone surrogate"),
        ("and = 1", "wanted the name of a field"),
        ("year = 9223372036854775808", "does not fit in 64 bits"),
        ("price = 1e999", "too large"),
        ("year = 1 and", "wanted the name of a field: year = 1 and^"),
    ],
)
def test_a_syntax_error_shows_the_place_in_one_line(expression, words):
    with pytest.raises(FilterError) as caught:
        parse_filter(expression, FIELDS)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "^" in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ('year >= "1999"', 'year is declared as int and cannot be compared with "1999" (str)'),
        ("venue = 1999", "venue is declared as str and cannot be compared with 1999 (int)"),
        ("open = 1", "open is declared as bool and cannot be compared with 1 (int)"),
        ("year = true", "year is declared as int and cannot be compared with true (bool)"),
        ("open > false", "has no order"),
        ("year in (1, 'x')", "cannot be compared with 'x' (str)"),
        ("id = 7", "id is declared as str"),
        (
            "yaer = 2020",
            '"yaer" is no declared field (did you mean "year"?); declared are id, open, price, venue, year',
        ),
        ("rowid = 1", '"rowid" is no declared field'),
        ("f_year = 1", '"f_year" is no declared field'),
        ("Year = 1", 'did you mean "year"'),
    ],
)
def test_names_and_types_are_those_declared(expression, words):
    with pytest.raises(FilterError) as caught:
        parse_filter(expression, FIELDS)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "' OR 1=1 --",
        "'; DROP TABLE items; --",
        '" OR "f_year" IS NOT NULL OR "',
        "?",
        "%",
        "x' UNION SELECT * FROM meta --",
    ],
)
def test_an_injection_is_only_a_text_that_nothing_equals(text):
    items = [{"venue": "ACL", "year": 2020}]
    condition, values = compile_filter(f"venue = {literal(text)}", FIELDS)
    assert (condition, values) == ('"f_venue" = ?', [text])
    assert selected(items, f"venue = {literal(text)}") == []
    with pytest.raises(FilterError):
        parse_filter(text, FIELDS)


def test_length_and_depth_are_limited_before_anything_grows():
    with pytest.raises(FilterError, match="4,001 characters"):
        parse_filter("a" * (MAX_LENGTH + 1), FIELDS)
    for deep in ("(" * 1500 + "year = 1" + ")" * 1500, "not " * 900 + "year = 1"):
        with pytest.raises(FilterError, match="nested more than"):
            parse_filter(deep, FIELDS)
    deepest = "(" * MAX_DEPTH + "year = 1" + ")" * MAX_DEPTH
    assert parse_filter(deepest, FIELDS) == Comparison("year", "=", (1,))


def test_the_longest_filters_still_run():
    items = [{"year": 7}, {"year": 8}]
    for word in ("or", "and"):
        chain = f" {word} ".join(["year=7"] * (MAX_LENGTH // len(f" {word} year=7")))
        assert selected(items, chain) == ["x-0"]
    assert selected(items, f"year in ({','.join('7' for _ in range(1990))})") == ["x-0"]


def test_a_filter_is_text():
    with pytest.raises(FilterError, match="got dict"):
        parse_filter({"year": 2020}, FIELDS)
