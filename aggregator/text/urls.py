"""Which address is meant, and when do two addresses mean the same article?"""

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, unquote, urljoin, urlsplit, urlunsplit

from publicsuffixlist import PublicSuffixList

from aggregator.text.patterns import late
from aggregator.text.sites import USUAL_ADDRESSES, AddressRules, rules_of
from aggregator.text.tracking import is_tracking

MAX_URL = 8192  # characters; no publisher's link comes near, and our own regexes run on it

# Addresses that carry the real one in a parameter: (host without www, path, parameter).
_WRAPPERS = (
    ("google.com", "/url", "url"),  # Google Alerts
    ("google.com", "/url", "q"),
    ("bing.com", "/news/apiclick.aspx", "url"),
    ("l.facebook.com", "/l.php", "u"),
)
_AMP_CACHE = late(r"/(?:amp|[cvi]|wp)/(?:s/)?(?P<target>[^/]+\.[^/]+/.*)")
# Nearly every address needs no mending: a quarter of the time of reading an entry is spared.
_SOUND = late(r"https?://[a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]{1,4})?(?:[/?#][!#-;=?-\[\]_a-z~]*)?")
_SLASHES = late(r"^(https?):/*", re.IGNORECASE)
_EDGES = "".join(map(chr, range(0x21))) + "\x7f\u00a0\u2028\u2029\ufeff\u200b"
_CONTROL = late(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\u200b\ud800-\udfff]")
_UNFIT = late(r"[\s<>\"^`{|}\\]")  # never bare in a URI, RFC 3986 section 2
_ESCAPED = late(r"%[0-9a-fA-F]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_NOT_ASCII = late(r"[^\x21-\x7e]+")
_SECRET = late(
    r"([?&](?:api[-_]?key|key|access[-_]?token|auth|token|secret|password|passwd|pass|sig"
    r"|signature|code)=)[^&#]+",
    re.IGNORECASE,
)


def absolute(ref: str, base: str) -> str | None:
    """Return ``ref`` as an absolute http or https address, resolved against ``base``.

    White space around it and control characters within it are dropped, characters that no URI may
    hold are escaped; letters of other scripts stay. None for every other scheme, for nothing, for
    what has no host, and beyond 8,192 characters (RFC 3986 section 5).
    """
    if len(ref) > MAX_URL:
        return None
    if _SOUND.fullmatch(ref):
        return ref
    # As browsers do, whatever the number of slashes: http:///paper.example, https:/paper.example
    cleaned = _SLASHES.sub(r"\1://", _clean(ref))
    if not cleaned or cleaned.endswith("://"):
        return None
    try:
        parts = urlsplit(urljoin(base, cleaned))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        _ = parts.port  # raises when it is no number
    except ValueError:
        return None
    return urlunsplit(parts)


@lru_cache(maxsize=8192)
def canonical(url: str, rules: AddressRules = USUAL_ADDRESSES) -> str:
    """Return the form in which two addresses of one article are equal; it is for comparing only.

    Scheme, host, device host (``www.``, ``m.``, ``amp.``), default port, fragment, the tracking
    parameters that ``rules`` name, trailing slash and AMP forms are folded, and what they say of
    the site; every other parameter stays, in order. Idempotent. What is no http address comes
    back without its controls, else as it was.
    """
    current = _clean(url)
    following = _fold(current, rules)
    while following != current:
        current, following = following, _fold(following, rules)
        if len(following) > len(current):
            break
    return current


def place_on_page(url: str, rules: AddressRules = USUAL_ADDRESSES) -> str:
    """Return the fragment of ``url`` with its ``#`` where it names a place, else ''.

    A changelog or a live page links each of its entries so. Not one that `canonical` keeps
    (``#!``, ``#/``), nor one that tells how the reader came (``#xtor=RSS-3208``).
    """
    fragment = url.partition("#")[2]
    if not fragment or fragment.startswith(("!", "/")):
        return ""
    if any(is_tracking(pair, rules.tracking) for pair in fragment.split("&")):
        return ""
    return f"#{_normal_escapes(fragment)}"


@lru_cache(maxsize=8192)
def registrable_domain(url: str) -> str:
    """Return the part of the host that somebody can register: ``bbc.co.uk``.

    ``url`` may be a bare host. IP literals, ``localhost`` and public suffixes themselves come back
    as they are, '' when there is no host (publicsuffix.org, private section included).
    """
    try:
        host = (urlsplit(url if "://" in url else f"//{url}").hostname or "").rstrip(".")
    except ValueError:
        return ""
    if _is_address(host):
        return host
    found: str | None = _suffixes().privatesuffix(host) if host else None
    return found or host


def split_credentials(url: str) -> tuple[str, tuple[str, str] | None]:
    """Return ``url`` without its user part, and that as (user, password), unquoted, or None.

    An address that cannot be split at all comes back unchanged.
    """
    try:
        parts = urlsplit(url)
        user, password = parts.username, parts.password
    except ValueError:
        return url, None
    if "@" not in parts.netloc:
        return url, None
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    if not user and not password:
        return bare, None
    return bare, (unquote(user or ""), unquote(password or ""))


def redacted(url: str) -> str:
    """Return ``url`` fit for logs: no user name, password, or value of a key-like parameter."""
    bare, credentials = split_credentials(_CONTROL.sub("", url))
    shown = bare if credentials is None else bare.replace("://", "://***@", 1)
    return _SECRET.sub(r"\1***", shown)


def _clean(ref: str) -> str:
    return _UNFIT.sub(_escape, _CONTROL.sub("", ref.strip(_EDGES)).strip())


def _escape(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


def _fold(url: str, rules: AddressRules) -> str:
    """Return ``url`` folded once; unchanged when it is no usable http address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return url
    if parts.scheme not in ("http", "https") or not host:
        return url
    target = _unwrapped(parts, host)
    if target:
        return target
    host = _fold_host(host, rules)
    site = rules_of(host, rules)
    netloc = (site.host or host) + ("" if port in (None, 80, 443) else f":{port}")
    listed = rules.chosen(host, _pairs(parts.query)) if parts.query else []
    pairs = [_normal_escapes(pair) for pair in listed]
    choosing = _identity(pairs, site.identity) if site.identity else []
    if choosing:
        return urlunsplit(("https", netloc, "/", "&".join(choosing), ""))
    fragment = parts.fragment if parts.fragment.startswith(("!", "/")) else ""
    path, query = _fold_path(parts.path), "&".join(pairs)
    return urlunsplit(("https", netloc, path, query, _normal_escapes(fragment)))


def _identity(pairs: list[str], names: tuple[str, ...]) -> list[str]:
    """Return the pairs of ``names`` in their order; none unless each of them has a value."""
    held = dict(reversed([(pair.partition("=")[0].lower(), pair) for pair in pairs]))
    found = [held.get(name.lower(), "") for name in names]
    return found if all(pair.partition("=")[2] for pair in found) else []


def _unwrapped(parts: SplitResult, host: str) -> str | None:
    """Return the address that a cache or a counting redirect carries within its own."""
    bare = host.removeprefix("www.")
    cached = _AMP_CACHE.fullmatch(parts.path)
    if cached and (bare == "google.com" or host.endswith(".cdn.ampproject.org")):
        return f"https://{cached['target']}" + (f"?{parts.query}" if parts.query else "")
    for wrapper, path, name in _WRAPPERS:
        if bare == wrapper and parts.path == path:
            values = dict(parse_qsl(parts.query))
            target = _clean(values.get(name, ""))
            if target.startswith(("http://", "https://")):
                return target
    return None


@lru_cache(maxsize=1024)
def _fold_host(host: str, rules: AddressRules) -> str:
    host = host.lower().rstrip(".")
    if _is_address(host):
        return f"[{host}]" if ":" in host else host
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return host
    stripped = next((host[len(form) :] for form in rules.devices if host.startswith(form)), "")
    # `m.com` and `amp.co.uk` are sites of their own: something registrable must remain.
    return stripped if stripped and _suffixes().privatesuffix(stripped) else host


def _fold_path(path: str) -> str:
    path = _normal_escapes(path)
    path = path.rstrip("/")
    if "amp" not in path:
        return path or "/"
    for ending in ("/amp", ".amp"):
        path = path.removesuffix(ending)
    path = re.sub(r"\.amp(?=\.html?$)", "", path)
    if path.startswith("/amp/"):
        path = path[4:]
    return path or "/"


def _pairs(query: str) -> list[str]:
    # `&amp;` left in an address by a publisher who escaped twice: NZ Herald's `&amp;ref=rss`.
    return [pair.removeprefix("amp;") for pair in query.split("&") if pair not in ("", "amp;")]


def _normal_escapes(text: str) -> str:
    """RFC 3986 section 6.2.2: upper-case escapes, none for unreserved characters."""
    encoded = _NOT_ASCII.sub(_escape, text)
    return _ESCAPED.sub(_normal_escape, encoded)


def _normal_escape(found: re.Match[str]) -> str:
    character = chr(int(found[0][1:], 16))
    return character if character in _UNRESERVED else found[0].upper()


def _is_address(host: str) -> bool:
    if ":" not in host and not host[-1:].isdigit():
        return False  # as nearly always; the library says so by an exception
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
