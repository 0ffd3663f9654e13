"""What ops asked for, from whole files."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from pydantic import ValidationError
from rich.pretty import pretty_repr
from ruamel.yaml.nodes import Node

from aggregator.items.apart import NeverFold
from aggregator.model.editions import Filter, Kind
from aggregator.model.errors import SettingsError
from aggregator.settings import ServiceSettings, Settings, load
from aggregator.settings.nodes import Walk, _carefully, _quickly
from aggregator.stories.ranking import DEFAULT
from aggregator.text.sites import USUAL_ADDRESSES
from aggregator.text.urls import canonical

ROOT = Path(__file__).resolve().parents[2]
ONE_FEED = "feeds:\n  - url: https://example.org/feed.xml\n"


def given(folder: Path, environ: Mapping[str, str] | None = None, /, **files: str) -> Settings:
    """Load ``feeds``, ``service``, ``topics`` and ``outputs`` as written."""
    config = folder / "config"
    config.mkdir(exist_ok=True)
    (folder / "feeds.yaml").write_text(files.pop("feeds", ONE_FEED), encoding="utf-8")
    for name, text in files.items():
        (config / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load(feeds=folder / "feeds.yaml", config=config, environ=environ or {})


def test_the_shipped_files_say_exactly_what_holds_without_them(tmp_path: Path) -> None:
    shipped = load(feeds=ROOT / "feeds.yaml", config=ROOT / "config", environ={})
    bare = load(feeds=ROOT / "feeds.yaml", config=tmp_path / "none", environ={})
    assert shipped == bare


def test_the_shipped_feeds_cover_every_topic_and_several_languages() -> None:
    shipped = load(feeds=ROOT / "feeds.yaml", config=ROOT / "config", environ={})
    assert 35 <= len(shipped.feeds) <= 50
    assert all(feed.title and feed.owner and feed.language for feed in shipped.feeds)
    assert {topic for feed in shipped.feeds for topic in feed.topics} == {
        topic.slug for topic in shipped.topics
    }
    languages = {(feed.language or "").split("-")[0] for feed in shipped.feeds}
    assert {"en", "fr", "de", "es", "pt"} <= languages


def test_a_feed_says_everything_it_can(tmp_path: Path) -> None:
    settings = given(
        tmp_path,
        {"TOKEN": "s3cret"},
        feeds="""\
feeds:
  - url: https://user:p%40ss@News.example.co.uk:443/feed.xml#top
    id: example
    title: 2024
    topics: [world, science, world]
    owner: Example.ORG
    weight: 2
    every: 2h
    language: pt-br
    headers: {Authorization: "Bearer ${TOKEN}", X-Price: $$5}
    enabled: no
""",
    )
    (feed,) = settings.feeds
    assert feed.id == "example"
    assert feed.url == "https://News.example.co.uk:443/feed.xml"
    assert feed.credentials == ("user", "p@ss")
    assert feed.title == "2024"
    assert feed.topics == ("world", "science")
    assert feed.owner == "example.org"
    assert feed.weight == 2.0
    assert feed.every == timedelta(hours=2)
    assert feed.language == "pt-BR"
    assert feed.headers == (("Authorization", "Bearer s3cret"), ("X-Price", "$5"))
    assert not feed.enabled


def test_a_bare_address_is_a_feed_and_so_is_a_bare_list(tmp_path: Path) -> None:
    settings = given(tmp_path, feeds="- https://www.bbc.co.uk/news/rss.xml\n")
    (feed,) = settings.feeds
    assert feed.id == "bbc-co-uk-news-rss-xml"
    assert feed.owner == "bbc.co.uk"
    assert feed.topics == ()
    assert feed.enabled


def test_one_topic_needs_no_list_and_nothing_is_as_good_as_absent(tmp_path: Path) -> None:
    settings = given(
        tmp_path,
        feeds="- url: https://example.org/a\n  topics: world\n  title:\n  every: ~\n",
        service="limits:\n",
    )
    (feed,) = settings.feeds
    assert feed.topics == ("world",)
    assert (feed.title, feed.every) == (None, None)
    assert settings.service == ServiceSettings()


def test_an_alias_repeats_a_value(tmp_path: Path) -> None:
    text = """\
