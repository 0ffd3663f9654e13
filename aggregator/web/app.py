"""How do we answer, and with which headers?

What stands on the shelf is answered straight from memory, by `Counter`, before any routing, and
mostly at sight (`aggregator.web.sight`). All the rest (health, robots, the icon, errors) goes
through Starlette's routes.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import quote, urlsplit

from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from aggregator.model.editions import Format, Site
from aggregator.outputs import pages
from aggregator.outputs.addresses import (
    ARCHIVE,
    FEED_STYLE,
    FEEDS,
    MEDIA_TYPES,
    PRIVATE,
    SEARCH,
    STORIES,
)
from aggregator.web.conditions import chosen, unchanged
from aggregator.web.served import Fields, Left, Served, Shelf, Variant
from aggregator.web.sight import Sight

STALE = 86_400  # seconds that a cache may serve an old edition while we are not to be reached
FOR_EVER = 31_536_000  # a year, the most that caches honour

Handler = Callable[[Request, Exception], Awaitable[Response]]
"""What turns an error into an answer."""

StoryPage = Callable[[str], Awaitable[Served | str | None]]
"""What finds the page of a story."""

ArchivePage = Callable[[str, Format, int], Awaitable[tuple[Served, bool] | Left | None]]
"""What finds a page of an output's archive, and tells whether it is final."""

_READ = b"GET, HEAD, OPTIONS"
_NUMBER = re.compile("[1-9][0-9]{0,8}")  # of an archive page: each has one address
_SAFE: Fields = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
# Pictures come from the publishers, if ops want any; nothing else comes from anywhere else.
_PICTURES = b"'self' https: http: data:"
_PAGE_POLICY = (
    b"default-src 'none'; img-src %b; style-src 'self'; "
    b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_FEED_POLICY = b"default-src 'none'; style-src 'self'; sandbox"
# Browsers show the source of what says that it is a feed, or save it; they show plain XML in its
# own style sheet. They alone say that it is for somebody to look at (Fetch Metadata, W3C).
_LOOKED_AT = (b"sec-fetch-dest", b"document")
_PLAIN_XML = (b"content-type", b"application/xml; charset=utf-8")
_FEED_TYPES = frozenset(f"{MEDIA_TYPES[form]}; charset=utf-8" for form in (Format.ATOM, Format.RSS))
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_ASKED = frozenset((b"accept-encoding", b"if-none-match", b"if-modified-since"))
_PREFLIGHT: Fields = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", _READ),
    (b"access-control-allow-headers", b"If-None-Match, If-Modified-Since, Cache-Control"),
    (b"access-control-max-age", b"86400"),
)


class Health(Struct, frozen=True, kw_only=True):
    """Whether the service is well; ``because`` says in an operator's words why it is not.

    ``notes`` are what else they should know.
    """

    ok: bool
    version: str
    because: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def build(
    shelf: Shelf,
    *,
    health: Callable[[], Health],
    site: Site,
    max_age: int,
    story: StoryPage,
    archive: ArchivePage | None = None,
    more: Sequence[Route] = (),
) -> "Counter":
    """Return the application that serves what stands on ``shelf``, and ``more``.

    ``max_age`` (seconds) is how long a client need not ask again. All addresses in answers come
    from ``site``, none from the request. ``health`` is called for each question and must be quick.
    ``story`` gives the page of a story by the last part of its address, or the path at which it
    stands now, or None. ``archive`` gives a page of the archive of an output by name, format and
    number, and whether it is final.
    """
    gone = _refusal(410, pages.gone(site))
    not_allowed = _refusal(405, pages.not_allowed(site))
    app = Starlette(
        routes=[
            _health(health),
            _stories(story, site, max_age),
            *([_archives(archive, site, max_age, gone)] if archive else []),
            *_fixtures(),
            *more,
        ],
        exception_handlers={
            404: _refusal(404, pages.not_found(site)),
            405: not_allowed,
            Exception: _broken,
        },
    )
    app.router.redirect_slashes = False  # a hub must never be redirected
    return Counter(
        app,
        shelf=shelf,
        site=site,
        max_age=max_age,
        refuse=not_allowed,
        gone=gone,
    )


