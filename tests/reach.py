"""Does a test come to call a function? Its own code is read for that, and what the code names."""

from collections.abc import Callable, Iterator
from types import CodeType, FunctionType

import pytest

_OURS = "tests."


def leads_to(item: pytest.Item, target: Callable[..., object]) -> bool:
    """Tell whether the test, or a fixture that it uses, names what leads to ``target``.

    What is named need not be called: the answer may be yes too often, and is never no too often
    where functions are called by their names.
    """
    if not isinstance(item, pytest.Function):
        return False
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    begin = [item.obj, *(one.func for some in fixtures for one in some)]
    return _found(begin, target)


def _found(begin: list[object], target: Callable[..., object]) -> bool:
    seen: set[int] = set()
    ahead = list(begin)
    while ahead:
        one = ahead.pop()
        if one is target:
            return True
        if id(one) not in seen:
            seen.add(id(one))
            ahead += _named_by(one)
    return False


def _named_by(one: object) -> Iterator[object]:
    one = getattr(one, "__func__", getattr(one, "__wrapped__", one))
    if not getattr(one, "__module__", "").startswith(_OURS) if one else True:
        return
    if isinstance(one, type):
        yield from vars(one).values()
    if isinstance(one, FunctionType):
        for name in _names(one.__code__):
            if name in one.__globals__:
                yield one.__globals__[name]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _names(const)
