import pytest

from aggregator.text.agency import agency_credit
from aggregator.text.teaser import without_tail


@pytest.mark.parametrize(
    ("text", "agency"),
    [
        ("LONDON (Reuters) - It rained.", "Reuters"),
        ("MOSUL, Iraq/BAGHDAD (Reuters) - It rained.", "Reuters"),
        ("BEIJING, Sept. 20 (Xinhua) -- It rained.", "Xinhua"),
        ("ANKARA, Turkey (AP) — It rained.", "AP"),
        ("Berlin (dpa) - Es regnete.", "dpa"),
        ("Madrid (EFE).- Llovió.", "EFE"),
        ("(ANSA) - ROMA, 20 SET - Piove.", "ANSA"),
        ("MOSCOW, September 20. /TASS/. It rained.", "TASS"),
        ("It rained, he said. (ANI)", "ANI"),
        ("It rained, he said. (PTI)\nALSO READ: More rain", "PTI"),
        ("It rained, he said. (With inputs from IANS)", "IANS"),
        ("Il pleut. — AFP", "AFP"),
        ("It rained. (Reporting by A. Person; Editing by B. Person)", "Reuters"),
        ("It rained (Photo by A. Person/Xinhua)", None),
        ("Reuters reported that it rained.", None),
        ("The AP (and others) said: rain.", None),
        ("He hit the tap (ap) - twice.", None),
        ("", None),
    ],
)
def test_a_credit_in_the_text(text: str, agency: str | None) -> None:
    assert agency_credit(text) == agency


@pytest.mark.parametrize(
    ("author", "agency"),
    [
        ("Reuters", "Reuters"),
        ("Associated Press", "AP"),
        ("agence, AFP, figaro.fr", "AFP"),
        ("A. Person, Associated Press", "AP"),
        ("Ani Person", None),
        ("PA", None),
        ("Reuters Person", None),
    ],
)
def test_an_author_that_is_an_agency(author: str, agency: str | None) -> None:
    assert agency_credit("It rained.", [author]) == agency


@pytest.mark.parametrize(
    ("teaser", "left"),
    [
        ("It rained. Read more", "It rained."),
        ("It rained… Continue reading Rain in town →", "It rained…"),
        ("It rained [&hellip;]".replace("&hellip;", "…"), "It rained…"),
        ("It rained [...] The post Rain appeared first on Gazette.", "It rained…"),
        ("Es regnete. Weiterlesen", "Es regnete."),
        ("Il pleut. Lire la suite...", "Il pleut."),
        ("Rain /u/ submitted by /u/someone [link] [comments]", "Rain /u/ submitted by /u/someone"),
        ("Comments", ""),
        ("[…]", ""),
        ("He read more and left", "He read more and left"),
        ("I want to read more books.", "I want to read more books."),
        ("", ""),
    ],
)
def test_the_template_s_tail_goes_and_the_author_s_words_stay(teaser: str, left: str) -> None:
    assert without_tail(teaser) == left
