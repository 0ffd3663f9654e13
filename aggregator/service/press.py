"""What of a publish step goes into the store, and what is told of it?"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from aggregator.model.editions import Edition, Format, OutputSpec, Rendered
from aggregator.model.errors import StoreError
from aggregator.outputs import addresses, documents, gate
from aggregator.outputs.articles import Printed
from aggregator.storage import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a publish step changed: ``documents`` to serve, ``editions`` whose bytes are new.

    ``dropped`` are paths that no output has any more. ``refused`` are paths whose new render
    could not be made or was held back by the gate, with the reason; the last good bytes stay.
    """

    documents: tuple[Rendered, ...] = ()
    editions: tuple[Edition, ...] = ()
    dropped: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Attempt:
    """Whether one document could be made."""

    sound: bool = True


class Press:
    """Puts what changed into the store, past the gate."""

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._now = now
        self._done: list[Rendered] = []
        self._dropped: list[str] = []
        self._refused: list[tuple[str, str]] = []
        self._changed: set[str] = set()

    def put_feed(self, spec: OutputSpec, form: Format, printed: Printed) -> None:
        """Put an output's document, and tell of the entries that are not in it."""
        path = addresses.path(spec, form)
        for entry in printed.dropped:
            self.refuse(path, f"an entry was left out: {entry}")
        if self.put(path, addresses.MEDIA_TYPES[form], printed.body):
            self._changed.add(spec.name)

    @contextmanager
    def keeping(self, path: str) -> Iterator[Attempt]:
        """Leave what is served at ``path`` as it is, and go on, whatever breaks inside."""
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
            self._store.outputs.drop(path)
            self._dropped.append(path)

    def refuse(self, path: str, reason: str) -> None:
        """Tell ops why ``path`` is not as it should be."""
        self._refused.append((path, reason))

    def put(self, path: str, media_type: str, body: bytes) -> bool:
        """Replace what is served at ``path`` if ``body`` is new and sound; tell whether it was."""
        rendered = Rendered(
            path=path,
            media_type=media_type,
            body=body,
            etag=documents.etag_of(body),
            changed_at=self._now,
        )
        verdict = gate.judge(self._store.outputs.get(path), rendered)
        if isinstance(verdict, gate.Reject):
            self.refuse(path, verdict.reason)
            return False
        if verdict.changed:
            self._store.outputs.put(rendered)
            self._done.append(rendered)
        return verdict.changed

    def published(self, fresh: Iterable[Edition]) -> Published:
        """Return what was done; of the ``fresh`` editions, those whose bytes are new."""
        return Published(
            documents=tuple(self._done),
            editions=tuple(edition for edition in fresh if edition.spec.name in self._changed),
            dropped=tuple(self._dropped),
            refused=tuple(self._refused),
        )
