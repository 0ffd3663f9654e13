"""Safe markup is parsed again, and every element and attribute of it looked at."""

import re
from urllib.parse import urlsplit

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.text.html import (
    first_image,
    from_text,
    is_ornament,
    plain_title,
    read_once,
    reading_minutes,
    sanitise,
    to_text,
)
from aggregator.text.xml import xml_safe

BASE = "https://paper.example/news/"
CANARY = "canary"  # stands wherever a script would run or an address be asked for

ELEMENTS = frozenset({
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup",
    "dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3",
    "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q",
    "rp", "rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "summary", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "u", "ul", "var", "wbr",
})  # fmt: skip
ATTRIBUTES = frozenset({
    "href", "src", "alt", "title", "width", "height", "lang", "dir", "rel", "datetime",
    "start", "reversed", "colspan", "rowspan",
})  # fmt: skip

ATTACKS = {
    "script": "<script>canary()</script>",
    "script in capitals": "<SCRIPT SRC=https://evil.example/canary.js></SCRIPT>",
    "unclosed script": "<script>canary()",
    "script behind a null": "<scr\x00ipt>canary()</script>",
    "event handler": '<img src="/a.png" onerror="canary()">',
    "event handler with a slash": '<img/src="/a.png"/onload="canary()">',
    "handler on a body": '<body onload="canary()">x</body>',
    "handler with backticks": "<img src=`/a` onerror=`canary()`>",
    "javascript link": '<a href="javascript:canary()">x</a>',
    "javascript link in capitals": '<a href="JaVaScRiPt:canary()">x</a>',
    "javascript link with a tab": '<a href="java\tscript:canary()">x</a>',
    "javascript link with an entity": '<a href="java&#x0A;script:canary()">x</a>',
    "javascript link with a control": '<a href="&#1;javascript:canary()">x</a>',
    "javascript link all in entities": '<a href="&#106;avascript&colon;canary()">x</a>',
    "vbscript link": '<a href="vbscript:canary()">x</a>',
    "data link": '<a href="data:text/html,<script>canary()</script>">x</a>',
    "javascript image": '<img src="javascript:canary()">',
    "data image": '<img src="data:image/svg+xml,canary">',
    "dynsrc and lowsrc": '<img dynsrc="javascript:canary()" lowsrc="javascript:canary()">',
    "srcset": '<img src="/a.png" srcset="javascript:canary() 2x">',
    "svg": '<svg><a xlink:href="javascript:canary()"><text>x</text></a></svg>',
    "svg with script": "<svg><script>canary()</script></svg>",
    "svg with onload": '<svg onload="canary()">',
    "svg animate": '<svg><animate onbegin="canary()" attributeName="x"/></svg>',
    "math": '<math><mi xlink:href="javascript:canary()">x</mi></math>',
    "math mixing with style": "<math><mtext><table><mglyph><style><!--</style>"
    '<img title="--&gt;&lt;img src=1 onerror=canary()&gt;">',
    "noscript": '<noscript><p title="</noscript><img src=x onerror=canary()>"></noscript>',
    "template": "<template><script>canary()</script></template>",
    "form": '<form action="javascript:canary()"><input type="submit" value="canary"></form>',
    "button": '<button formaction="javascript:canary()">x</button>',
    "video": '<video src="javascript:canary()" poster="javascript:canary()"></video>',
    "audio": '<audio src="https://evil.example/canary"></audio>',
    "iframe": '<iframe src="javascript:canary()"></iframe>',
    "iframe with srcdoc": '<iframe srcdoc="<script>canary()</script>"></iframe>',
    "object": '<object data="javascript:canary()"></object>',
    "embed": '<embed src="javascript:canary()">',
    "applet": '<applet code="canary">x</applet>',
    "frameset": '<frameset><frame src="javascript:canary()"></frameset>',
    "link": '<link rel="stylesheet" href="https://evil.example/canary.css">',
    "meta": '<meta http-equiv="refresh" content="0;url=javascript:canary()">',
    "base": '<base href="https://evil.example/canary/">',
    "style": "<style>@import 'https://evil.example/canary.css';</style>",
    "style attribute": '<p style="background:url(javascript:canary())">x</p>',
    "table background": '<table background="javascript:canary()"><tr><td background="canary">',
    "comment": "<!-- canary --><!--[if IE]><script>canary()</script><![endif]-->",
    "cdata": "<![CDATA[canary]]>",
    "processing instruction": "<?canary canary()?>",
    "textarea": "<textarea><script>canary()</script></textarea>",
    "title": "<title><script>canary()</script></title>",
    "select": "<select><option>canary</option></select>",
    "id and name": '<a id="canary" name="canary">x</a>',
    "class": '<p class="canary">x</p>',
    "ping": '<a href="/x" ping="https://evil.example/canary">x</a>',
    "mailto": '<a href="mailto:canary@evil.example">x</a>',
    "cite": '<blockquote cite="javascript:canary()">x</blockquote>',
    "xml stylesheet": '<xml:namespace prefix="t"><t:set attributeName="innerHTML" to="canary">',
}


