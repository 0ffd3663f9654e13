"""Which renders wait at the gate, and since when?"""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from aggregator.model.editions import OutputSpec, Rendered
from aggregator.outputs import gate
from aggregator.storage import Store

NOTE = "gate"
SETTLING = timedelta(hours=1)  # after ops asked for something else, much changes, and rightly so


class Gatekeeper:
    """Judges every render beside the one that is served, and remembers which are held.

    Nothing is locked out: what has been held for as long as ops say goes out, with the doubt told.
    """

    def __init__(self, store: Store, caution: gate.Caution) -> None:
        self._store = store
        self._caution = caution
        self._held: dict[str, datetime] = {}
        self._seen: dict[str, tuple[str, tuple[gate.Seen, ...]]] = {}  # by path, with their tag
        self._asked = ""
        self._since: datetime | None = None
        self._last: datetime | None = None
        self._now: datetime | None = None
        self._written = ""

    def begin(self, outputs: Iterable[OutputSpec], feeds: Collection[str], now: datetime) -> None:
        """Go on where the last run ended; take note if ops asked for something else by then."""
        self._recall()
        asked = _digest(outputs, feeds)
        if asked != self._asked:
            self._asked, self._since = asked, now
        self._now = now

    def step(self, now: datetime) -> None:
        """Take note that a publish step begins."""
        self._last, self._now = self._now, now

    def judge(self, previous: Rendered | None, new: Rendered, now: datetime) -> gate.Verdict:
        """Judge a render at ``now``; ``previous`` is what is served at its path."""
        verdict = gate.judge(previous, new)
        if isinstance(verdict, gate.Reject):
            return verdict
        reason = self._doubt(previous, new, verdict, now) if verdict.changed else None
        since = self._held.setdefault(new.path, now) if reason else now
        if reason and now - since < self._caution.hold:
            return gate.Hold(reason=reason, until=since + self._caution.hold)
        self._held.pop(new.path, None)
        if verdict.changed and verdict.seen:
            self._seen[new.path] = new.etag, verdict.seen
        return replace(verdict, despite=reason)

    def write(self) -> None:
        """Remember, over a restart too, what is held."""
        text = self._text()
        if text != self._written:
            self._store.notes.put(NOTE, text)
            self._written = text

    def _doubt(
        self, previous: Rendered | None, new: Rendered, verdict: gate.Accept, now: datetime
    ) -> str | None:
        if previous is None or not self._caution.hold:
            return None
        before = self._before(previous)
        if not before:
            return None
        if self._since is None or now - self._since < SETTLING:
            return gate.renamed(before, verdict.seen)
        current = min(self._held.get(new.path, now), self._last or previous.changed_at)
        return gate.doubt(before, verdict.seen, apart=now - current, most=self._caution.most)

    def _before(self, previous: Rendered) -> tuple[gate.Seen, ...]:
        tag, seen = self._seen.get(previous.path, ("", ()))
        if tag == previous.etag:
            return seen
        try:
            return gate.entries_of(previous)
        except (ValueError, SyntaxError):  # written by other hands; anything sound is better
            return ()

    def _recall(self) -> None:
        self._written = self._store.notes.get(NOTE) or ""
        if not self._written:
            return
        told = json.loads(self._written)
        self._asked, self._since = told["asked"], datetime.fromisoformat(told["since"])
        self._held = {path: datetime.fromisoformat(at) for path, at in told["held"].items()}

    def _text(self) -> str:
        since = self._since.isoformat() if self._since else ""
        held = {path: at.isoformat() for path, at in sorted(self._held.items())}
        return json.dumps({"asked": self._asked, "since": since, "held": held})


def _digest(outputs: Iterable[OutputSpec], feeds: Collection[str]) -> str:
    """Return what changes when ops ask for other entries, not when they rename or describe."""
    asked = [(o.name, o.kind, o.topic, o.limit, o.per_owner, o.only, o.schedule) for o in outputs]
    return hashlib.sha256(f"{asked}\n{sorted(feeds)}".encode()).hexdigest()[:32]
