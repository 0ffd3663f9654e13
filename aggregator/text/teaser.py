"""Which words of a teaser are the template's and not the author's?"""

import re

# Tails that feed templates append, at the very end, in the languages of the feeds we have seen:
# behind the end of a sentence, or with a capital. "He read more and left" is nobody's template.
_TAILS = re.compile(
    r"(?:^|(?<=[.…!?»”\"\])])\s*|\s(?-i:(?=[\[A-ZÀ-ÞА-Я])))(?:"
    r"\[?(?:continue reading|read (?:the )?(?:more|full story|full article|rest|entire article)|"
    r"click here to (?:read|continue)|more (?:»|→|…)|weiterlesen|mehr lesen|mehr dazu|"
    r"lire la suite|lire plus|leer más|seguir leyendo|leia mais|continue lendo|leggi tutto|"
    r"continua a leggere|lees (?:meer|verder)|läs mer|les mer|læs mere|lue lisää|"
    r"czytaj (?:więcej|dalej)|читать (?:далее|дальше)|devamını oku|baca selengkapnya|"
    r"続きを読む|阅读全文|繼續閱讀)"
    r"[^.!?]{0,80}[.!?…]{0,3}"
    r"|the post .{1,300} (?:first )?appeared (?:first )?on .{1,100}"
    r"|l[’']article .{1,300} est apparu en premier sur .{1,100}"
    r"|der beitrag .{1,300} erschien zuerst auf .{1,100}"
    r"|submitted by /u/\S+(?: to r/\S+)?(?: \[link\])?(?: \[comments\])?"
    r"|\[link\] ?\[comments\]"
    r"|also read:? .{0,200}"
    r")\s*$",
    re.IGNORECASE,
)
_LONELY = frozenset({"comments", "comment", "read more", "link", "null", "none", "n/a", "-", "."})
# "[…]", "[&#8230;]", "[...]" stand where the template cut.
_CUT = re.compile(r"\s*(?:\[\s*(?:…|\.{2,4})\s*\]|\(\s*(?:…|\.{3})\s*\))\s*(?:»|→)?\s*$")
_TAIL_LENGTH = 600  # characters at the end that are looked at


def without_tail(teaser: str) -> str:
    """Return a one-paragraph ``teaser`` without "Read more", "The post … appeared first on …".

    A mark that the text was cut ("[…]") becomes an ellipsis. '' when nothing else was there.
    """
    text = teaser.strip()
    for _ in range(3):  # "… […] Continue reading → The post … appeared first on …"
        shorter = _shorter(text)
        if shorter == text:
            break
        text = shorter
    return "" if text.lower() in _LONELY else text


def _shorter(text: str) -> str:
    start = max(0, len(text) - _TAIL_LENGTH)
    head, tail = text[:start], text[start:]
    if found := _TAILS.search(tail):
        return (head + tail[: found.start()]).rstrip(" »→|-–—")
    cut = _CUT.sub("…", tail)
    return head + (cut.lstrip("…") if cut == "…" else cut)