def test_there_are_enough_kinds_of_attack() -> None:
    assert len(ATTACKS) >= 50


@pytest.mark.conforms("D26", "D31")
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_nothing_of_an_attack_survives(attack: str) -> None:
    safe = sanitise(f"<p>before</p>{attack}<p>after</p>", BASE)
    assert CANARY not in safe
    assert "before" in safe
    check_elements(safe)


def check_elements(safe: str) -> None:
    if not safe.strip():
        return
    for element in lxml.html.fragment_fromstring(safe, create_parent="div").iter():
        assert element.tag in ELEMENTS
        assert set(element.attrib) <= ATTRIBUTES
        for name in ("href", "src", "cite"):
            address = element.get(name)
            assert address is None or urlsplit(address).scheme in ("http", "https")


PIECES = [*"<>/=\"'&;#x! -abinoprstcjv:\t\n\x00\ud800é", "<script", "<img src=", "<a href=", "</p>"]


@settings(deadline=None)
@given(st.text(alphabet=" \n\t\r\x1c\xa0\u2028ab", max_size=20))
def test_white_space_is_folded_and_no_two_lines_break_in_a_row(text: str) -> None:
    lines = re.sub(r"\s*\n\s*", "\n", re.sub(r"[^\S\n]+", " ", xml_safe(text))).strip()
    assert to_text(text) == lines


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_no_markup_survives_but_ours_and_a_second_pass_changes_nothing(markup: str) -> None:
    safe = sanitise(markup, BASE)
    check_elements(safe)
    assert sanitise(safe, BASE) == safe
    text = to_text(markup)
    assert (safe + text).encode().decode() == safe + text


TAGS = [
    "<p>", "</p>", '<section lang="de">', "</section>", "<article>", "</ARTICLE>", "<aside/>",
    "<table>", "<td>", "</table>", "<br>", "<br></br>", "<hr/>", "<pre>", "\n",
    "</pre>", "<ul><li>", "</ul>", '<a href="/x" title="a > b">',
    "<a title='<section \"'>", "</a>", "<IMG>", "<video>",
    '<a title="<section x" href="y>">', '<img src="/a.png" alt="<p>">', "</video>", "<script>",
    '<img src="/b.gif" width="1">', "</script>", "<svg><title>", "</svg>", "<details><summary>",
    "<h1>", "<div>", "</div>", "&lt;p&gt;", "&amp;lt;", "&nbsp;", "&#10;", "&#1077;", "&#x0a;",
    "&#13", "&NewLine;", "\r\n", "\x1f", "\u2028", "  ", " a ", "b", "<!-- p -->", "<", ">",
]  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from([*TAGS, *PIECES]), max_size=40).map("".join))
def test_to_read_once_gives_what_reading_twice_gives(markup: str) -> None:
    assert read_once(markup, BASE) == (to_text(markup), sanitise(markup, BASE))


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_nothing_of_an_attack_survives_being_read_once(attack: str) -> None:
    markup = f'<section title="{attack}"><p>before</p>{attack}</section><p>after</p>'
    assert read_once(markup, BASE) == (to_text(markup), sanitise(markup, BASE))