feeds:
  - url: https://example.org/a
    headers: &key {X-Key: abc}
  - url: https://example.org/b
    headers: *key
"""
    first, second = given(tmp_path, feeds=text).feeds
    assert first.headers == second.headers == (("X-Key", "abc"),)


def test_a_file_from_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "feeds.yaml").write_bytes(b"\xef\xbb\xbf" + ONE_FEED.replace("\n", "\r\n").encode())
    settings = load(feeds=tmp_path / "feeds.yaml", config=tmp_path, environ={})
    assert settings.feeds[0].url == "https://example.org/feed.xml"


def test_a_file_of_comments_only_asks_for_nothing(tmp_path: Path) -> None:
    plain = given(tmp_path)
    comments = dict.fromkeys(("service", "topics", "outputs"), "# later\n")
    assert given(tmp_path, **comments) == plain


def test_durations_and_sizes_are_read_in_every_unit(tmp_path: Path) -> None:
    service = """\
politeness: {spacing: 90s}
polling: {default_every: 30m, max_every: 2h}
retention: {items: 30d}
limits: {body_bytes: 2MB, parse_memory: 1 GB}
reach: {allow_private: [10.0.0.0/8, "::1"], allow_ports: 8080}
"""
    found = given(tmp_path, service=service).service
    assert found.politeness.spacing == timedelta(seconds=90)
    assert found.polling.default_every == timedelta(minutes=30)
    assert found.polling.max_every == timedelta(hours=2)
    assert found.retention.items == timedelta(days=30)
    assert (found.limits.body_bytes, found.limits.parse_memory) == (2_000_000, 1_000_000_000)
    assert found.reach.allow_private == ("10.0.0.0/8", "::1/128")
    assert found.reach.allow_ports == (8080,)
    assert found.polling.floor == ServiceSettings().polling.floor


def test_the_base_address_follows_the_port_unless_given(tmp_path: Path) -> None:
    assert given(tmp_path, service="listen: {port: 9000}").site.base_url == "http://localhost:9000"
    service = "site: {base_url: https://news.example.org/, contact: ops@example.org}"
    site = given(tmp_path, service=service).site
    assert site.base_url == "https://news.example.org"
    assert site.contact == "ops@example.org"


def test_a_container_says_where_to_listen_without_a_file(tmp_path: Path) -> None:
    environ = {
        "AGGREGATOR_HOST": "0.0.0.0",
        "AGGREGATOR_PORT": "9090",
        "AGGREGATOR_BASE_URL": "https://wire.example.org",
        "AGGREGATOR_STORAGE": "sqlite:////data/wire.sqlite3",
    }
    settings = given(tmp_path, environ, service="listen: {host: 127.0.0.1, port: 1}")
    assert (settings.service.listen.host, settings.service.listen.port) == ("0.0.0.0", 9090)
    assert settings.site.base_url == "https://wire.example.org"
    assert settings.service.storage == "sqlite:////data/wire.sqlite3"


def test_a_wrong_override_is_blamed_on_the_environment(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        given(tmp_path, {"AGGREGATOR_PORT": "http-s3cret"})
    (fault,) = caught.value.faults
    assert fault.startswith(
        'environment: AGGREGATOR_PORT: listen.port: "${AGGREGATOR_PORT}" is not'
    )


def test_the_outputs_are_two_and_two_per_topic(tmp_path: Path) -> None:
    outputs = given(tmp_path, topics="topics: [{slug: arts}]").outputs
    assert [spec.name for spec in outputs] == [
        "latest",
        "top",
        "topics/arts/latest",
        "topics/arts/top",
    ]
    assert [spec.title for spec in outputs] == [
        "Latest",
        "Top News",
        "Arts: Latest",
        "Arts: Top News",
    ]
    assert [spec.topic for spec in outputs] == [None, None, "arts", "arts"]


def test_an_output_can_be_shaped(tmp_path: Path) -> None:
    outputs = """\
