import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.text.boilerplate import strip, unquoted

REPORT = "The ferry ran aground off Port Maren on Tuesday with 212 people on board."


@pytest.mark.parametrize(
    "furniture",
    [
        "ALSO READ: Another ferry in trouble",
        "Read also: Another ferry in trouble",
        "Lesen Sie auch: Noch eine Fähre in Not",
        "À lire aussi : un autre bac en difficulté",
        "Lea también: otro ferry en apuros",
        "Leia também: outra balsa em apuros",
        "Leggi anche: un altro traghetto in difficoltà",
        "Читайте также: ещё один паром",
        "Czytaj też: kolejny prom w opałach",
        "延伸阅读：另一艘渡轮",
        "Continue reading...",
        "Weiterlesen",
        "Lire la suite",
        "First published on Monday, 3 May.",
        "This story has been published from a wire agency feed without modifications to the text.",
        "Reporting by Jane Roe; editing by John Doe",
        "Copyright 2026 Meridian News Agency. All rights reserved.",
        "The post Ferry runs aground appeared first on Harbour Gazette.",
        "Der Beitrag Fähre auf Grund erschien zuerst auf Hafenblatt.",
        "L’article Un bac s’échoue est apparu en premier sur La Jetée.",
        "La entrada Un ferry encalla se publicó primero en El Muelle.",
        "Sign up for our newsletter and never miss a story.",
        "Photo: Harbour Gazette",
        "(With inputs from agencies)",
        "3 mins read",
        "…reports Asian Lite News",
        "By Jane Roe",
    ],
)
def test_what_a_publisher_adds_below_a_report_is_not_the_report(furniture: str) -> None:
    assert strip(f"{REPORT}\n{furniture}") == REPORT


@pytest.mark.parametrize(
    "dateline",
    [
        "PORT MAREN, Sept 20 (ANI) - ",
        "PORT MAREN (Reuters) — ",
        "PORT MAREN: ",
        "PORT MAREN, Ardland - ",
        "(AP) — ",
        "By RNZ ",
        "【新港20日电】",
        "新华社新港9月20日电（记者李明）",
    ],
)
def test_where_and_from_whom_it_came_is_not_the_report(dateline: str) -> None:
    assert strip(dateline + REPORT) == REPORT


def test_a_signature_after_dots_is_cut_within_the_text() -> None:
    assert strip(f"{REPORT[:-1]}….reports Asian Lite News\nThe end.") == f"{REPORT[:-1]} \nThe end."


def test_the_chrome_of_a_page_and_all_below_it_is_dropped() -> None:
    page = f"{REPORT}\nPrevious Story\n{REPORT.upper()}\nDon't Miss\nSomething else"
    assert strip(page) == REPORT


def test_a_caption_goes_with_its_credit_and_the_sentence_before_stays() -> None:
    caption = "A ferry in the harbour of Port Maren on May 13. (Jane Roe/Illustration/Reuters)"
    assert strip(f"{REPORT} {caption} Nobody was hurt.").split() == (
        f"{REPORT} Nobody was hurt.".split()
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "Readers of the report will find the headline inflation rate at 3.1 percent.",
        "The headline rate rose.",
        "He asked them to subscribe for new shares.",
        "The report was the third in a week.",
        "Watch dogs of the authority will look into it.",
        "The company is related to the group.",
        "In Berlin (which has two) it failed.",
    ],
)
def test_sentences_that_only_look_like_furniture_stay(sentence: str) -> None:
    assert strip(sentence) == sentence


@given(st.text(alphabet=st.sampled_from("ab .:()“”\n-…AP\"'»"), max_size=120))
@settings(deadline=None)
def test_stripping_never_adds(text: str) -> None:
    assert len(strip(text)) <= len(text)


@pytest.mark.parametrize(
    "quoted",
    [
        "“we kept our promise”",
        '"we kept our promise"',
        "„wir haben Wort gehalten“",
        "«nous avons tenu parole»",
        "「我们遵守了诺言没有食言」",
        "‘we kept our promise’",
    ],
)
def test_what_was_said_is_cut_from_what_was_written(quoted: str) -> None:
    assert unquoted(f"She said: {quoted} and left.").split() == ["She", "said:", "and", "left."]


def test_an_apostrophe_opens_no_quotation() -> None:
    text = "The minister's plan and the workers' answer don't differ."
    assert unquoted(text) == text


def test_a_title_in_quotation_marks_is_no_speech() -> None:
    assert unquoted("He read “Emma” twice.") == "He read “Emma” twice."
