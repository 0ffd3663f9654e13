"""Who reads what is not for everybody?

A private output has an address of its own for each of its readers, with a token in it. Whoever asks
without one learns nothing, not even whether there is such an output.
"""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.outputs.addresses import PRIVATE
from aggregator.outputs.tokens import opens
from aggregator.web.app import Kept, feed_fields
from aggregator.web.served import Fields, Shelf

MAX_TOKEN = 200  # characters; ours have 32


def routes(shelf: Shelf, keys: Mapping[str, tuple[str, ...]], *, max_age: int) -> list[Route]:
    """Return the route of private documents, which stand on a ``shelf`` of their own.

    ``keys`` are the digests of the tokens that open each, by path there.
    """
    fields = private_fields(max_age)

    async def document(request: Request) -> Response:
        path = f"{PRIVATE}/{request.path_params['name']}"
        token = request.path_params["token"][:MAX_TOKEN]
        served = shelf.get(path)
        if not opens(token, keys.get(path, ())) or served is None:
            raise HTTPException(404)
        return Kept(served, fields)

    return [Route(f"/{PRIVATE}/{{token}}/{{name:path}}", document)]


def private_fields(max_age: int) -> Fields:
    """Return what every answer with a private feed carries besides its own fields.

    RFC 9111 section 5.2.2.7: for the reader's own cache only.
    """
    public = (b"cache-control", b"access-control-allow-origin", b"access-control-expose-headers")
    kept = (field for field in feed_fields(max_age) if field[0] not in public)
    private = (b"cache-control", f"private, max-age={max_age}".encode())
    return (private, (b"x-robots-tag", b"noindex, nofollow"), *kept)