outputs:
  - {kind: top, name: morning, title: Brief, limit: 12, per_owner: 2, language: EN, topic: health}
  - {kind: latest, per_topic: true, name: "by/{topic}", title: "All of {topic}",
     source_in_title: true}
"""
    specs = given(tmp_path, outputs=outputs, service="publish: {entries: 33}").outputs
    first, second = specs[0], specs[1]
    assert (first.name, first.title, first.limit, first.per_owner) == ("morning", "Brief", 12, 2)
    assert (first.kind, first.language, first.topic) == (Kind.TOP, "en", "health")
    assert (second.name, second.title, second.limit) == ("by/world", "All of World", 33)
    assert len(specs) == 8
    assert (first.source_in_title, second.source_in_title) == (False, True)


def test_an_output_may_take_some_only_and_remember_its_names(tmp_path: Path) -> None:
    feeds = "feeds: [{url: 'https://harbour.example/feed', id: harbour, owner: Gazette}]"
    outputs = """\
outputs:
  - kind: latest
    name: sea
    was: [ocean, water]
    only:
      topics: health
      feeds: HARBOUR
      owners: [gazette]
      languages: [EN, pt-br]
      words: {any: [ferry, container ship], all: boat, none: [cruise]}
      sources: 3
  - {kind: top, per_topic: true, name: "best/{topic}", was: "by/{topic}"}
