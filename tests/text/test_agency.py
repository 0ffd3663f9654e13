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
        ("NEW YORK, May 21 (Reuters) ― It rained.", "Reuters"),
        (
            "By A. Person, B. Person PORT MAREN/LAKE ORRIN/LOWER QUELL (Reuters) - Rain.",
            "Reuters",
        ),
        ("Berlin (dpa/lno) - Es regnete.", "dpa"),
        ("新华社北京9月20日电（记者张三）今天下雨。", "Xinhua"),
        ("（法新社东京20日电）今天下雨。", "AFP"),
        ("【東京共同】雨が降った。", "Kyodo"),
        ("【北京=時事】雨が降った。", "Jiji"),
        ("(서울=연합뉴스) 비가 왔다.", "Yonhap"),
        ("قال إنها أمطرت. (رويترز)", "Reuters"),
        ("बारिश हुई। (भाषा)", "PTI"),
        ("It rained in some cases. REUTERS", "Reuters"),
        ('… for all parties." BLOOMBERG, AFP', "Bloomberg"),
        ("Hujan turun. – BERNAMA", "Bernama"),
        ("Hujan turun. – AFP/AGENSI", "AFP"),
        ("Padało. Źródło: PAP", "PAP"),
        ("Es regnete. Quelle: dpa", "dpa"),
        ("下雨了。来源：新华社", "Xinhua"),
        ("法新社报道，今天下雨。", None),
        ("She works for the AP.", None),
        ("The source: Reuters said", None),
        ("It rained. (The Canadian Press/A. Person)", None),
        ("It rained. (A. Person/AFP via Getty Images)", None),
        ("It rained. (A. Person/AP)", None),
        ("It rained. (AP Photo/A. Person)", None),
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
        ("A. PERSON and B. PERSON, AP NEWS", "AP"),
        ("A. Person, AP Wire", "AP"),
        ("Canadian Press", "The Canadian Press"),
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
