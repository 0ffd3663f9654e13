"""Is every requirement that we promise shown by a test?"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]


def ids(letter: str, first: int, last: int) -> list[str]:
    return [f"{letter}{number:02}" for number in range(first, last + 1)]


# Polling, publishing, WebSub, safety, and what keeps it running for months.
PROMISED = (
    *ids("A", 1, 70),
    *ids("B", 1, 68),
    *ids("C", 1, 59),
    *ids("D", 1, 56),
    *ids("E", 1, 60),
)


def shown() -> dict[str, list[str]]:
    """Return the tests that bear a requirement's id, by id."""
    found = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                for name in borne(node):
                    found[name].append(f"{path.name}::{node.name}")
    return found


def borne(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[str]:
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.conforms":
            yield from (str(ast.literal_eval(argument)) for argument in mark.args)


def test_every_requirement_that_we_promise_has_a_test() -> None:
    tests = shown()
    assert [name for name in PROMISED if name not in tests] == []
