"""Is everything here that the program needs?

Works offline, and beside a service that runs. Nothing is changed.
"""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.errors import StoreError
from aggregator.model.visits import Failed, Fetched, Refused
from aggregator.service.building import fetch_policy
from aggregator.settings import Settings
from aggregator.settings.waivers import waivers
from aggregator.sources import expat
from aggregator.sources.fetch import Ask, Fetcher
from aggregator.sources.lookup import Lookup
from aggregator.storage import Look, open_store

Standing = Literal["ok", "warn", "fail"]

ROOM = 500_000_000  # bytes that should be free beside the database
LEAST_ROOM = 20_000_000
LARGE_LOG = 64_000_000  # bytes; it is 16 MB at most unless somebody reads on and on
WAIT = 5.0  # seconds for a name server, and for our own address
OLDEST = (3, 37)  # version of SQLite: STRICT tables
BUILT = 2026  # a clock before this year is wrong
_EVERYWHERE = ("0.0.0.0/0", "::/0")
_REMOTE = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "ceph", "glusterfs", "lustre", "afs")


class Finding(Struct, frozen=True, kw_only=True):
    """What was found of one thing; unless it is ok, ``text`` says what to do."""

    name: str
    standing: Standing
    text: str


def _ok(name: str, text: str) -> Finding:
    return Finding(name=name, standing="ok", text=text)


def _warn(name: str, text: str) -> Finding:
    return Finding(name=name, standing="warn", text=text)


def _fail(name: str, text: str) -> Finding:
    return Finding(name=name, standing="fail", text=text)


async def examine(settings: Settings, found: Look | None, now: datetime) -> tuple[Finding, ...]:
    """Look at everything but the settings themselves, which were read.

    ``found`` is what is known of the database; None when it is no file.
    """
    asked = await asyncio.gather(_names(settings), _address(settings, found))
    on_disk = [] if found is None else [*_disk(found), _database(found), _clock(found, now)]
    return (*_parts(), *on_disk, _port(settings, found), *asked, *_wishes(settings))


def _parts() -> Iterator[Finding]:
    yield _ok("Python", ".".join(map(str, sys.version_info[:3])))
    advice = expat.advice(expat.in_use())
    version = ".".join(map(str, expat.in_use()))
    yield _warn("expat", advice) if advice else _ok("expat", version)


def _disk(found: Look) -> Iterator[Finding]:
    if tuple(map(int, found.engine.split("."))) < OLDEST:
        yield _fail("SQLite", f"{found.engine} is too old; take a Python built with 3.37 or newer")
    else:
        yield _ok("SQLite", found.engine)
    folder = next(
        each for each in (found.path.parent, *found.path.absolute().parents) if each.exists()
    )
    yield _permissions(found, folder)
    kind = _file_system(folder)
    if kind.startswith(_REMOTE):
        yield _fail("disk", f"{folder} is on {kind}; SQLite's log wants a disk of this machine")
    free = shutil.disk_usage(folder).free
    room = f"{free / 1e9:.1f} GB free in {folder}"
    if free < LEAST_ROOM:
        yield _fail("disk", f"{room}; make room, nothing can be stored soon")
    elif free < ROOM + found.bytes:
        yield _warn("disk", f"{room}, less than a backup and some more would take; make room")
    else:
        yield _ok("disk", room)


def _permissions(found: Look, folder: Path) -> Finding:
    for path in (folder, found.path):
        if path.exists() and not os.access(path, os.W_OK):
            advice = (
                f"run as its owner ({path.stat().st_uid}), or give it to this user ({os.getuid()})"
            )
            return _fail("permissions", f"{path} cannot be written; {advice}")
    return _ok("permissions", f"{found.path.parent} can be written")


def _file_system(folder: Path) -> str:
    """Return the type of the file system that ``folder`` is on; empty where nothing tells."""
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8").splitlines()
    except OSError:
        return ""
    place, best, kind = str(folder.resolve()), "", ""
    for line in mounts:
        _, at, type_, *_ = line.split()
        at = at.replace("\\040", " ")
        if (place == at or place.startswith(at.rstrip("/") + "/")) and len(at) >= len(best):
            best, kind = at, type_
    return kind


