import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.text.xml import clip, one_line, xml_safe

ANY = st.text(alphabet=st.characters(exclude_categories=()), max_size=40)


# XML 1.0 section 2.2, production [2], and what `str.split` takes for white space.
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def test_no_character_that_is_printable_is_forbidden() -> None:
    for number in range(0x110000):
        character = chr(number)
        assert xml_safe(character) == FORBIDDEN.sub("", character)
        assert re.sub(r"\s", "", character) == "".join(character.split())


@settings(deadline=None)
@given(ANY)
def test_what_is_left_is_well_formed_xml(text: str) -> None:
    safe = xml_safe(text)
    escaped = safe.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#13;")
    escaped = escaped.replace(">", "&gt;")
    assert (ET.fromstring(f"<t>{escaped}</t>").text or "") == safe
    assert xml_safe(safe) == safe


@settings(deadline=None)
@given(ANY)
def test_a_line_is_one_line_and_stays_as_it_is(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert one_line(line) == line
    assert line == line.strip()


@pytest.mark.conforms("D34")
def test_a_line_hides_and_forges_nothing() -> None:
    assert one_line("ok\r\nvisited feed=x") == "ok visited feed=x"
    assert one_line("\x1b[2J\x07bell\x9b") == "[2Jbell"
    assert one_line("safe\u202egnp.exe\u2066\u200b\ufeff") == "safegnp.exe"
    assert one_line("a\u200db") == "ab"
    assert one_line("x\ud800y\x00") == "xy"


def test_joiners_that_spell_words_stay() -> None:
    assert one_line("می\u200cخواهم") == "می\u200cخواهم"
    assert one_line("👩\u200d🔬") == "👩\u200d🔬"


def test_a_clip_ends_at_a_word() -> None:
    assert clip("one two three", 13) == "one two three"
    assert clip("one two three", 11) == "one two…"
    assert clip("x" * 30, 10) == "x" * 9 + "…"
    assert len(clip("字" * 900, 600)) == 600
