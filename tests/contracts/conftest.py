"""A check that asks for `encoder`, `index`, ... runs on every example of that contract; `example` means all of them."""

import pytest

from contracts.collect import Example, examples, kinds


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise the check by what its argument is called."""
    check = metafunc.function.__name__.removeprefix("test_")
    meets = getattr(metafunc.function, "where", lambda example: True)
    for name in {"example", *(kind.name for kind in kinds())} & set(metafunc.fixturenames):
        chosen = [example for example in examples() if name in ("example", example.kind.name) and meets(example)]
        metafunc.parametrize(name, [_parameter(example, check, name) for example in chosen])


def _parameter(example: Example, check: str, name: str) -> object:
    reason = example.xfail.get(check)
    marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
    return pytest.param(
        example, marks=marks, id=example.id if name != "example" else f"{example.kind.name}-{example.id}"
    )
