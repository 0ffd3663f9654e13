"""What only one room may do: connect, hand feedparser a document, make a pattern."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.model.editions import Filter
from aggregator.outputs.filters import Filters
from tests.outputs.test_filters import stored

ROOT = Path(__file__).parents[2]
CONNECTS = {
    "socket.create_connection", "asyncio.open_connection", "asyncio.create_connection",
    "httpx.Client", "httpx.AsyncClient", "httpx.get", "httpx.post", "httpx.request",
    "httpx.stream", "httpx.HTTPTransport", "httpx.AsyncHTTPTransport", "httpcore.ConnectionPool",
    "httpcore.AsyncConnectionPool", "httpcore.AsyncHTTPConnection", "urllib.request.urlopen",
    "socket.socket.connect",
}  # fmt: skip
MODULES = {"urllib.request", "http.client", "ftplib", "smtplib", "telnetlib", "requests"}
METHODS = {"sock_connect", "connect_ex", "create_connection", "open_connection"}
DOOR = "aggregator/sources/connect.py"
# Patterns that are put together: each of names and words that stand in the code.
MADE_OF_CONSTANTS = {
    "aggregator/text/patterns.py",  # what `late` is given, as looked at below
    "aggregator/items/revisions.py", "aggregator/items/sketch.py", "aggregator/settings/nodes.py",
    "aggregator/sources/splitting.py", "aggregator/storage/postgres/dialect.py",
    "aggregator/text/agency.py",
    "aggregator/text/boilerplate.py", "aggregator/text/dates.py", "aggregator/text/teaser.py",
    "aggregator/text/tokens.py", "aggregator/text/tracking.py",
}  # fmt: skip


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / "aggregator").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield str(path.relative_to(ROOT)), node


@pytest.mark.conforms("D05", "E35", "E36")
def test_one_module_makes_connections_and_none_keeps_a_pool() -> None:
    makers = {
        file
        for file, call in calls()
        if (name := ast.unparse(call.func)) in CONNECTS or name.rpartition(".")[2] in METHODS
    }
    assert makers == {DOOR}


@pytest.mark.conforms("D05")
def test_no_module_asks_the_network_behind_its_back() -> None:
    for path in sorted((ROOT / "aggregator").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not MODULES.intersection(named), path


@pytest.mark.conforms("D07")
def test_feedparser_is_only_ever_given_bytes_in_hand() -> None:
    """A str or bytes may name a file or an address, and it would open them."""
    given = [
        ast.unparse(call.args[0])
        for _, call in calls()
        if ast.unparse(call.func) == "feedparser.parse"
    ]
    assert given == ["io.BytesIO(body)"]


@pytest.mark.conforms("D25")
def test_no_pattern_comes_from_ops_or_publishers() -> None:
    made = {
        file
        for file, call in calls()
        if ast.unparse(call.func) in {"re.compile", "re.match", "re.search", "re.sub", "late"}
        and not isinstance(call.args[0], ast.Constant)
    }
    assert made <= MADE_OF_CONSTANTS, "where from is this pattern, and how long may it take?"


@pytest.mark.conforms("D25")
@pytest.mark.parametrize("pattern", ["(a+)+$", ".*", "[a-z]*", "(x+x+)+y", "(?:"])
def test_words_that_ops_look_for_are_words(pattern: str) -> None:
    """Not patterns: nothing can be written that takes long, or is found where it does not stand."""
    filters = Filters({"o": Filter(words_any=(pattern, "ferry"))}, {"harbour": "gazette"}, {})
    assert filters.verdicts(stored("a" * 50_000 + "!")) == {}
