"""What of a publish step goes into the store, and what is told of it?"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Event

from msgspec import Struct

from aggregator.model.editions import Edition, Format, OutputSpec, Rendered
from aggregator.model.errors import AggregatorError, StoreError
from aggregator.outputs import addresses, documents, gate
from aggregator.outputs.articles import Printed
from aggregator.service.gatekeeper import Gatekeeper
from aggregator.storage import Store


class Published(Struct, frozen=True, kw_only=True):
    """What a publish step changed: ``documents`` to serve, ``editions`` whose bytes are new.

    ``dropped`` are paths that no output has any more. ``refused`` are paths whose new render
    could not be made or was held back by the gate, with the reason; the last good bytes stay.
    ``held`` are the names of outputs that wait and have to be rendered again; ``despite`` are
    paths that went out although they still looked wrong, with the reason.
    """

    documents: tuple[Rendered, ...] = ()
    editions: tuple[Edition, ...] = ()
    dropped: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    held: frozenset[str] = frozenset()
    despite: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Attempt:
    """Whether one document could be made."""

    sound: bool = True


class HaltedError(AggregatorError):
    """Publishing was broken off, and all that this step had done is undone."""


class Press:
    """Puts what changed into the store, past the gate; breaks off when ``halted`` is set."""

    def __init__(
        self, store: Store, gatekeeper: Gatekeeper, now: datetime, halted: Event | None = None
    ) -> None:
        self._halted = halted
        self._store = store
        self._gatekeeper = gatekeeper
        self._now = now
        self._done: list[Rendered] = []
        self._dropped: list[str] = []
        self._refused: list[tuple[str, str]] = []
        self._changed: set[str] = set()
        self._held: set[str] = set()
        self._despite: list[tuple[str, str]] = []

    def put_feed(self, spec: OutputSpec, form: Format, printed: Printed) -> bool:
        """Put an output's document, and tell of the entries that are not in it.

        Returns whether it is what subscribers have now.
        """
        path = addresses.path(spec, form)
        for entry in printed.dropped:
            self.refuse(path, f"an entry was left out: {entry}")
        verdict = self._put(path, addresses.MEDIA_TYPES[form], printed.body)
        if isinstance(verdict, gate.Hold):
            self._held.add(spec.name)
        elif isinstance(verdict, gate.Accept) and verdict.changed:
            self._changed.add(spec.name)
        return isinstance(verdict, gate.Accept)

    @contextmanager
    def keeping(self, path: str) -> Iterator[Attempt]:
        """Leave what is served at ``path`` as it is, and go on, whatever breaks inside."""
        if self._halted is not None and self._halted.is_set():
            raise HaltedError("told to stop")
        attempt = Attempt()
        try:
            yield attempt
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go out
            attempt.sound = False
            self.refuse(path, f"{type(error).__name__}: {error}")

    def drop(self, path: str) -> None:
        """Stop serving ``path``, if anything is served there."""
        if self._store.outputs.get(path):
            self._store.outputs.drop(path, self._now)
            self._dropped.append(path)

    def refuse(self, path: str, reason: str) -> None:
        """Tell ops why ``path`` is not as it should be."""
        self._refused.append((path, reason))

    def put(self, path: str, media_type: str, body: bytes) -> None:
        """Replace what is served at ``path`` if ``body`` is new, sound and likely."""
        self._put(path, media_type, body)

    def _put(self, path: str, media_type: str, body: bytes) -> gate.Verdict:
        rendered = Rendered(
            path=path,
            media_type=media_type,
            body=body,
            etag=documents.etag_of(body),
            changed_at=self._now,
        )
        verdict = self._gatekeeper.judge(self._store.outputs.get(path), rendered, self._now)
        if isinstance(verdict, gate.Reject):
            self.refuse(path, verdict.reason)
        elif isinstance(verdict, gate.Hold):
            until = f"{verdict.until:%Y-%m-%d %H:%M} UTC"
            self.refuse(path, f"{verdict.reason}; it waits until {until} at most")
        elif verdict.changed:
            self._take(rendered, verdict.despite)
        return verdict

    def _take(self, rendered: Rendered, despite: str | None) -> None:
        self._store.outputs.put(rendered)
        self._done.append(rendered)
        if despite:
            self._despite.append((rendered.path, despite))

    def published(self, fresh: Iterable[Edition]) -> Published:
        """Return what was done; of the ``fresh`` editions, those whose bytes are new."""
        return Published(
            documents=tuple(self._done),
            editions=tuple(edition for edition in fresh if edition.spec.name in self._changed),
            dropped=tuple(self._dropped),
            refused=tuple(self._refused),
            held=frozenset(self._held),
            despite=tuple(self._despite),
        )