class Kept(Response):
    """Something ready to be sent, in the coding that the client likes, or 304."""

    def __init__(self, served: Served, always: Fields) -> None:
        self._served = served
        self._always = always

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI request."""
        del receive
        status, fields, body = _answer(self._served, scope["headers"])
        body = b"" if scope["method"] == "HEAD" else body
        await _send(send, status, fields + self._always, body)


class Counter:
    """Hands out what stands on the shelf; passes all other questions on to ``app``."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        shelf: Shelf,
        site: Site,
        max_age: int,
        refuse: Handler,
        gone: Handler,
    ) -> None:
        self._app = app
        self._refuse = refuse
        self._gone = gone
        self._shelf = shelf
        self._base = site.base_url
        self._site = site
        self._prefix = urlsplit(site.base_url).path
        self._feed, self._page = feed_fields(max_age), page_fields(max_age, site)
        self._links: dict[str, Fields] = {}
        self.at_sight = Sight(shelf, self._find, self._reply)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI request."""
        found = self._find(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            left = self._left(scope["path"]) if scope["type"] == "http" else None
            if left is not None:
                await self._tell_left(left, Request(scope), receive, send)
                return
            if scope["type"] == "http":
                scope = {**scope, "path": self._below(scope["path"])}
            await self._app(scope, receive, send)
            return
        path, served = found
        method = scope["method"]
        if method in {"GET", "HEAD"}:
            status, fields, body = self._reply(path, served, scope["headers"])
            await _send(send, status, fields, b"" if method == "HEAD" else body)
        elif method == "OPTIONS":
            open_to_all = _PREFLIGHT if path.startswith(FEEDS) else ()
            await _send(send, 204, ((b"allow", _READ), *open_to_all, *_SAFE), b"")
        else:
            error = HTTPException(405, headers={"allow": _READ.decode()})
            refusal = await self._refuse(Request(scope), error)
            await refusal(scope, receive, send)

    def _reply(
        self, path: str, served: Served, headers: list[tuple[bytes, bytes]]
    ) -> tuple[int, Fields, bytes]:
        status, fields, body = _answer(served, headers)
        return status, fields + self._fields(path), body

    async def _tell_left(self, left: Left, request: Request, receive: Receive, send: Send) -> None:
        if left.into is None:
            refusal = await self._gone(request, HTTPException(410))
            await refusal(request.scope, receive, send)
            return
        # Readers store the new address on a 301 (RFC 9110 section 15.4.2); not all know 308.
        location = f"{self._base}/{quote(left.into)}".encode("ascii")
        fields = ((b"location", location), (b"content-length", b"0"), self._feed[0], *_SAFE)
        await _send(send, 301, fields, b"")

    def _paths(self, asked: str) -> tuple[str, str]:
        """Return where what is asked for may stand: there, or in a folder of that name."""
        path = self._below(asked)[1:]
        folder = path.removesuffix("/")
        return path, f"{folder}/index.html" if folder else "index.html"

    def _find(self, asked: str) -> tuple[str, Served] | None:
        """Look up an address. It is a key among known keys and never becomes a file's path."""
        for path in self._paths(asked):
            if served := self._shelf.get(path):
                return path, served
        return None

    def _left(self, asked: str) -> Left | None:
        """Return what became of what stood at an address, if anything did."""
        found = (self._shelf.left(path) for path in self._paths(asked))
        return next((left for left in found if left), None)

    def _below(self, asked: str) -> str:
        """Take the prefix of the base address off; most proxies do, some do not."""
        if self._prefix and asked.startswith(self._prefix + "/"):
            return asked[len(self._prefix) :]
        return asked

    def _fields(self, path: str) -> Fields:
        """Return the fields that every answer about ``path`` carries, a 304 too."""
        held = self._links.get(path)
        if held is None:
            own = self._feed if path.startswith(FEEDS) else self._page
            held = self._links[path] = (*own, *_links(path, self._site))
        return held


def _answer(served: Served, headers: list[tuple[bytes, bytes]]) -> tuple[int, Fields, bytes]:
    asked = _conditions(headers)
    variant = chosen(served, asked.get(b"accept-encoding"))
    if variant is None:
        text = b"This address is sent as it is, or in gzip, br or zstd.\n"
        return 406, (_TEXT, (b"content-length", str(len(text)).encode())), text
    if _fresh(served, variant, asked):
        return 304, variant.validators, b""
    if served.media_type in _FEED_TYPES and _LOOKED_AT in headers:
        return 200, (_PLAIN_XML, *variant.fields[1:]), variant.body
    return 200, variant.fields, variant.body


def _fresh(served: Served, variant: Variant, asked: dict[bytes, str]) -> bool:
    return unchanged(served, variant, asked.get(b"if-none-match"), asked.get(b"if-modified-since"))


def _conditions(headers: list[tuple[bytes, bytes]]) -> dict[bytes, str]:
    """Return the fields that matter; one that is repeated is one list (RFC 9110 section 5.3)."""
    asked: dict[bytes, str] = {}
    for name, value in headers:
        if name in _ASKED:
            text = value.decode("latin-1")
            asked[name] = f"{asked[name]}, {text}" if name in asked else text
    return asked


