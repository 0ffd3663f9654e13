"""Which characters may stand in a document, and which in a line that people read?"""

from aggregator.text.patterns import late

# XML 1.0 section 2.2, production [2] Char: everything else is an error that no escape cures.
_FORBIDDEN = late("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# C1 controls, bidi marks and overrides, zero-width and other invisible characters, variation of
# none: they turn a line around or hide in it. ZWNJ and ZWJ have a rule of their own.
_INVISIBLE = late(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0001-\U000e007f]"
)
# Persian, Hindi and emoji are spelled with joiners: kept between two letters beyond Latin.
_STRAY_JOINER = late(
    "(?<![\u0590-\U0010ffff])[\u200c\u200d]+|[\u200c\u200d]+(?![\u0590-\U0010ffff])"
)


def xml_safe(text: str) -> str:
    """Return ``text`` without characters that XML 1.0 forbids; lone surrogates are such."""
    # What is printable is allowed, and that is a quicker question.
    printable = text.isprintable() or text.replace("\n", " ").isprintable()
    return text if printable else _FORBIDDEN.sub("", text)


def one_line(text: str) -> str:
    """Return ``text`` as one line for titles and logs.

    White space of any kind is folded to single spaces; controls, bidi overrides, zero-width
    characters and what XML forbids are gone, so that a title cannot forge a line of a log.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    visible = _INVISIBLE.sub("", " ".join(text.split()))
    return " ".join(_STRAY_JOINER.sub("", xml_safe(visible)).split())


def clip(text: str, limit: int) -> str:
    """Return ``text`` within ``limit`` characters, cut at a word end with an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    cut = head.rfind(" ")
    # Scripts without spaces have no word end to look for.
    return head[: cut if cut > limit // 2 else None].rstrip(" ,;:–—-") + "…"
