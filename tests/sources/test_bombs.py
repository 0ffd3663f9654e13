"""What is sent to exhaust us is refused in words, in little memory."""

import json
import re
import subprocess
import sys

import pytest

from tests.bombs import ANSWERS, MEGA
from tests.origin import Origin, answer

DRAGGING = {"silence", "dripping head"}  # these end by the deadline, see test_fetch_limits

# h11's limit or ours: which is met first depends on the pieces in which the bytes arrive.
HEAD_LIMITS = "not valid HTTP|larger than its limits"

WORDS = {
    "gzip": "a bomb",
    "gzip without its header": "a bomb",
    "gzip in gzip": "taken",  # one layer is undone, which is small; the other is the parser's
    "gzip, gzip": "compressed more than once",
    "gzip of many members": "too many parts",
    "14 MB in gzip": "taken",
    "br": "a bomb",
    "zstd": "a bomb",
    "endless": "larger than 15,000,000 bytes on the wire",
    "endless chunks": "larger than 15,000,000 bytes on the wire",
    "endless small chunks": "too many chunks",
    "endless head": HEAD_LIMITS,
    "endless early hints": "larger than its limits",
    "5,000 headers": "more than 200 headers",
    "a header of 1 MB": HEAD_LIMITS,
    "drip": "too slowly",
    "half a body": "too slowly",
    "14 MB at once": "taken",
    "14 MB of blanks": "empty body",
}


@pytest.mark.slow
@pytest.mark.conforms("D11", "D12", "D13", "D14", "D15")
def test_no_bomb_costs_more_memory_than_three_bodies_of_the_largest_size(origin: Origin) -> None:
    """One after another in a process of its own, whose peak is what the system counted."""
    assert WORDS.keys() == ANSWERS.keys() - DRAGGING
    first = origin.script("/first", answer(200, b"<rss/>", {"Content-Type": "text/xml"}))
    urls = [origin.script(f"/{n}", ANSWERS[name]()) for n, name in enumerate(WORDS)]
    found = subprocess.run(
        [sys.executable, "-m", "tests.fetching", first, *urls], capture_output=True, check=True
    )
    told = json.loads(found.stdout)
    for (name, words), outcome in zip(WORDS.items(), told["told"], strict=True):
        assert re.search(words, outcome), (name, outcome)
    assert told["grew"] < 3 * 15 * MEGA