@pytest.mark.conforms("D32")
@pytest.mark.parametrize(
    ("markup", "safe"),
    [
        ("plain words", "plain words"),
        ("", ""),
        ("a < b &amp; c", "a &lt; b &amp; c"),
        (
            '<a href="/?a=1&amp;b=2" target="_blank">x</a>',
            '<a href="https://paper.example/?a=1&amp;b=2" rel="noopener noreferrer nofollow">x</a>',
        ),
        ('<img src="a.png" alt="A">', '<img src="https://paper.example/news/a.png" alt="A">'),
        ("a<br></br>b<hr></hr>", "a<br>b<hr>"),
        ("<article><h2>Head</h2><p>Body</article>", "<h2>Head</h2><p>Body</p>"),
        ('x<img src="https://c.example/p.gif" width="1" height="1">', "x"),
        ('x<img src="https://feeds.feedburner.com/~r/a/~4/b">', "x"),
        ("x<img alt=y>", "x"),
        ("tab\x0b and \x00null", "tab and null"),
    ],
)
def test_honest_markup_stays(markup: str, safe: str) -> None:
    assert sanitise(markup, BASE) == safe


def test_without_a_base_relative_links_are_dropped_and_others_stay() -> None:
    markup = '<a href="/x">x</a><img src="https://paper.example/a.png">'
    safe = sanitise(markup, "not an address")
    assert "href" not in safe
    assert "https://paper.example/a.png" in safe


def test_a_tag_that_hides_a_tag_is_words() -> None:
    safe = sanitise("<scr<script>ipt>canary()</scr</script>ipt>", BASE)
    assert "<" not in safe


def test_a_tower_of_elements_becomes_its_words() -> None:
    assert sanitise("<div>" * 20_000 + "words", BASE) == "words"
    assert to_text("<b><i>" * 20_000 + "words") == "words"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p>\n\n<p>Two<br>three</p>", "One\nTwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("Fish &amp; chips &mdash; &#8364;5", "Fish & chips — €5"),
        ("one\n two\t <b>th</b>ree", "one two three"),
        ("<script>x</script><style>y</style>z", "z"),
        ("&lt;b&gt;", "<b>"),
        ('<a title="a > b">x</a>', "x"),
        ("no markup\nat all", "no markup\nat all"),
    ],
)
def test_text_of_markup(markup: str, text: str) -> None:
    assert to_text(markup) == text


@pytest.mark.parametrize(
    ("raw", "is_html", "title"),
    [
        ("Fish &amp; <b>chips</b>", True, "Fish & chips"),
        ("If a < b", False, "If a < b"),
        ("It&#8217;s &amp;#8217;", False, "It’s &#8217;"),
        ("two\nlines\u2028three", False, "two lines three"),
        ("<script>x</script>", False, "<script>x</script>"),
        ("AT&T", False, "AT&T"),
        ("A&B; C", False, "A&B; C"),
    ],
)
def test_a_title_is_one_line_of_plain_text(raw: str, is_html: bool, title: str) -> None:
    assert plain_title(raw, is_html=is_html) == title


def test_plain_text_becomes_paragraphs() -> None:
    assert from_text("a < b") == "a &lt; b"
    assert from_text("one\ntwo\n\n\nthree") == "<p>one<br>two</p><p>three</p>"
    assert from_text("  ") == ""


def test_the_first_picture_worth_showing() -> None:
    markup = (
        '<img src="https://c.example/pixel?1"><img src="/s.gif" width="1" height="1">'
        "<img src='https://secure.gravatar.com/avatar/1'><img alt=x>"
        '<img alt="boat" src="boat.jpg?a=1&amp;b=2"><img src="/later.jpg">'
    )
    assert first_image(markup, BASE) == "https://paper.example/news/boat.jpg?a=1&b=2"
    assert first_image("<p>none</p>", BASE) is None
    assert is_ornament("https://static.addtoany.com/buttons/share_save_120_16.gif")


def test_minutes_to_read() -> None:
    assert reading_minutes("") == 0
    assert reading_minutes("word " * 200) == 1
    assert reading_minutes("word " * 231) == 2
    assert reading_minutes("字" * 900) == 2
