"""How does ``feeds.yaml`` gain or lose a feed, so that everything else in it stays as it was?"""

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE

from msgspec import Struct

from aggregator.model.errors import AggregatorError, SettingsError
from aggregator.settings.deletion import Removed, without
from aggregator.settings.documents import Document, parse_document
from aggregator.settings.feeds import read_feeds
from aggregator.settings.insertion import Inserted, block, insert
from aggregator.settings.mistakes import misshapen
from aggregator.settings.nodes import Fault, Value
from aggregator.text.urls import canonical, split_credentials

HEADER = """\
# The feeds to poll. Only `url` must be given; docs/configuration.md tells what else can be.
# Check what you wrote with: aggregator check

"""
_KEY = "feeds"
_BOM = "\ufeff"
_VARIABLE = re.compile(r"\$(?=[${])")
_EXAMPLE = "url: https://example.org/feed.xml"


class Wish(Struct, frozen=True, kw_only=True):
    """An entry to be; ``every`` is written as in ``feeds.yaml``: 30m, 2h."""

    url: str
    title: str | None = None
    topics: tuple[str, ...] = ()
    owner: str | None = None
    every: str | None = None

    def entry(self) -> dict[str, Value]:
        """Return the keys and values that are wished for."""
        topics: Value = self.topics[0] if len(self.topics) == 1 else [*self.topics] or None
        said: dict[str, Value] = {
            "url": self.url,
            "title": self.title,
            "topics": topics,
            "owner": self.owner,
            "every": self.every,
        }
        return {key: value for key, value in said.items() if value is not None}

    def written(self) -> dict[str, Value]:
        """Return `entry` as it is written: a dollar sign that would begin a variable, twice."""
        return {
            key: _VARIABLE.sub("$$", value) if isinstance(value, str) else value
            for key, value in self.entry().items()
        }


