"""Which news agency does a text credit?"""

import re
from collections.abc import Iterable

from aggregator.text.patterns import late

# How a credit is spelled -> how we call the agency. Short forms count in their own case only:
# "ap" and "efe" are words, and "Ani" is a name.
_SPELLINGS = {
    "Reuters": "Reuters", "REUTERS": "Reuters", "Thomson Reuters": "Reuters",
    "رويترز": "Reuters", "路透社": "Reuters", "路透": "Reuters", "ロイター": "Reuters",
    "Рейтер": "Reuters",
    "AP": "AP", "Associated Press": "AP", "The Associated Press": "AP", "ASSOCIATED PRESS": "AP",
    "AP通信": "AP", "美联社": "AP", "美聯社": "AP", "أ ب": "AP",
    "AFP": "AFP", "Agence France-Presse": "AFP", "Agence France Presse": "AFP",
    "أ ف ب": "AFP", "أ.ف.ب": "AFP", "فرانس برس": "AFP", "法新社": "AFP", "AFP通信": "AFP",
    "ANI": "ANI", "Asian News International": "ANI", "एएनआई": "ANI",
    "PTI": "PTI", "Press Trust of India": "PTI", "भाषा": "PTI", "पीटीआई": "PTI",
    "IANS": "IANS", "Indo-Asian News Service": "IANS", "आईएएनएस": "IANS", "UNI": "UNI",
    "Xinhua": "Xinhua", "XINHUA": "Xinhua", "Xinhua News Agency": "Xinhua", "新华社": "Xinhua",
    "新華社": "Xinhua", "شينخوا": "Xinhua", "Синьхуа": "Xinhua",
    "中新社": "China News Service", "中国新闻社": "China News Service", "中央社": "CNA Taiwan",
    "dpa": "dpa", "DPA": "dpa", "Deutsche Presse-Agentur": "dpa", "dpa-AFX": "dpa",
    "د ب أ": "dpa", "AFX": "dpa",
    "EFE": "EFE", "Agencia EFE": "EFE", "Europa Press": "Europa Press", "Télam": "Télam",
    "TASS": "TASS", "ITAR-TASS": "TASS", "ТАСС": "TASS",
    "RIA Novosti": "RIA Novosti", "РИА Новости": "RIA Novosti",
    "Укринформ": "Ukrinform", "Укрінформ": "Ukrinform", "Ukrinform": "Ukrinform",
    "БЕЛТА": "BelTA", "BelTA": "BelTA",
    "Kyodo": "Kyodo", "KYODO": "Kyodo", "Kyodo News": "Kyodo", "共同": "Kyodo", "共同社": "Kyodo",
    "Jiji": "Jiji", "Jiji Press": "Jiji", "JIJI": "Jiji", "時事": "Jiji", "時事通信": "Jiji",
    "Yonhap": "Yonhap", "YONHAP": "Yonhap", "연합뉴스": "Yonhap", "뉴시스": "Newsis",
    "AAP": "AAP", "Australian Associated Press": "AAP",
    "PA": "PA", "PA Media": "PA", "Press Association": "PA",
    "ANSA": "ANSA", "Adnkronos": "Adnkronos", "AGI": "AGI",
    "Lusa": "Lusa", "LUSA": "Lusa", "Agência Lusa": "Lusa", "Agência Brasil": "Agência Brasil",
    "Interfax": "Interfax", "INTERFAX": "Interfax", "Интерфакс": "Interfax",
    "Bloomberg": "Bloomberg", "BLOOMBERG": "Bloomberg", "Bloomberg News": "Bloomberg",
    "UPI": "UPI", "United Press International": "UPI", "CP": "The Canadian Press",
    "The Canadian Press": "The Canadian Press", "Canadian Press": "The Canadian Press",
    "APA": "APA", "Keystone-SDA": "Keystone-SDA", "SDA": "Keystone-SDA",
    "ANP": "ANP", "Belga": "Belga", "BELGA": "Belga", "TT": "TT",
    "NTB": "NTB", "Ritzau": "Ritzau", "STT": "STT", "PAP": "PAP", "ČTK": "ČTK", "MTI": "MTI",
    "HINA": "Hina", "Hina": "Hina", "Tanjug": "Tanjug", "STA": "STA", "AGERPRES": "Agerpres",
    "Anadolu": "Anadolu", "Anadolu Agency": "Anadolu", "AA": "Anadolu", "DHA": "DHA",
    "İHA": "İHA", "الأناضول": "Anadolu", "IRNA": "IRNA", "ایرنا": "IRNA",
    "WAM": "WAM", "وام": "WAM", "واس": "SPA", "MENA": "MENA", "أ ش أ": "MENA", "KUNA": "KUNA",
    "বাসস": "BSS", "BSS": "BSS", "UNB": "UNB", "APP": "APP",
    "Antara": "Antara", "ANTARA": "Antara", "Bernama": "Bernama", "BERNAMA": "Bernama",
    "TTXVN": "VNA", "VNA": "VNA", "SID": "SID", "epd": "epd", "KNA": "KNA",
}  # fmt: skip
# Names that people and other houses bear too: believed in brackets after a place, not as an author.
_BRACKETS_ONLY = frozenset({
    "PA", "AA", "TT", "CP", "UNI", "AGI", "APA", "SID", "STA", "SPA", "WAM", "MENA", "APP", "AFX",
    "DHA", "BSS", "UNB", "VNA", "Hina", "भाषा", "共同", "時事", "وام", "واس", "路透",
})  # fmt: skip