"""
    first, second, *_ = given(tmp_path, feeds=feeds, outputs=outputs).outputs
    assert first.description == "A selection of what comes in, newest first, nothing twice."
    assert first.was == ("ocean", "water")
    assert first.only == Filter(
        topics=("health",),
        feeds=("harbour",),
        owners=("gazette",),
        languages=("en", "pt-BR"),
        words_any=("ferry", "container ship"),
        words_all=("boat",),
        words_none=("cruise",),
        sources=3,
    )
    assert (second.name, second.was, second.only) == ("best/world", ("by/world",), None)


@pytest.mark.parametrize(
    ("text", "days", "at", "zone", "lists", "most"),
    [
        ("every day at 07:00 Europe/London, top 10", 7, "07:00", "Europe/London", "top", 10),
        ("every weekday at 6:30, latest 100", 5, "06:30", "UTC", "latest", 100),
        ("every weekend at 10:05 Asia/Kolkata, top 3", 2, "10:05", "Asia/Kolkata", "top", 3),
        ("every monday, wednesday and friday at 00:00, top 1", 3, "00:00", "UTC", "top", 1),
        ("every sunday at 23:59 Etc/GMT+3, top 5", 1, "23:59", "Etc/GMT+3", "top", 5),
    ],
)
def test_a_schedule_is_said_in_words(  # noqa: PLR0917
    tmp_path: Path, text: str, days: int, at: str, zone: str, lists: str, most: int
) -> None:
    (spec,) = given(tmp_path, outputs=f"- kind: digest\n  schedule: {text}\n").outputs
    asked = spec.schedule
    assert asked
    assert (spec.name, spec.title) == ("digest", "Digest")
    assert (len(asked.days), f"{asked.time:%H:%M}", asked.zone.key) == (days, at, zone)
    assert (asked.lists, asked.most) == (lists, most)


def test_no_topics_and_no_outputs_can_be_asked_for(tmp_path: Path) -> None:
    settings = given(tmp_path, topics="topics: []", outputs="outputs: [{kind: top}]")
    assert settings.topics == ()
    assert [spec.name for spec in settings.outputs] == ["top"]
    assert given(tmp_path, topics="topics: []", outputs="outputs: []").outputs == ()


def test_a_secret_in_an_address_neither_shows_in_the_id_nor_changes_it(tmp_path: Path) -> None:
    text = "- https://me:${KEY}@example.org/${KEY}/rss?key=${KEY}\n"
    (first,) = given(tmp_path, {"KEY": "hunter2"}, feeds=text).feeds
    (later,) = given(tmp_path, {"KEY": "hunter3"}, feeds=text).feeds
    assert first.id == later.id
    assert "hunter" not in first.id
    assert first.url == "https://example.org/hunter2/rss?key=hunter2"
    assert first.credentials == ("me", "hunter2")


def test_ops_say_whether_hubs_are_subscribed_to(tmp_path: Path) -> None:
    text = "push: {subscribe: on, lease: 2d, allow_sha1: true}\n"
    push = given(tmp_path, service=text).service.push
    assert (push.subscribe, push.lease, push.allow_sha1) == ("on", timedelta(days=2), True)
    with pytest.raises(SettingsError) as caught:
        given(tmp_path, service="push: {subscribe: always, lease: 5m}\n")
    first, second = caught.value.faults
    assert first.endswith(
        'service.yaml:1:8: push.subscribe: "always" is none of the three; write auto, on or off'
    )
    assert second.endswith('service.yaml:1:27: push.lease: "5m" is too short; write 1h or more')


def test_ops_say_whether_subscribers_are_told(tmp_path: Path) -> None:
    public = "site: {base_url: https://wire.press.org/news}\n"
    own = "https://wire.press.org/news/hub"
    outside = "https://hub.press.org/?a=1"

    def hubs(text: str) -> tuple[str, ...]:
        return given(tmp_path, service=text).site.hubs

    assert hubs("") == ()
    assert hubs(public) == (own,)
    assert hubs(public + "publish: {folder: public}\n") == ()
    assert hubs(public + f"hub: {{serve: off, ping: '{outside}'}}\n") == (outside,)
    assert hubs(f"hub: {{serve: on, ping: ['{outside}']}}\n") == (
        "http://localhost:8080/hub",
        outside,
    )
    with pytest.raises(SettingsError) as caught:
        hubs("hub: {serve: maybe, ping: https://me:word@hub.press.org/}\n")
    first, second = caught.value.faults
    assert first.endswith(
        'service.yaml:1:7: hub.serve: "maybe" is none of the three; write auto, on or off'
    )
    assert "hub.ping[0]" in second or "hub.ping" in second
    assert second.endswith("is told to everybody; write it without user name and password")


def test_ops_say_who_reads_a_private_output(tmp_path: Path) -> None:
    digest = "0" * 64
    text = f"outputs:\n - kind: latest\n   private: true\n   tokens: {{ada: sha256:{digest}}}\n"
    (spec,) = given(tmp_path, outputs=text).outputs
    assert (spec.private, spec.tokens) == (True, (digest,))
    for wrong, told in (
        (text.replace(digest, "secret"), "is not the digest of a token; `aggregator token` makes"),
        (text.replace("   private: true\n", ""), "has tokens and is not private; write private"),
        (
            text.replace("latest", "digest\n   schedule: every day at 07:00, top 10"),
            "pages for all",
        ),
        (text.replace("ada", "Ada L."), "is not a slug"),
    ):
        with pytest.raises(SettingsError, match=re.escape(told)):
            given(tmp_path, outputs=wrong)


def test_there_is_a_search_unless_ops_say_no_or_keep_an_output_private(tmp_path: Path) -> None:
    private = "outputs: [{kind: latest, private: true}]\n"
    assert given(tmp_path).site.search
    assert not given(tmp_path, service="site: {search: false}\n").site.search
    assert not given(tmp_path, service="site: {}\n", outputs=private).site.search
    assert given(tmp_path, service="site: {search: true}\n", outputs=private).site.search
    with pytest.raises(SettingsError, match=r"service.yaml:1:8: site.search"):
        given(tmp_path, service="site: {search: sometimes}\n")


def test_what_ranking_yaml_says_is_how_stories_are_weighed(tmp_path: Path) -> None:
    weighed = given(tmp_path, ranking="half_life: 6h\ngrowth: 0\n").ranking
    assert weighed == replace(DEFAULT, half_life=timedelta(hours=6), growth_lift=0.0)


def test_addresses_are_compared_as_ops_say(tmp_path: Path) -> None:
    told = given(
        tmp_path,
        addresses="""\
