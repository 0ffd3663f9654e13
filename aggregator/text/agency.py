"""Which news agency does a text credit?"""

import re
from collections.abc import Iterable

# How a credit is spelled -> how we call the agency. Short forms count in their own case only:
# "ap" and "efe" are words, and "Ani" is a name.
_SPELLINGS = {
    "Reuters": "Reuters", "REUTERS": "Reuters", "Thomson Reuters": "Reuters",
    "AP": "AP", "Associated Press": "AP", "The Associated Press": "AP", "ASSOCIATED PRESS": "AP",
    "AFP": "AFP", "Agence France-Presse": "AFP", "Agence France Presse": "AFP",
    "ANI": "ANI", "Asian News International": "ANI",
    "PTI": "PTI", "Press Trust of India": "PTI",
    "IANS": "IANS", "Indo-Asian News Service": "IANS", "UNI": "UNI",
    "Xinhua": "Xinhua", "XINHUA": "Xinhua", "Xinhua News Agency": "Xinhua",
    "dpa": "dpa", "DPA": "dpa", "Deutsche Presse-Agentur": "dpa",
    "EFE": "EFE", "Agencia EFE": "EFE", "Europa Press": "Europa Press",
    "TASS": "TASS", "ITAR-TASS": "TASS", "ТАСС": "TASS",
    "RIA Novosti": "RIA Novosti", "РИА Новости": "RIA Novosti",
    "Kyodo": "Kyodo", "KYODO": "Kyodo", "Kyodo News": "Kyodo", "Jiji": "Jiji", "Jiji Press": "Jiji",
    "Yonhap": "Yonhap", "YONHAP": "Yonhap",
    "AAP": "AAP", "Australian Associated Press": "AAP",
    "PA": "PA", "PA Media": "PA", "Press Association": "PA",
    "ANSA": "ANSA", "Adnkronos": "Adnkronos", "AGI": "AGI",
    "Lusa": "Lusa", "LUSA": "Lusa", "Agência Lusa": "Lusa",
    "Interfax": "Interfax", "INTERFAX": "Interfax", "Интерфакс": "Interfax",
    "Bloomberg": "Bloomberg", "Bloomberg News": "Bloomberg",
    "UPI": "UPI", "United Press International": "UPI", "CP": "The Canadian Press",
    "The Canadian Press": "The Canadian Press", "APA": "APA", "Keystone-SDA": "Keystone-SDA",
    "SDA": "Keystone-SDA", "ANP": "ANP", "Belga": "Belga", "BELGA": "Belga", "TT": "TT",
    "NTB": "NTB", "Ritzau": "Ritzau", "STT": "STT", "PAP": "PAP", "ČTK": "ČTK", "MTI": "MTI",
    "Anadolu": "Anadolu", "Anadolu Agency": "Anadolu", "AA": "Anadolu", "IRNA": "IRNA",
    "Antara": "Antara", "Bernama": "Bernama", "SID": "SID", "epd": "epd", "KNA": "KNA",
}  # fmt: skip
# Names that people and other houses bear too: believed in brackets after a place, not as an author.
_BRACKETS_ONLY = frozenset({"PA", "AA", "TT", "CP", "UNI", "AGI", "APA", "SID"})

_ANY = "|".join(re.escape(name) for name in sorted(_SPELLINGS, key=len, reverse=True))
_IN_BRACKETS = (
    rf"[(/\[]\s*(?:[Ww]ith (?:inputs|additional reporting) from\s+)?(?P<name>{_ANY})\s*[)/\]]"
)
# Seen at the start: BAGHDAD (Reuters) - … BEIJING, Sept. 20 (Xinhua) -- … Madrid (EFE).- …
# (ANSA) - ROMA, 20 SET - … MOSCOW, September 20. /TASS/. …
_DATELINE = re.compile(
    rf"(?:[^\W\d_][^()\n]{{1,60}}\s)?{_IN_BRACKETS}(?:\.?\s*(?:[-–—:]|\Z)|(?<=/)\.)"
)
# Seen at the end: … past two decades. (ANI) … (With inputs from PTI) … said. — AFP
_TRAILER = re.compile(
    rf"[.!?…\"”’»]\s*(?:{_IN_BRACKETS}|[-–—]{{1,2}}\s*(?P<dashed>{_ANY}))\s*\.?\s*$", re.MULTILINE
)
_REPORTING_BY = re.compile(
    r"\(?Reporting (?:and writing )?by [^\n]{3,200}(?:;|\.) ?Editing by ", re.IGNORECASE
)
_SPLIT = re.compile(r"\s*(?:[,;/|&]|\band\b|\bund\b|\bet\b|\bwith\b|\bmit\b|\bvia\b|\s[-–—])\s*")
_TAIL = 500  # characters at the end in which a closing credit stands


def agency_credit(text: str, authors: Iterable[str] = ()) -> str | None:
    """Return the agency that ``text`` (plain) or its authors credit, in its usual name, or None.

    A dateline at the start, a credit in brackets or after a dash at the end of one of the last
    lines, Reuters' closing "Reporting by", or an author that is an agency. Credits of photographs
    ("Photo by …/AFP") do not count.
    """
    if found := _DATELINE.match(text[:200].lstrip()):
        return _SPELLINGS[found["name"]]
    tail = text[-_TAIL:]
    if found := _TRAILER.search(tail):
        return _SPELLINGS[found["name"] or found["dashed"]]
    if _REPORTING_BY.search(tail):
        return "Reuters"
    return next((name for author in authors if (name := _as_author(author))), None)


def _as_author(author: str) -> str | None:
    for part in _SPLIT.split(author):
        if part in _SPELLINGS and part not in _BRACKETS_ONLY:
            return _SPELLINGS[part]
    return None
