"""What must be kept of a placement, so that a restart resumes as if it had never been?"""

import json
from datetime import UTC, datetime
from sys import intern

from msgspec import Struct

from aggregator.stories.vectors import Vector


class Trace(Struct, frozen=True, kw_only=True):
    """One placement: store `dump`, read it back with `load`.

    ``serial`` counts placements from 1. ``vector`` is empty for a copy, which is no evidence.
    """

    serial: int
    item: str
    story: str
    opened: bool
    merged: tuple[str, ...]
    language: str
    at: datetime
    now: datetime
    vector: Vector

    def dump(self) -> str:
        """Return the trace as one line of JSON, about a kilobyte."""
        who = [self.serial, self.item, self.story, int(self.opened), self.merged]
        row = [*who, self.language, self.at.timestamp(), self.now.timestamp(), self.vector]
        return json.dumps(row, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> "Trace":
        """Read what `dump` wrote; `ValueError` when it is something else."""
        serial, item, story, opened, merged, language, at, now, vector = json.loads(text)
        return cls(
            serial=serial,
            item=item,
            story=story,
            opened=bool(opened),
            merged=tuple(merged),
            language=language,
            at=datetime.fromtimestamp(at, UTC),
            now=datetime.fromtimestamp(now, UTC),
            vector={intern(term): weight for term, weight in vector.items()},
        )
