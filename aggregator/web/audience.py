"""Who reads the feeds?

Only what readers say of themselves is counted, by the name of the program; no address is kept.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

PROGRAMS = 50  # of each feed that are told apart
OTHERS = "others"

_NAME = re.compile(r"[\w.+!-]+")
_SUBSCRIBERS = re.compile(r"(\d[\d,]{0,10}) (?:subscriber|reader)s?", re.ASCII | re.IGNORECASE)
_BROWSER = re.compile(r"Mozilla/5\.0 \((?:compatible; )?([\w.+ -]{2,40}?)[;/)]")


@dataclass(slots=True)
class Reader:
    """What one program asked of one feed; ``subscribers`` is what it says it asks for."""

    asked: int = 0
    unchanged: int = 0
    subscribers: int = 0


@dataclass(slots=True)
class Audience:
    """Programs that read each feed, by its path, since the start."""

    _by_path: dict[str, dict[str, Reader]] = field(default_factory=dict)

    def saw(self, path: str, agent: str, status: int) -> None:
        """Take note of an answer (200 or 304) to a request for a feed."""
        readers = self._by_path.setdefault(path, {})
        name = program(agent)
        if name not in readers and len(readers) >= PROGRAMS:
            name = OTHERS
        reader = readers.setdefault(name, Reader())
        reader.asked += 1
        reader.unchanged += status == 304
        reader.subscribers = max(told(agent), min(reader.subscribers, 10**9))

    def feeds(self) -> Iterator[tuple[str, Mapping[str, Reader]]]:
        """Yield what was asked of each feed."""
        yield from sorted(self._by_path.items())


def program(agent: str) -> str:
    """Return the name of the program that a User-Agent (RFC 9110 section 10.1.5) begins with."""
    browser = _BROWSER.match(agent)
    if browser is not None and "compatible" in agent[:30]:
        return browser[1].strip()
    found = _NAME.match(agent.strip())
    return found[0][:40] if found else "unnamed"


def told(agent: str) -> int:
    """Return for how many subscribers a service says that it asks, 0 when it does not."""
    found = _SUBSCRIBERS.search(agent[:500])
    return int(found[1].replace(",", "")) if found else 0