def _database(found: Look) -> Finding:
    if not found.exists:
        return _ok("database", f"{found.path} is not there yet; `aggregator run` makes it")
    if found.wrong:
        return _fail("database", f"{found.path}: {found.wrong}; restore a backup in its place")
    if found.unknown:
        return _fail("database", "written by a newer version; run that, or restore a backup")
    if found.pending:
        return _warn("database", "of an older version; the next start brings it up to date")
    if found.log > LARGE_LOG:
        return _warn(
            "database",
            f"the log beside it has {found.log / 1e6:.0f} MB: some program reads it and does not"
            " end; see who has it open (fuser), and end that",
        )
    items = found.rows.get("item", 0)
    return _ok("database", f"up to date, {items:,} items in {found.bytes / 1e6:.1f} MB")


def _clock(found: Look, now: datetime) -> Finding:
    if now.year < BUILT:
        return _fail("clock", f"it says {now:%Y-%m-%d}; set it, and let NTP keep it")
    last = _last_visit(found)
    if last is not None and last > now:
        before, after = (f"{at:%Y-%m-%d %H:%M}Z" for at in (now, last))
        return _warn("clock", f"it says {before}, a feed was asked at {after}; is it set right?")
    return _ok("clock", f"{now:%Y-%m-%d %H:%M:%S}Z")


def _last_visit(found: Look) -> datetime | None:
    if not found.exists or found.wrong or found.pending or found.unknown:
        return None
    try:
        with closing(
            open_store(f"sqlite:///{found.path.name}", root=found.path.parent, reading=True)
        ) as store:
            return max(
                (s.attempted_at for s in store.feeds.states() if s.attempted_at), default=None
            )
    except StoreError:
        return None


def _port(settings: Settings, found: Look | None) -> Finding:
    listen = settings.service.listen
    at = f"{listen.host}:{listen.port}"
    if found is not None and found.in_use:
        return _ok("port", f"{at}, a service runs")
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    with socket.socket(family) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            line.bind((listen.host, listen.port))
        except OSError as error:
            return _fail(
                "port", f"{at} cannot be had ({error.strerror}); choose another in service.yaml"
            )
    return _ok("port", f"{at} is free")


async def _names(settings: Settings) -> Finding:
    hosts = (urlsplit(feed.url).hostname or "" for feed in settings.feeds if feed.enabled)
    host = next(
        (host for host in hosts if not host.replace(".", "").isdigit() and ":" not in host), ""
    )
    if not host:
        return _ok("names", "no feed is asked by name")
    try:
        async with asyncio.timeout(WAIT):
            await Lookup()(host, 443)
    except (OSError, UnicodeError, TimeoutError) as error:
        why = "no answer" if isinstance(error, TimeoutError) else str(error)
        return _warn(
            "names", f"{host} is not found ({why}); is this machine online? see /etc/resolv.conf"
        )
    return _ok("names", f"{host} is found")


async def _address(settings: Settings, found: Look | None) -> Finding:
    base = settings.site.base_url
    if urlsplit(base).hostname == "localhost":
        return _warn(
            "address", f"readers elsewhere cannot reach {base}; set site: base_url in service.yaml"
        )
    if found is None or not found.in_use:
        return _ok("address", f"{base}, not tried: no service runs")
    policy = replace(fetch_policy(settings), allow_private=_EVERYWHERE, total_seconds=WAIT)
    match await Fetcher(policy).fetch(Ask(url=f"{base}/healthz")):
        case Fetched(body=body) if b'"status"' in body:
            return _ok("address", f"{base} leads here")
        case Failed(reason=reason) | Refused(reason=reason):
            return _warn(
                "address",
                f"{base} does not lead here ({reason}); see to the proxy, the name, the firewall",
            )
        case _:
            return _warn(
                "address",
                f"{base} leads to something else; see to the proxy, or mend site: base_url",
            )


def _wishes(settings: Settings) -> Iterator[Finding]:
    if not settings.site.contact:
        yield _warn("contact", "publishers cannot reach you; set site: contact in service.yaml")
    for waiver in waivers(settings):
        yield _warn("guards", f"let down: {waiver}")
