"""What does a body look like once it is out of its wrapping?"""

import io
import re
import zipfile
import zlib

from msgspec import Struct

from aggregator.model.visits import Unreadable

MAX_BODY = 16 * 1024 * 1024  # bytes unpacked; the largest real feed measured has 3.5 MB

_MAGIC = {
    b"BZh": "a bzip2 archive",
    b"\x28\xb5\x2f\xfd": "Zstandard data",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"OggS": "a sound",
    b"ID3": "a sound",
    b"SQLite format 3": "a database",
}
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff", b"\x00<", b"<\x00", b"\x00\x00\x00<")
_FORBIDDEN_BYTES = bytes({*range(0x20)} - {0x09, 0x0A, 0x0D})  # XML 1.0 section 2.2
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
# Atomic and possessive: else n comments could be told apart in 2 to the n ways before it gives up.
_PAGE = re.compile(
    rb"\s*+(?>(?:<\?[^>]{0,200}>|<!--.{0,2000}?-->)\s*+)*+"
    rb"<(?:!doctype\s+html|html|head|body|title|meta|link)\b",
    re.IGNORECASE | re.DOTALL,
)
_PAGE_TYPE = re.compile(r"\s*(?:text/html|application/xhtml\+xml)\b", re.IGNORECASE)
_FEED_ROOT = re.compile(rb"<(?:rss|(?:atom:)?feed|(?:rdf:)?rdf|channel)\b", re.IGNORECASE)
_UTF7 = frozenset({"utf-7", "utf7", "unicode-1-1-utf-7", "csunicode11utf7", "x-utf-7"})
# Declared by a template and not by the text: if it is sound UTF-8 with letters beyond ASCII, it is.
_OFTEN_WRONG = frozenset({
    "", "us-ascii", "ascii", "iso-8859-1", "iso8859-1", "latin1", "latin-1", "iso-8859-15",
    "windows-1252", "cp1252", "windows-1251", "windows-1250",
})  # fmt: skip


class Opened(Struct, frozen=True, kw_only=True):
    """A body ready to be read; ``media_type`` is the header that leads to the right encoding."""

    body: bytes
    media_type: str
    remarks: tuple[str, ...] = ()


def open_body(body: bytes, content_type: str) -> Opened | Unreadable:
    """Unpack ``body`` (gzip and zip sent without a header), settle its encoding, or say why not.

    At most 16 MiB come out of a packed one. The encoding is that of a byte order mark, then of the
    header, then of the XML declaration (RFC 7303 section 3); UTF-7 is refused, as it hides markup.
    """
    remarks: tuple[str, ...] = ()
    if body[:2] == b"\x1f\x8b" or body[:4] == b"PK\x03\x04":
        unpacked = _gunzip(body) if body[:2] == b"\x1f\x8b" else _unzip(body)
        if isinstance(unpacked, Unreadable):
            return unpacked
        body, remarks = unpacked, ("unpacked: it came compressed without saying so",)
    if refusal := _refusal(body):
        return Unreadable(reason=refusal)
    if body.startswith(_WIDE):
        return Opened(body=body, media_type="application/xml", remarks=remarks)
    return _narrow(body, content_type, remarks)


def is_page(body: bytes, content_type: str = "") -> bool:
    """Whether ``body`` is an HTML page, and no feed in the guise of one.

    By its start, or by its Content-Type when that is given: many a feed is sent as ``text/html``.
    """
    if _PAGE_TYPE.match(content_type):
        return True
    start = body[:8192].removeprefix(b"\xef\xbb\xbf")
    found = _PAGE.match(start)
    return found is not None and not _FEED_ROOT.search(start, found.end())


def charset_of(content_type: str) -> str:
    """Return the encoding (lower case) that a Content-Type names, '' when it names none."""
    told = _CHARSET.search(content_type)
    return told[1].lower() if told else ""


def _refusal(body: bytes) -> str | None:
    if not body.strip():
        return "the document is empty"
    for magic, name in _MAGIC.items():
        if body.startswith(magic):
            return f"the document is {name}, not a feed"
    if is_page(body):
        return (
            "the document is an HTML page, not a feed; "
            "look in the page for the address of its feed and configure that"
        )
    return None


def _narrow(body: bytes, content_type: str, remarks: tuple[str, ...]) -> Opened | Unreadable:
    """Settle a body whose encoding writes ASCII as ASCII."""
    declared = _DECLARED.search(body[:512])
    names = (charset_of(content_type), declared[1].decode().lower() if declared else "")
    if _UTF7.intersection(names):
        return Unreadable(reason="the document says it is in UTF-7, which is never read")
    cleaned = body.translate(None, _FORBIDDEN_BYTES)
    if b"\x1b" in body and any(name.startswith("iso-2022") for name in names):
        cleaned = body  # its shifts are escapes
    elif len(cleaned) != len(body):
        remarks += ("control characters were left out",)
    marked = cleaned.lstrip().startswith(b"\xef\xbb\xbf")
    # White space before the declaration, and a second byte order mark, are not well-formed.
    cleaned = cleaned.lstrip(b"\xef\xbb\xbf \t\r\n") if marked else cleaned.lstrip()
    charset = names[0] or names[1]
    if marked or (charset in _OFTEN_WRONG and _is_utf8(cleaned)):
        charset = "utf-8"
    header = f"application/xml; charset={charset}" if charset else "application/xml"
    return Opened(body=cleaned, media_type=header, remarks=remarks)


def _is_utf8(body: bytes) -> bool:
    if body.isascii():
        return False
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _gunzip(body: bytes) -> bytes | Unreadable:
    inflater = zlib.decompressobj(wbits=31)
    try:
        unpacked = inflater.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        return Unreadable(reason=f"the document is compressed and damaged: {error}")
    if len(unpacked) > MAX_BODY:
        return _too_large()
    # A cut one is read as far as it goes, as is a cut feed.
    return unpacked


def _unzip(body: bytes) -> bytes | Unreadable:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if not names:
                return Unreadable(reason="the document is an empty archive, not a feed")
            with archive.open(names[0]) as member:
                unpacked = member.read(MAX_BODY + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError) as error:
        return Unreadable(reason=f"the document is a zip archive that cannot be read: {error}")
    return _too_large() if len(unpacked) > MAX_BODY else unpacked


def _too_large() -> Unreadable:
    limit = MAX_BODY // (1024 * 1024)
    return Unreadable(reason=f"the document is compressed and larger than {limit} MiB unpacked")
