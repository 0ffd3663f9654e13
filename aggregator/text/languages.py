"""Which language is a text said to be in?"""

import re

from aggregator.text.patterns import late

# RFC 5646 section 2.1, the parts that feeds use: language, script, region, variants.
_TAG = late(
    r"(?P<language>[a-z]{2,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<rest>(?:-[a-z0-9]{1,8})*)",
    re.IGNORECASE,
)
# RFC 5646 section 2.2.1: two letters where ISO 639-1 has them. Names as publishers write them.
_SHORT = {
    "eng": "en", "english": "en", "ger": "de", "deu": "de", "german": "de", "deutsch": "de",
    "fre": "fr", "fra": "fr", "french": "fr", "spa": "es", "spanish": "es", "ita": "it",
    "italian": "it", "por": "pt", "portuguese": "pt", "dut": "nl", "nld": "nl", "dutch": "nl",
    "rus": "ru", "russian": "ru", "ukr": "uk", "pol": "pl", "tur": "tr", "ara": "ar",
    "arabic": "ar", "jpn": "ja", "japanese": "ja", "kor": "ko", "korean": "ko", "chi": "zh",
    "zho": "zh", "chinese": "zh", "hin": "hi", "swe": "sv", "dan": "da", "nor": "no",
    "fin": "fi", "gre": "el", "ell": "el", "heb": "he", "iw": "he", "in": "id", "ji": "yi",
    "jp": "ja", "cz": "cs", "gr": "el", "dk": "da",
}  # fmt: skip
_NONE = frozenset({"und", "mul", "zxx", "mis"})  # ISO 639-2: nothing that a reader could use


def language_tag(raw: str) -> str | None:
    """Return ``raw`` as a BCP 47 tag in its usual case (``en_US`` gives ``en-US``), or None.

    Encodings (``.UTF-8``) and all but the first of a list are dropped, names and three-letter
    codes of well-known languages become the two-letter code.
    """
    first = re.split(r"[,;.|@\s]", raw.strip()[:100], maxsplit=1)[0].replace("_", "-")
    head, dash, tail = first.partition("-")
    found = _TAG.fullmatch(_SHORT.get(head.lower(), head) + dash + tail)
    if found is None or found["language"].lower() in _NONE:
        return None
    parts = [found["language"].lower()]
    if found["script"]:
        parts.append(found["script"].title())
    if found["region"]:
        parts.append(found["region"].upper())
    return "-".join(parts) + found["rest"].lower()


def primary(tag: str) -> str:
    """Return the language alone of a tag: ``en`` of ``en-GB``."""
    return tag.partition("-")[0].lower()
