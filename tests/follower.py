"""Subscribers on loopback that do exactly what a test says, as websub.rocks does for hubs.

A callback is a path of a scripted publisher (`tests.origin`). It answers what a hub asks as a
subscriber does, unless told otherwise, and keeps what is brought.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from tests.origin import Line, Origin, Reply, answer

Query = dict[str, str]
Saying = Callable[[Query], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What a hub brought: ``fields`` with names in lower case."""

    path: str
    fields: dict[str, str]
    body: bytes


def echo(query: Query) -> Reply:
    """Mean it."""
    return answer(200, query.get("hub.challenge", "").encode())


@dataclass(slots=True)
class Followers:
    """Callbacks of one machine. ``asked`` are the questions, ``brought`` the deliveries."""

    origin: Origin
    asked: list[Query] = field(default_factory=list)
    brought: list[Brought] = field(default_factory=list)

    def at(self, path: str, *takes: Reply, says: Saying = echo) -> str:
        """Listen at ``path``; what is brought is taken in order, the last for ever (200)."""
        replies = list(takes or (answer(200),))

        async def called(line: Line) -> None:
            where, _, text = line.seen.target.partition("?")
            if line.seen.method == "GET":
                self.asked.append(dict(parse_qsl(text, keep_blank_values=True)))
                await says(self.asked[-1])(line)
                return
            fields = {name.decode().lower(): value.decode() for name, value in line.seen.headers}
            body = await line.reader.readexactly(int(fields["content-length"]))
            self.brought.append(Brought(path=where, fields=fields, body=body))
            await (replies.pop(0) if len(replies) > 1 else replies[0])(line)

        return self.origin.script(path, called)
