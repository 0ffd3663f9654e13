"""How does the site get into a folder that any web server can serve?

Every file is written beside its place and moved there, so that a reader finds the old one or the
new one, whole. A folder that we never wrote into is left alone when it holds a file where one of
ours would go; files elsewhere are never touched.
"""

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath

from msgspec import Struct

from aggregator.model.editions import Rendered, Site
from aggregator.model.errors import NotOursError
from aggregator.outputs import pages
from aggregator.outputs.addresses import FEED_STYLE
from aggregator.outputs.documents import etag_of
from aggregator.web.served import Served

MANIFEST = ".aggregator.json"
"""What we wrote: entity tags by path."""

# As nginx (gzip_static, brotli_static) and Caddy look for them.
_ENDINGS = {"gzip": ".gz", "br": ".br", "zstd": ".zst"}
_CODED = tuple(_ENDINGS.values())


class Lasting(Struct, frozen=True, kw_only=True):
    """A document that is printed only where it is missing: its ``mark`` tells whether it is."""

    path: str
    mark: str
    render: Callable[[], Rendered]


class SiteFolder:
    """A folder that mirrors what is served. ``root`` is made when it is missing.

    Raises OSError when it cannot be written, `NotOursError` when others wrote there before us.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)
        self._ours = (root / MANIFEST).exists()
        self._held = _manifest(root / MANIFEST)

    def mirror(
        self,
        documents: Iterable[Rendered],
        site: Site,
        *,
        lasting: Iterable[Lasting] = (),
        now: datetime,
    ) -> int:
        """Make the folder hold ``documents`` and the site's fixed files; return how many changed.

        ``lasting`` go first, as the documents link to them. What we wrote earlier and is served
        no more goes last.
        """
        kept = [*lasting, *map(_lasting, (*documents, *_fixtures(site, now)))]
        wanted = {one.path for one in kept}
        self._claim(wanted)
        changed = [one for one in kept if not self._stands(one)]
        for one in changed:
            self._put(one.render())
            self._held[one.path] = one.mark
        left = [path for path in self._held if path not in wanted]
        for path in left:
            self._drop(path)
        if changed or left:
            self._note()
        return len(changed)

    def _claim(self, wanted: Iterable[str]) -> None:
        """Make the folder ours before the first file, which may be the last one for now."""
        if self._ours:
            return
        places = [self._place(path) for path in wanted]
        beside = [place.with_name(place.name + end) for place in places for end in ("", *_CODED)]
        if found := [place for place in beside if os.path.lexists(place)]:
            raise NotOursError(
                f"{found[0]}: is there already, and not by us (no {MANIFEST} in {self._root});"
                " nothing was written; move it away or name another folder"
            )
        self._note()
        self._ours = True

    def _stands(self, one: Lasting) -> bool:
        return self._held.get(one.path) == one.mark and self._place(one.path).exists()

    def _put(self, rendered: Rendered) -> None:
        place = self._place(rendered.path)
        place.parent.mkdir(parents=True, exist_ok=True)
        at = rendered.changed_at.timestamp()
        variants = {variant.coding: variant.body for variant in Served.of(rendered).variants}
        # Compressed ones first: who is sent the new text has not yet seen anything newer.
        for coding, ending in _ENDINGS.items():
            beside = place.with_name(place.name + ending)
            if coding in variants:
                _write(beside, variants[coding], at)
            else:
                beside.unlink(missing_ok=True)
        _write(place, rendered.body, at)

    def _drop(self, path: str) -> None:
        place = self._place(path)
        for ending in ("", *_CODED):
            place.with_name(place.name + ending).unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            place.parent.rmdir()
        del self._held[path]

    def _note(self) -> None:
        text = json.dumps(self._held, indent=0, sort_keys=True)
        _write(self._root / MANIFEST, text.encode(), None)

    def _place(self, path: str) -> Path:
        parts = PurePosixPath(path).parts
        if not parts or ".." in parts or PurePosixPath(path).is_absolute():
            raise ValueError(f"{path!r} is no place below the folder")
        return self._root.joinpath(*parts)


def _lasting(rendered: Rendered) -> Lasting:
    return Lasting(path=rendered.path, mark=rendered.etag, render=lambda: rendered)


def _fixtures(site: Site, now: datetime) -> Iterable[Rendered]:
    """Yield what never changes while the program stays the same, and the page for no page."""
    for path, media_type, body in (
        (pages.STYLE_PATH, "text/css", pages.stylesheet()),
        (FEED_STYLE, "text/css", pages.feed_stylesheet()),
        (pages.FAVICON_PATH, "image/svg+xml", pages.FAVICON),
        ("404.html", pages.MEDIA_TYPE, pages.not_found(site)),
    ):
        yield Rendered(
            path=path,
            media_type=media_type,
            body=body,
            etag=etag_of(body),
            changed_at=now,
        )


def _write(place: Path, body: bytes, at: float | None) -> None:
    """Write ``body`` in one move; ``at`` (epoch seconds) is the Last-Modified that servers tell."""
    beside = place.with_name(f".{place.name}.new")
    beside.write_bytes(body)
    if at is not None:
        os.utime(beside, (at, at))
    beside.replace(place)


def _manifest(path: Path) -> dict[str, str]:
    """Read what we wrote last time; a manifest that is missing or broken costs one rewriting."""
    try:
        held = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(held, dict):
        return {}
    return {str(name): str(tag) for name, tag in held.items()}
