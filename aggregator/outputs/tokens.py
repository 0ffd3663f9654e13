"""Who may read a private output?

Who knows one of its tokens. A token is 192 random bits, so its plain SHA-256 tells nothing of it
and needs no slow hash; we keep only that.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import quote

from aggregator.model.editions import Format, OutputSpec, Site
from aggregator.outputs.addresses import PRIVATE, path

TOKEN_BYTES = 24


def token_of(chance: bytes) -> str:
    """Write `TOKEN_BYTES` random bytes as a token, fit for an address."""
    return urlsafe_b64encode(chance).decode("ascii")


def digest_of(token: str) -> str:
    """Return what is kept of a token: its SHA-256, in hexadecimal."""
    return sha256(token.encode()).hexdigest()


def opens(token: str, digests: Iterable[str]) -> bool:
    """Whether ``token`` is one of those that ``digests`` were made of.

    All are compared, each in constant time: how long it takes tells nothing.
    """
    made = digest_of(token)
    return sum(hmac.compare_digest(made, digest) for digest in digests) > 0


def private_url(spec: OutputSpec, form: Format, token: str, site: Site) -> str:
    """Return the address of a private output's document for who knows ``token``."""
    place = path(spec, form).removeprefix(f"{PRIVATE}/")
    return f"{site.base_url}/{PRIVATE}/{token}/{quote(place)}"
