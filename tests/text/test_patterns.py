"""Patterns that are compiled when they are first used."""

import re

import pytest

from aggregator.text.patterns import late


def test_it_finds_what_a_compiled_one_finds() -> None:
    found = late(r"(?P<word>b\w+)", re.IGNORECASE)
    for _ in range(2):
        assert [match["word"] for match in found.finditer("A Bear, a bee")] == ["Bear", "bee"]
        assert found.sub("x", "a bee") == "a x"
    assert found.pattern == r"(?P<word>b\w+)"


def test_nothing_is_compiled_before_it_is_used() -> None:
    broken = late("(")
    with pytest.raises(re.error):
        broken.search("")