_ANY = "|".join(re.escape(name) for name in sorted(_SPELLINGS, key=len, reverse=True))
_IN_BRACKETS = (
    rf"[(（/\[【]\s*(?:[Ww]ith (?:inputs|additional reporting) from\s+)?(?P<name>{_ANY})"
    rf"(?:\s?[/,&]\s?[\w-]{{2,20}})*\s*[)）/\]】]"
)
# Seen at the start: BAGHDAD (Reuters) - … BEIJING, Sept. 20 (Xinhua) -- … Madrid (EFE).- …
# (ANSA) - ROMA, 20 SET - … MOSCOW, September 20. /TASS/. … Berlin (dpa/lno) – …
_DATELINE = late(rf"(?:[^\W\d_][^()\n]{{1,110}}\s)?{_IN_BRACKETS}(?:\.?\s*(?:[-–—―:]|\Z)|(?<=/)\.)")
# In East Asia: 新华社北京9月20日电（记者…） 【東京共同】 【ワシントン時事】 【北京=時事】
# （法新社东京20日电） (서울=연합뉴스) (東京中央社)
_DATELINE_EAST = late(
    rf"(?:[（(【]\s?(?:[^\s（）()【】]{{1,12}}[=＝])?(?P<bracketed>{_ANY})(?:[^（）()【】\n]{{0,20}}电)?"
    rf"[）)】]|【[^\s【】]{{2,12}}(?P<joined>共同|時事)】|(?P<wired>{_ANY})[^\n，。]{{2,20}}[电電])"
)
# Seen at the end: … past two decades. (ANI) … (With inputs from PTI) … said. — AFP, … – BERNAMA
_TRAILER = late(
    rf"[.!?…\"”’»。」]\s*(?:{_IN_BRACKETS}|[-–—]{{1,2}}\s*(?P<dashed>{_ANY})(?:\s?[/,]\s?\w+)*)"
    r"\s*\.?\s*$",
    re.MULTILINE,
)
# A last word in capitals: … or ill-treatment of POWs. REUTERS; … parties involved." BLOOMBERG, AFP
_SHOUTED = "|".join(
    re.escape(name)
    for name in _SPELLINGS
    if name.isascii() and name.isupper() and len(name) > 2 and name not in _BRACKETS_ONLY
)
_SIGNED = late(rf"[.!?…\"”’»]\s+(?P<name>{_SHOUTED})(?:\s?[/,&]\s?[A-Z]{{2,}})*\.?\s*\Z")
# Źródło: PAP · Quelle: dpa · Fuente: EFE · 来源：新华社
_SOURCE = late(
    r"(?:^|[.!?…\"”’»。\n]\s*)(?:Sources?|Quellen?|Fuentes?|Fontes?|Font[ei]|Źródł[oa]|Zdroj|Bron|Kaynak"
    rf"|Источник|Джерело|来源|來源|出典|출처|المصدر)\s?[:：]\s?(?P<name>{_ANY})"
    r"(?:\s?[/,&]\s?[\w .-]{2,30})*\s*\.?\s*\Z",
    re.IGNORECASE,
)
_REPORTING_BY = late(
    r"\(?Reporting (?:and writing )?by [^\n]{3,200}(?:;|\.) ?Editing by ", re.IGNORECASE
)
_SPLIT = late(r"\s*(?:[,;/|&]|\band\b|\bund\b|\bet\b|\bwith\b|\bmit\b|\bvia\b|\s[-–—])\s*")
_DESK = late(r"\s+(?:wires?|news|newswire|staff|desk)\Z|[`'’.]+\Z", re.IGNORECASE)
_TAIL = 500  # characters at the end in which a closing credit stands


def agency_credit(text: str, authors: Iterable[str] = ()) -> str | None:
    """Return the agency that ``text`` (plain) or its authors credit, in its usual name, or None.

    A dateline at the start; a credit in brackets, after a dash or in capitals at the end, or a
    source named there; Reuters' closing "Reporting by"; or an author that is an agency. Of several
    the first counts. Credits of photographs ("Photo by …/AFP") do not count.
    """
    head, tail = text[:250].lstrip(), text[-_TAIL:]
    found = (
        _DATELINE.match(head)
        or _DATELINE_EAST.match(head)
        or _TRAILER.search(tail)
        or _SIGNED.search(tail)
        or ((":" in tail or "：" in tail) and _SOURCE.search(tail))
    )
    if found:
        spelled = next(name for name in found.groupdict().values() if name)
        return _NAMES[spelled.casefold()]
    if "editing by" in tail.lower() and _REPORTING_BY.search(tail):
        return "Reuters"
    return next((name for author in authors if (name := _as_author(author))), None)


_NAMES = {spelled.casefold(): name for spelled, name in _SPELLINGS.items()}


def _as_author(author: str) -> str | None:
    for part in _SPLIT.split(author):
        spelled = _DESK.sub("", part)
        if spelled in _SPELLINGS and spelled not in _BRACKETS_ONLY:
            return _SPELLINGS[spelled]
    return None