async def _send(send: Send, status: int, fields: Fields, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def _cached(max_age: int) -> tuple[bytes, bytes]:
    # RFC 5861: an old edition is better than none.
    while_asking = max(max_age, 60)
    value = f"public, max-age={max_age}, stale-while-revalidate={while_asking}"
    return (b"cache-control", f"{value}, stale-if-error={STALE}".encode())


def feed_fields(max_age: int) -> Fields:
    """Return what every answer with a feed carries besides its own fields."""
    return (
        _cached(max_age),
        (b"vary", b"Accept-Encoding, Sec-Fetch-Dest"),
        (b"access-control-allow-origin", b"*"),
        (b"access-control-expose-headers", b"ETag, Link"),
        (b"content-security-policy", _FEED_POLICY),
        *_SAFE,
    )


def page_fields(max_age: int, site: Site) -> Fields:
    """Return what every answer with a page carries besides its own fields."""
    return (
        _cached(max_age),
        (b"vary", b"Accept-Encoding"),
        (b"content-security-policy", _page_policy(site)),
        *_SAFE,
    )


def _page_policy(site: Site) -> bytes:
    return _PAGE_POLICY % (_PICTURES if site.images else b"'self'")


def _links(path: str, site: Site) -> Fields:
    """Return a feed's Link header (RFC 8288): itself, itself in the other formats, its hubs."""
    stem, _, extension = path.rpartition(".")
    if not path.startswith(f"{FEEDS}/") or extension not in set(Format):
        return ()
    base = site.base_url
    parts = [f'<{base}/{quote(path)}>; rel="self"', *(f'<{hub}>; rel="hub"' for hub in site.hubs)]
    parts += [
        f'<{base}/{quote(f"{stem}.{other}")}>; rel="alternate"; type="{MEDIA_TYPES[other]}"'
        for other in Format
        if other != extension
    ]
    return ((b"link", ", ".join(parts).encode("ascii")),)


def _health(health: Callable[[], Health]) -> Route:
    async def healthz(_: Request) -> Response:
        state = health()
        told = {"status": "ok" if state.ok else "unhealthy", "version": state.version}
        lists = {"because": list(state.because), "notes": list(state.notes)}
        return JSONResponse(
            told | {name: lines for name, lines in lists.items() if lines},
            status_code=200 if state.ok else 503,
            headers={"cache-control": "no-store"},
        )

    return Route("/healthz", healthz)


def _stories(story: StoryPage, site: Site, max_age: int) -> Route:
    fields = page_fields(max_age, site)

    async def story_page(request: Request) -> Response:
        found = await story(request.path_params["key"])
        if found is None:
            raise HTTPException(404)
        if isinstance(found, str):
            to = f"{urlsplit(site.base_url).path}/{found}"
            return Response(status_code=301, headers={"location": to, **_safe()})
        return Kept(found, fields)

    return Route(f"/{STORIES}/{{key}}", story_page)


def _archives(archive: ArchivePage, site: Site, max_age: int, gone: Handler) -> Route:
    fields = feed_fields(max_age)
    for_ever = ((b"cache-control", f"public, max-age={FOR_EVER}, immutable".encode()), *fields[1:])

    async def archive_page(request: Request) -> Response:
        asked = request.path_params
        if asked["form"] not in set(Format) or not _NUMBER.fullmatch(asked["number"]):
            raise HTTPException(404)
        found = await archive(asked["name"], Format(asked["form"]), int(asked["number"]))
        if found is None:
            raise HTTPException(404)
        if isinstance(found, tuple):
            served, final = found
            return Kept(served, for_ever if final else fields)
        if found.into is None:
            return await gone(request, HTTPException(410))
        to = f"{urlsplit(site.base_url).path}/{found.into}"
        return Response(status_code=301, headers={"location": to, **_safe()})

    return Route(f"/{FEEDS}/{{name:path}}/{ARCHIVE}/{{number}}.{{form}}", archive_page)


def _fixtures() -> list[Route]:
    """Answer for what never changes while the program runs."""
    kept = {"cache-control": f"public, max-age={FOR_EVER}, immutable", **_safe()}
    daily = {"cache-control": "public, max-age=86400", **_safe()}
    robots = f"User-agent: *\nDisallow: /healthz\nDisallow: /{PRIVATE}/\nDisallow: /{SEARCH}\n"

    async def style(_: Request) -> Response:
        return Response(pages.stylesheet(), media_type="text/css", headers=kept)

    async def feed_style(_: Request) -> Response:
        return Response(pages.feed_stylesheet(), media_type="text/css", headers=daily)

    async def icon(_: Request) -> Response:
        # Opened by itself, a drawing is a page of our origin.
        policy = {"content-security-policy": "default-src 'none'; sandbox"}
        return Response(pages.FAVICON, media_type="image/svg+xml", headers=daily | policy)

    async def no_icon(_: Request) -> Response:
        return Response(status_code=204, headers=daily)

    async def rules(_: Request) -> Response:
        return PlainTextResponse(robots, headers=daily)

    return [
        Route(f"/{pages.STYLE_PATH}", style),
        Route(f"/{FEED_STYLE}", feed_style),
        Route(f"/{pages.FAVICON_PATH}", icon),
        Route("/favicon.ico", no_icon),
        Route("/robots.txt", rules),
    ]


def _safe() -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in _SAFE}


def _refusal(status: int, page: bytes) -> Handler:
    async def refuse(_: Request, error: Exception) -> Response:
        given = error.headers if isinstance(error, HTTPException) else None
        headers = {
            **(given or {}),
            **_safe(),
            "cache-control": "public, max-age=60",
            "content-security-policy": (_PAGE_POLICY % b"'self'").decode(),
        }
        return Response(page, status_code=status, media_type=pages.MEDIA_TYPE, headers=headers)

    return refuse


async def _broken(_: Request, __: Exception) -> Response:
    return PlainTextResponse(
        "Something broke here; the log of the service says what.\n",
        status_code=500,
        headers={"cache-control": "no-store", **_safe()},
    )
