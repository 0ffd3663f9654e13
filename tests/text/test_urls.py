import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.text.sites import DEVICES, AddressRules, SiteRules
from aggregator.text.tracking import TRACKING
from aggregator.text.urls import (
    MAX_URL,
    absolute,
    canonical,
    place_on_page,
    redacted,
    registrable_domain,
    split_credentials,
)

BASE = "https://paper.example/feeds/news.xml"

NASTY = st.text(alphabet=string.printable + "éя中\u200b\u202e\ud800", max_size=60)
URLS = st.builds(
    "{}://{}{}{}{}{}".format,
    st.sampled_from(["http", "https", "HTTP"]),
    st.sampled_from(["", "u:p@"]),
    st.sampled_from(
        ["www.paper.example", "M.Paper.example.", "m.com", "[::1]", "10.0.0.1", "пример.рф",
         "www.google.com", "x-y.cdn.ampproject.org"]
    ),
    st.sampled_from(["", ":80", ":443", ":8080", ":x"]),
    st.text(alphabet="/amp.htmlc%2Fé sb", max_size=20).map(lambda path: "/" + path),
    st.text(alphabet="?&=#amp;utm_ref=rssurlhttp:/q%41é", max_size=40),
)  # fmt: skip


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("/a", "https://paper.example/a"),
        ("a?b=1", "https://paper.example/feeds/a?b=1"),
        ("  //cdn.example/x\n", "https://cdn.example/x"),
        ("ht\ntps://paper.example/\ta b", "https://paper.example/a%20b"),
        ("https://paper.example/ü", "https://paper.example/ü"),
        ("http:///paper.example/a", "http://paper.example/a"),
        ('/a"<b>', "https://paper.example/a%22%3Cb%3E"),
        ("", None),
        ("javascript:alert(1)", None),
        ("java\tscript:alert(1)", None),
        ("\x01javascript:alert(1)", None),
        ("JAVASCRIPT:alert(1)", None),
        ("data:text/html,x", None),
        ("vbscript:x", None),
        ("file:///etc/passwd", None),
        ("mailto:desk@paper.example", None),
        ("ftp://paper.example/a", None),
        ("https://", None),
        ("https://paper.example:port/", None),
        ("https://[bad/", None),
        ("https://paper.example/" + "a" * MAX_URL, None),
    ],
)
def test_an_address_is_absolute_and_http_or_nothing(ref: str, expected: str | None) -> None:
    assert absolute(ref, BASE) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://www.paper.example/a/", "https://paper.example/a"),
        ("https://m.paper.example/a", "https://amp.paper.example/a"),
        ("https://PAPER.example.:443/a", "http://paper.example:80/a"),
        ("https://paper.example/a#top", "https://paper.example/a"),
        ("https://paper.example/a/amp/", "https://paper.example/a"),
        ("https://paper.example/amp/a", "https://paper.example/a"),
        ("https://paper.example/a.amp.html", "https://paper.example/a.html"),
        ("https://paper.example/a?outputType=amp", "https://paper.example/a"),
        ("https://paper.example/a?amp", "https://paper.example/a"),
        ("https://paper.example/a?", "https://paper.example/a"),
        ("https://paper.example/%7Ea/%c3%a9", "https://paper.example/~a/é"),
        ("https://paper.example/a?UTM_Source=x&id=1&fbclid=y", "https://paper.example/a?id=1"),
        ("https://paper.example/a?id=1&amp;ref=rss", "https://paper.example/a?id=1"),
        ("https://paper.example/a?xtor=RSS-3208", "https://paper.example/a"),
        ("https://paper.example/a?source=rss-b4981c------2", "https://paper.example/a"),
        ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
        (
            "https://www.google.com/url?rct=j&url=https://paper.example/a/",
            "https://paper.example/a",
        ),
        ("https://www.google.com/amp/s/www.paper.example/a", "https://paper.example/a"),
        ("https://paper-example.cdn.ampproject.org/c/s/paper.example/a", "https://paper.example/a"),
    ],
)
def test_one_article_has_one_address(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "https://paper.example/article.cfm?objectid=1",
            "https://paper.example/article.cfm?objectid=2",
        ),
        ("https://paper.example/?p=1", "https://paper.example/?p=2"),
        ("https://paper.example/a?a=1&b=2", "https://paper.example/a?b=2&a=1"),
        ("https://paper.example/a?ref=main", "https://paper.example/a?ref=next"),
        ("https://paper.example/a?source=wire", "https://paper.example/a?source=desk"),
        ("https://paper.example/A", "https://paper.example/a"),
        ("https://paper.example:8080/", "https://paper.example/"),
        ("https://paper.example/#!/a", "https://paper.example/#!/b"),
        ("https://m.com/", "https://com/"),
        ("https://news.paper.example/", "https://paper.example/"),
        ("https://paper.example/a%2Fb", "https://paper.example/a/b"),
    ],
)
def test_two_articles_keep_two_addresses(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.conforms("D39")
@settings(deadline=None)
@given(st.one_of(URLS, NASTY))
@example("https://paper.example/amp/amp/a/amp//")
@example("https://paper.example/?utm_a=1&&ref=rss&amp;amp;ref=rss")
@example("https://www.google.com/url?url=https://www.google.com/url?url=https://m.com/a/")
def test_the_canonical_form_of_a_canonical_form_is_itself(url: str) -> None:
    once = canonical(url)
    assert canonical(once) == once


@settings(deadline=None)
@given(NASTY)
def test_no_text_makes_an_unsafe_address(ref: str) -> None:
    found = absolute(ref, BASE)
    assert found is None or found.startswith(("http://", "https://"))
    assert found is None or absolute(found, BASE) == found
    assert found is None or found.encode()


def test_a_table_of_tracking_names_of_ones_own_replaces_ours() -> None:
    url = "https://paper.example/a?utm_source=x&from=here"
    ours = AddressRules(tracking=frozenset({"from"}))
    assert canonical(url, ours) == "https://paper.example/a?utm_source=x"
    assert canonical(url, AddressRules(tracking=TRACKING | {"from=he*"})) == (
        "https://paper.example/a"
    )


SITES = AddressRules(
    devices=(*DEVICES, "touch."),
    sites=(
        ("paper.example", SiteRules(identity=("id",), tracking=frozenset({"from"}))),
        ("sport.paper.example", SiteRules(keep=frozenset({"utm_id"}))),
        ("old.example", SiteRules(host="new.example")),
        ("new.example", SiteRules(identity=("a", "b"))),
    ),
)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://paper.example/x/a?c=1&id=7", "https://www.paper.example/y/a?id=7&c=2", True),
        ("https://paper.example/x/a?id=7", "https://paper.example/x/a?id=8", False),
        ("https://paper.example/x?id=", "https://paper.example/y?id=", False),
        ("https://paper.example/x?from=here", "https://paper.example/x", True),
        ("https://sport.paper.example/x?from=here", "https://sport.paper.example/x", False),
        ("https://sport.paper.example/x?utm_id=1", "https://sport.paper.example/x?utm_id=2", False),
        ("https://touch.paper.example/x", "https://paper.example/x", True),
        ("https://m.old.example/x?b=2&a=1", "https://new.example/y?a=1&b=2&c=3", True),
        ("https://older.example/x", "https://new.example/x", False),
        ("https://new.example/x?a=1", "https://new.example/y?a=1", False),
    ],
)
def test_a_site_may_have_rules_of_its_own(one: str, other: str, *, same: bool) -> None:
    assert (canonical(one, SITES) == canonical(other, SITES)) is same


