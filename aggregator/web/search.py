"""How is a search answered?"""

from collections.abc import Awaitable
from typing import Protocol
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aggregator.model.editions import Format, Site
from aggregator.outputs.addresses import MEDIA_TYPES, SEARCH
from aggregator.text.queries import MAX_QUERY, read_query
from aggregator.web.app import Kept, feed_fields, page_fields
from aggregator.web.served import Fields, Served

PATIENCE = "5"  # seconds after which one who came at a busy moment should ask again


class Search(Protocol):
    """Finds, and prints what it found."""

    def __call__(
        self, text: str, form: Format | None, *, by_date: bool
    ) -> Awaitable[Served | None]:
        """Return the page, or the feed in ``form``; None when that cannot be done just now."""


def routes(search: Search, site: Site, *, max_age: int) -> list[Route]:
    """Return the routes of the page (``/search?q=``) and of what it finds as feeds.

    None for a ``site`` without a search. ``max_age`` (seconds) is how long a client need not ask
    again.
    """
    if not site.search:
        return []
    page, feed = page_fields(max_age, site), feed_fields(max_age)

    async def found_page(request: Request) -> Response:
        text, by_date = _asked(request), request.query_params.get("by") == "date"
        return await _answer(search, text, None, by_date=by_date, fields=page)

    async def found_feed(request: Request) -> Response:
        try:
            form = Format(request.path_params["form"])
        except ValueError:
            raise HTTPException(404) from None
        text = _asked(request)
        if not read_query(text).wanted:
            hint = f"Say what to look for: /{SEARCH}.{form}?q=words\n"
            return PlainTextResponse(hint, status_code=400, headers=_plain_headers())
        fields = (*feed, _links(text, form, site))
        return await _answer(search, text, form, by_date=True, fields=fields)

    return [Route(f"/{SEARCH}", found_page), Route(f"/{SEARCH}.{{form}}", found_feed)]


async def _answer(
    search: Search, text: str, form: Format | None, *, by_date: bool, fields: Fields
) -> Response:
    served = await search(text, form, by_date=by_date)
    if served is None:
        headers = {"retry-after": PATIENCE, **_plain_headers()}
        busy = "The search cannot answer just now; please ask again in a moment.\n"
        return PlainTextResponse(busy, status_code=503, headers=headers)
    return Kept(served, fields)


def _asked(request: Request) -> str:
    return request.query_params.get("q", "")[: 4 * MAX_QUERY]


def _links(text: str, form: Format, site: Site) -> tuple[bytes, bytes]:
    asking = f"?q={quote(read_query(text).text, safe='')}"
    parts = [
        f'<{site.base_url}/{SEARCH}.{other}{asking}>; rel="alternate"; type="{MEDIA_TYPES[other]}"'
        for other in Format
        if other != form
    ]
    self_link = f'<{site.base_url}/{SEARCH}.{form}{asking}>; rel="self"'
    return (b"link", ", ".join((self_link, *parts)).encode("ascii"))


def _plain_headers() -> dict[str, str]:
    return {"cache-control": "no-store", "x-content-type-options": "nosniff"}