tracking: [utm_*, from=feed*]
devices: ["www.", "touch."]
sites:
  old.example: {same_as: new.example}
  new.example: {identity: id, keep: utm_id}
""",
    ).addresses
    one = canonical("https://touch.old.example/a?id=7&from=feed1", told)
    assert one == canonical("https://new.example/b?x=1&id=7", told)
    assert canonical("https://m.new.example/", told) != canonical("https://new.example/", told)
    assert given(tmp_path, addresses="tracking: utm_*").addresses.sites == USUAL_ADDRESSES.sites


def test_what_is_never_folded_is_named_by_feed_site_and_pair(tmp_path: Path) -> None:
    told = given(
        tmp_path,
        feeds="feeds:\n  - {url: https://example.org/feed.xml, id: example}\n",
        copies="""\
never_fold:
  feeds: example
  sites: [lottery.example]
  pairs: [[http://www.a.example/1/?utm_source=x, "urn:uuid:1"]]
""",
    ).never_fold
    assert told == NeverFold(
        feeds=frozenset({"example"}),
        sites=frozenset({"lottery.example"}),
        pairs=frozenset({frozenset({"https://a.example/1", "urn:uuid:1"})}),
    )


@pytest.mark.parametrize(
    "text",
    [
        "feeds:\n  - https://a.example/f  # why\n  - url: 'https://b.example/ü'\n    every: 30m\n",
        "a: ~\nb: null\nc: ''\nd:\ne: \"x: y\"\nf: |\n  one\n  two\ng: >-\n  one\n  two\n",
        "&x a: &y [1, {b: 2, c: [*y]}]\nd: *x\n",
        "{a: !!str 1, b: !odd 2, ? [c] : d, <<: {e: f}, a: 3}\n",
        "- 012\n- 2001-01-01\n- yes\n- 0x1f\n- .inf\n- 1_000\n",
        "---\na: b\n...\n",
    ],
)
def test_yaml_is_read_quickly_as_it_is_carefully(text: str) -> None:
    read = []
    for node in (_quickly(text), _carefully("f.yaml", text)):
        assert isinstance(node, Node)
        walk = Walk("f.yaml", text, {})
        read.append((walk.value(node, ()), walk.places, walk.faults, walk.broken))
    assert read[0] == read[1]


def test_the_gate_is_as_careful_as_ops_say(tmp_path: Path) -> None:
    text = "publish: {hold: 2h, new_at_once: 200}\n"
    publish = given(tmp_path, service=text).service.publish
    assert (publish.hold, publish.new_at_once) == (timedelta(hours=2), 200)
    with pytest.raises(SettingsError) as caught:
        given(tmp_path, service="publish: {hold: 2d, new_at_once: 3}\n")
    assert [fault.partition("service.yaml:")[2] for fault in caught.value.faults] == [
        '1:11: publish.hold: "2d" is too long; write 1d or less',
        '1:21: publish.new_at_once: "3" is too small; write 10 or more',
    ]


@pytest.mark.parametrize("printed", [repr, pretty_repr])
def test_a_feed_is_printed_without_its_secrets(
    tmp_path: Path, printed: Callable[[object], str]
) -> None:
    asked = "url: 'https://ada:pass-1@a.example/x', headers: {X-Key: pass-2}"
    settings = given(tmp_path, feeds=f"feeds: [{{{asked}}}]\n")
    assert settings.feeds[0].credentials == ("ada", "pass-1")
    told = printed(settings)
    assert "a.example" in told
    assert "pass-" not in told


def test_a_group_never_changes_and_a_changed_copy_is_checked() -> None:
    polling = ServiceSettings().polling
    with pytest.raises(ValidationError):
        polling.floor = timedelta(minutes=5)
    assert polling.but(floor=timedelta(minutes=5)).floor == timedelta(minutes=5)
    assert polling.but() == polling
    for wrong in ({"flour": timedelta(minutes=5)}, {"floor": timedelta(days=2)}):
        with pytest.raises(ValidationError):
            polling.but(**wrong)
