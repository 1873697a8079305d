import inspect
import re

import pytest

from cosimo import errors

BUILTIN_PARENTS = {"ValueError": ValueError, "ImportError": ImportError, "LookupError": LookupError}


def drawn() -> dict[str, tuple[str, type | None]]:
    """Name -> (parent, built-in parent) as the tree in the docstring shows them."""
    tree, path = {}, []
    for line in inspect.getdoc(errors).splitlines():
        match = re.match(r"^    ([│ ├└─]*)([A-Z]\w+)(?:\((\w+)\))?(?:\s{2,}.*)?$", line)
        if match:
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            tree[match[2]] = (path[depth - 1] if depth else "Exception", BUILTIN_PARENTS.get(match[3]))
    return tree


def defined() -> dict[str, tuple[str, type | None]]:
    """The same, read from the classes."""
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__]
    return {c.__name__: (c.__bases__[0].__name__, c.__bases__[1] if len(c.__bases__) > 1 else None) for c in classes}


def test_the_tree_in_the_docstring_is_the_tree():
    assert len(drawn()) > 5
    assert drawn() == defined()


@pytest.mark.parametrize("name", sorted(defined()))
def test_everything_is_a_cosimo_error(name):
    assert issubclass(getattr(errors, name), errors.CosimoError)