class FeedsText(Struct, frozen=True, kw_only=True):
    """``feeds.yaml`` as it was read: ``body`` is None when there is no such file.

    ``topics`` are the slugs that an entry may name.
    """

    path: Path
    body: bytes | None
    document: Document
    topics: tuple[str, ...]
    environ: Mapping[str, str]

    def line_of(self, url: str) -> int | None:
        """Return the line that lists ``url``, None when none does.

        Compared as articles are (`canonical`): http or https, ``www.`` and a last slash are one.
        """
        return self.lines().get(compared(url))

    def lines(self) -> Mapping[str, int]:
        """Return the line of every address that is listed, by the form in which it is compared."""
        found: dict[str, int] = {}
        for index, entry in enumerate(self.document.entries(_KEY)):
            said = entry.get("url") if isinstance(entry, Mapping) else entry
            if isinstance(said, str):
                line = self.document.fault((_KEY, index, "url"), "").line
                found.setdefault(compared(said), line)
        return found

    def mistakes(self, wish: Wish) -> tuple[str, ...]:
        """Return what is wrong with ``wish`` by itself, e.g. a topic that nobody knows."""
        alone = self._parsed(f"{_KEY}:\n{block(wish.written())}")
        return tuple(fault.text for fault in read_feeds(alone, self.topics)[1])

    def index_of(self, name: str) -> int | None:
        """Return which entry (from 0) has ``name`` as its id or address, None when none has."""
        feeds, _ = read_feeds(self.document, self.topics)
        wanted = compared(name)
        for index, feed in enumerate(feeds):
            if name.lower() == feed.id.lower() or wanted == compared(feed.url):
                return index
        return None

    def with_entry(self, wish: Wish) -> Inserted:
        """Do what `with_entries` does for one."""
        return self.with_entries([wish])

    def with_entries(self, wishes: Sequence[Wish]) -> Inserted:
        """Return the file with ``wishes`` as its last entries, all else as it was.

        `SettingsError` when the file could not be loaded then; `AggregatorError` when it is
        written in a way that leaves no place for another entry.
        """
        mark, text = self._text()
        written = [wish.written() for wish in wishes]
        inserted = insert(text if text.strip() else HEADER, _KEY, *written)
        after = self._parsed(inserted.text)
        wanted = [*self.document.entries(_KEY), *(wish.entry() for wish in wishes)]
        if after.faults or after.entries(_KEY) != wanted:
            raise AggregatorError(
                f"{self.path} leaves no place for another feed; add this by hand:\n"
                + "".join(map(block, written))
            )
        _raise_all(read_feeds(after, self.topics)[1])
        return Inserted(text=mark + inserted.text, line=inserted.line, item=inserted.item)

    def without_entry(self, index: int) -> Removed:
        """Return the file without an entry, all else as it was.

        `AggregatorError` when it is written in a way in which that cannot be done.
        """
        mark, text = self._text()
        left = without(text, _KEY, index)
        after, wanted = self._parsed(left), self.document.entries(_KEY)
        removed = Removed(text=mark + left, line=self.document.fault((_KEY, index), "").line)
        if after.faults or after.entries(_KEY) != [*wanted[:index], *wanted[index + 1 :]]:
            raise AggregatorError(f"{self.path} is not easily changed; {removed.by_hand}")
        return removed

    def _text(self) -> tuple[str, str]:
        """Return the mark of byte order, if there is one, and what comes after it."""
        text = self.body.decode() if self.body is not None else ""
        return (_BOM if text.startswith(_BOM) else ""), text.removeprefix(_BOM)

    def write(self, change: Inserted | Removed) -> None:
        """Put the new text in place of the file at once, whole, with its mode and owner.

        `AggregatorError` when it cannot be, or when somebody has changed the file meanwhile.
        """
        path = self.path.resolve()  # a link stays a link
        try:
            if _read(path) != self.body:
                raise AggregatorError(
                    f"{self.path} was changed meanwhile, and nothing was written; try again"
                )
            _replace(path, change.text.encode())
        except OSError as error:
            raise AggregatorError(
                f"{self.path} cannot be written ({error.strerror}); {change.by_hand}"
            ) from error

    def _parsed(self, text: str) -> Document:
        return parse_document(str(self.path), text.encode(), self.environ, listing=_KEY)


def open_feeds(path: Path, *, topics: tuple[str, ...], environ: Mapping[str, str]) -> FeedsText:
    """Read ``path``, to add to it. It may be missing, or list nothing yet.

    Raises `SettingsError` with every mistake in it: what is broken is not built on.
    """
    try:
        body = _read(path)
    except OSError as error:
        text = f"cannot be read ({error.strerror}); mend its permissions or name another file"
        raise SettingsError((str(Fault(str(path), 0, 0, text)),)) from error
    if body is None:
        document = Document(file=str(path), missing=True)
    else:
        document = parse_document(str(path), body, environ, listing=_KEY)
    listed = document.entries(_KEY)
    _raise_all(read_feeds(document, topics)[1] if listed else misshapen(document, _KEY, _EXAMPLE))
    return FeedsText(path=path, body=body, document=document, topics=topics, environ=environ)


def _raise_all(faults: Iterable[Fault]) -> None:
    told = tuple(str(fault) for fault in sorted(set(faults)))
    if told:
        raise SettingsError(told)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def compared(url: str) -> str:
    """Return the form in which the addresses of feeds are compared, as those of articles are."""
    return canonical(split_credentials(url.partition("#")[0])[0])


def _replace(path: Path, body: bytes) -> None:
    """Write beside, flush to the disk, rename: at any moment one of both is there, whole."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(body)
            _take_after(stream.fileno(), path)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _take_after(handle: int, path: Path) -> None:
    """Give a new file the mode and owner of ``path``, or those of any new file."""
    try:
        before = path.stat()
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(handle, 0o666 & ~mask)
        return
    with suppress(PermissionError):  # only root gives files away
        os.fchown(handle, before.st_uid, before.st_gid)
    os.fchmod(handle, S_IMODE(before.st_mode))


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