@settings(deadline=None)
@given(st.one_of(URLS, NASTY), st.sampled_from(["paper.example", "m.com", "xn--e1afmkfd.xn--p1ai"]))
def test_with_rules_of_ones_own_the_canonical_form_is_its_own_too(url: str, host: str) -> None:
    rules = AddressRules(
        tracking=frozenset({"utm_*"}),
        sites=((host, SiteRules(identity=("q",), host="paper.example")),),
    )
    once = canonical(url, rules)
    assert canonical(once, rules) == once


@pytest.mark.conforms("D39")
def test_a_fragment_is_a_place_unless_it_tells_how_the_reader_came() -> None:
    assert place_on_page("https://paper.example/live#post-7") == "#post-7"
    for url in ("https://paper.example/a", "https://paper.example/#!/a"):
        assert place_on_page(url) == ""
    assert place_on_page("https://paper.example/a#xtor=RSS-3208") == ""


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.bbc.co.uk/news", "bbc.co.uk"),
        ("news.bbc.co.uk", "bbc.co.uk"),
        ("https://desk.github.io/feed", "desk.github.io"),
        ("http://127.0.0.1:8000/a", "127.0.0.1"),
        ("http://[::1]:8000/a", "::1"),
        ("http://localhost:8000/", "localhost"),
        ("https://co.uk/", "co.uk"),
        ("https://paper.example./", "paper.example"),
        ("", ""),
        ("http://[bad/", ""),
    ],
)
def test_the_part_of_a_host_that_somebody_registers(url: str, domain: str) -> None:
    assert registrable_domain(url) == domain


def test_user_and_password_are_taken_out_of_an_address() -> None:
    url = "https://user%40desk:p%3Aw@paper.example:8443/a?b=1"
    assert split_credentials(url) == ("https://paper.example:8443/a?b=1", ("user@desk", "p:w"))
    assert split_credentials("https://token@paper.example/") == (
        "https://paper.example/",
        ("token", ""),
    )
    assert split_credentials("https://paper.example/@a") == ("https://paper.example/@a", None)
    assert split_credentials("https://[bad/") == ("https://[bad/", None)


@pytest.mark.parametrize(
    "url",
    [
        "https://desk:s3cret@paper.example/feed",
        "https://paper.example/feed?api_key=s3cret&page=2",
        "https://paper.example/feed?a=1&token=s3cret",
        "https://paper.example/feed?Access_Token=s3cret",
    ],
)
def test_a_log_shows_no_secret_of_an_address(url: str) -> None:
    assert "s3cret" not in redacted(url)
    assert "paper.example/feed" in redacted(url)


def test_a_log_shows_no_line_break_of_an_address() -> None:
    assert redacted("https://paper.example/a\r\nvisited") == "https://paper.example/avisited"
