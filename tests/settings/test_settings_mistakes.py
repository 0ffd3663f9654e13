"""Every mistake is told, where it is and what to write."""

import string
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given as for_all
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from aggregator.model.errors import SettingsError
from aggregator.settings import load
from aggregator.settings.documents import parse_document

ONE_FEED = "feeds:\n  - url: https://example.org/feed.xml\n"


def faults(
    folder: Path, environ: Mapping[str, str] | None = None, /, **files: str | bytes
) -> list[str]:
    """Return the faults of these files, with the folder taken off their names."""
    config = folder / "config"
    config.mkdir(exist_ok=True)
    files.setdefault("feeds", ONE_FEED)
    for name, text in files.items():
        path = folder / "feeds.yaml" if name == "feeds" else config / f"{name}.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        load(feeds=folder / "feeds.yaml", config=config, environ=environ or {})
    except SettingsError as error:
        return [fault.replace(f"{folder}/", "") for fault in error.faults]
    return []


def feed(*lines: str) -> str:
    """Return a feeds.yaml whose only feed has these lines more, the first on line 3."""
    return ONE_FEED + "".join(f"    {line}\n" for line in lines)


def digest(schedule: str) -> str:
    """Return an outputs.yaml with a digest, its schedule on line 2."""
    return f"- kind: digest\n  schedule: {schedule}\n"


FORM: list[tuple[str | bytes, str, str]] = [
    ("", "1:1", 'is empty; write "feeds:" and below it "- url:'),
    ("# nothing yet\n", "1:1", "is empty"),
    ("https://example.org/feed.xml\n", "1:1", "holds a single text"),
    ("feeds:\n", "1:1", "feeds: lists nothing"),
    ("feeds: []\n", "1:1", "feeds: lists nothing"),
    ("feeds: https://example.org/\n", "1:1", "feeds: is not a list"),
    (ONE_FEED + "fedes: []\n", "3:1", 'unknown key "fedes"; write "feeds:"'),
    ("feeds:\n\t- url: https://example.org/\n", "2:1", "indent with spaces"),
    ("feeds:\n  - url: 'https://example.org/\n", "2:10", "a quote is opened here and never closed"),
    ("feeds: [https://example.org/\n", "2:1", "a [ or { is not closed"),
    (feed("title: News: World"), "3:16", 'quote texts that hold ": "'),
    (feed("title: @home"), "3:12", "needs quotes around it"),
    (feed(" title: x"), "3:11", "out of place"),
    (feed("title"), "4:1", 'has no ":" after it'),
    (ONE_FEED + " - url: https://example.org/b\n", "3:2", "indentation does not fit"),
    (ONE_FEED + "---\n" + ONE_FEED, "3:1", "a second document begins here"),
    (feed("title: *other"), "3:12", "an alias (*name) stands for nothing"),
    (feed("title: one", "title: two"), "4:5", 'duplicate key "title", first on line 3'),
    (feed("title: !!python/object:os.system ls"), "3:12", 'the tag "!!python/object:os.system"'),
    (feed("title: !secret x"), "3:12", 'the tag "!secret"'),
    (feed("<<: {title: x}"), "3:5", '"<<" is not read'),
    (feed("? [a, b]", ": c"), "3:7", "a key must be one word"),
    ("feeds: &a [*a]\n", "1:8", "an alias stands inside what it names"),
    ("feeds: " + "[" * 40 + "]" * 40, "1:27", "nested deeper than 20 levels"),
    (feed("title: a\x07b"), "3:13", "a control character"),
    (feed("title: caf").encode()[:-1] + b"\xe9\n", "3:15", "byte 0xE9 is not UTF-8"),
    (ONE_FEED.encode("utf-16"), "1:1", "save it as UTF-8"),
]

VALUES: list[tuple[str | bytes, str, str]] = [
    (feed("every: 30x"), "3:5", 'every: "30x" is not a duration; write 30m or 2h'),
    (feed("every: 1m"), "3:5", 'every: "1m" is too short; write 5m or more'),
    (feed("every: 30d"), "3:5", 'every: "30d" is too long; write 7d or less'),
    (feed("every: {h: 2}"), "3:5", "every: is not a duration"),
    (feed("wieght: 2"), "3:5", 'unknown key "wieght"; did you mean "weight"?'),
    (feed("colour: red"), "3:5", 'unknown key "colour"; write one of url, id, title'),
    (feed("weight: 99"), "3:5", 'weight: "99" is too large; write 10 or less'),
    (feed("weight: 0"), "3:5", 'weight: "0" is too small; write 0.1 or more'),
    (feed("weight: nan"), "3:5", 'weight: "nan" is not a number; write one such as 1.0'),
    (feed("weight: heavy"), "3:5", 'weight: "heavy" is not a number'),
    (feed("enabled: perhaps"), "3:5", 'enabled: "perhaps" is neither true nor false; write true'),
    (feed("topics: wrld"), "3:5", 'topics: "wrld" is not a topic of topics.yaml; did you mean "w'),
    (feed("topics: [world, sprot]"), "3:21", 'topics: "sprot" is not a topic'),
    (feed("topics: {world: 1}"), "3:5", "topics: is not a list; write [one, two]"),
    (feed("topics: zzz"), "3:5", "write one of world, business, technology"),
    (feed("language: english!"), "3:5", 'language: "english!" is not a language tag; write en'),
    (feed("id: a/b"), "3:5", 'id: "a/b" is not an id'),
    (feed('title: "a\\nb"'), "3:5", "write a text of one line"),
    (feed("title: [a]"), "3:5", "title: is not a text; write one such as BBC"),
    (
        feed('headers: {X-Key: "a\\r\\nHost: b"}'),
        "3:15",
        "headers.X-Key: its value holds a line",
    ),
    (feed("headers: {X-Key: naïve}"), "3:15", "headers.X-Key: its value holds characters beyond"),
    (feed('headers: {"X Key": a}'), "3:15", "is not a header name"),
    (feed("headers: {Host: a}"), "3:15", "is set by the poller itself; remove it"),
    (feed("headers: {X-a: 1, x-A: 2}"), "3:5", 'name "x-a" twice in different case'),
    (feed("headers: secret"), "3:5", "is not a mapping of keys to values"),
    (feed("headers: {X-Key: '${TOKEN}'}"), "3:23", "${TOKEN} is not set in the environment"),
    (feed("title: cost ${5}"), "3:17", '"${" begins no variable; write ${NAME}, or $${'),
    ("feeds:\n  - title: x\n", "2:5", '"url" is missing; write url: https://example.org/feed.xml'),
    ("feeds:\n  - [a]\n", "2:5", "feeds: is not a mapping of keys to values"),
    ("feeds:\n  - url: example.org/feed\n", "2:5", "is not a web address; write it whole"),
    ("feeds:\n  - ftp://example.org/\n", "2:5", 'url: "ftp://example.org/" is not a web address'),
    ("feeds:\n  - url: feed://example.org/\n", "2:5", "is not a web address"),
    ("feeds:\n  - url: https://\n", "2:5", "has a host or port that cannot be"),
    ("feeds:\n  - url: https://a..b/\n", "2:5", "has a host or port that cannot be"),
    ("feeds:\n  - url: https://example.org:99999/\n", "2:5", "has a host or port that cannot be"),
    ("feeds:\n  - url: 'https://[::1/'\n", "2:5", "has a host or port that cannot be"),
    ("feeds:\n  - url: https://example.org/a b\n", "2:5", 'write a space as "%20"'),
    (
        ONE_FEED + "  - url: HTTP://EXAMPLE.org:80/feed.xml#x\n",
        "3:5",
        "url: the feed on line 2 has it too",
    ),
    (
        ONE_FEED + "  - url: https://example.org/feed-xml\n",
        "3:5",
        "id: the feed on line 2 has it too; give one of them an id of its own",
    ),
    (
        feed("id: a") + "  - url: https://b.example\n    id: A\n",
        "5:5",
        "id: the feed on line 3 has",
    ),
]

PAIR = "is no pair; a pair is two items, each an id (urn:uuid:…) or an address"
CONFIG = [
    ("addresses", "tracking: [a b]\n", "1:12", 'tracking: "a b" is not a parameter; write utm_*'),
    ("addresses", "sites: {WWW.x: {}}\n", "1:9", "is not a host; write it in lower case"),
    ("addresses", "devices: m\n", "1:1", "is not the beginning of a host; write"),
    (
        "addresses",
        "sites: {a.example: {same_as: b.example}, b.example: {same_as: c.example}}\n",
        "1:1",
        'same_as of "a.example" names a host with a same_as of its own; write that one',
    ),
    ("addresses", "utm_*\n", "1:1", "is not a mapping of keys to values; write tracking:"),
    ("copies", "never_fold: {feeds: [nobody]}\n", "1:22", '"nobody" is no id of feeds.yaml'),
    ("copies", "never_fold: {pairs: [[https://a.example/1]]}\n", "1:22", f"pairs: {PAIR}"),
    ("copies", "never_fold: {pairs: [[urn:a, urn:b, urn:c]]}\n", "1:22", f"pairs: {PAIR}"),
    ("copies", "never_fold:\n  pairs:\n    - [a, b]\n", "3:7", f"pairs: {PAIR}"),
    ("copies", "never_fold: {sites: a b}\n", "1:14", "is not a host"),
    ("copies", "neverfold: {}\n", "1:1", 'did you mean "never_fold"?'),
    ("copies", "[a]\n", "1:1", "is not a mapping of keys to values; write never_fold:"),
    ("service", "listen:\n  prot: 80\n", "2:3", 'unknown key "prot"; did you mean "port"?'),
    ("service", "lisen: {}\n", "1:1", 'unknown key "lisen"; did you mean "listen"?'),
    ("service", "listen: 8080\n", "1:1", "listen: \"8080\" is not a mapping"),
    ("service", "[]\n", "1:1", "is not a mapping of keys to values"),
    ("service", "listen:\n  port: eighty\n", "2:3", 'listen.port: "eighty" is not a whole'),
    ("service", "listen:\n  port: 70000\n", "2:3", "listen.port: \"70000\" is too large"),
    ("ranking", "half_lief: 6h\n", "1:1", 'unknown key "half_lief"; did you mean "half_life"?'),
    ("ranking", "half_life: 6x\n", "1:1", "is not a duration; write 30m or 2h"),
    ("ranking", "copies: 2\n", "1:1", 'copies: "2" is too large; write 1 or less'),
    ("ranking", "- 6h\n", "1:1", "is not a mapping of keys to values; write half_life: 12h"),
    ("service", "storage: mysql://x\n", "1:1", "write sqlite:///data/aggregator.sqlite3"),
    ("service", "site:\n  base_url: x\n", "2:3", 'site.base_url: "x" is not a web address'),
    ("service", "site:\n  base_url: https://a.b/?c\n", "2:3", "is more than an address"),
    ("service", "site:\n  contact: me\n", "2:3", "is no way to reach you; write ops@example.org"),
    ("service", "limits:\n  body_bytes: big\n", "2:3", "is not a size; write 15 MB or 512 KB"),
    ("service", "limits:\n  body_bytes: 1\n", "2:3", "is too small; write 1000 or more"),
    ("service", "limits:\n  body_bytes: 9 GB\n", "2:3", "is too large; write 1000000000 or less"),
    ("service", "reach:\n  allow_private: [10.0.0.0/8, ten]\n", "2:31", "is not an address range"),
    ("service", "reach:\n  allow_ports: [0]\n", "2:17", "is too small; write 1 or more"),
    ("service", "polling:\n  floor: 2h\n", "1:1", "must satisfy floor <= default_every"),
    ("service", "retention:\n  items: 90\n", "2:3", 'retention.items: "90" is not a duration'),
    ("topics", "topics:\n  - slug: A B\n", "2:5", 'slug: "A B" is not a slug'),
    ("topics", "topics:\n  - title: X\n", "2:5", '"slug" is missing; write slug: world'),
    ("topics", "topics:\n  - slug: a\n  - slug: a\n", "3:5", "slug: the topic on line 2 has it"),
    ("topics", "topic: []\n", "1:1", 'unknown key "topic"; write "topics:"'),
    ("outputs", "outputs:\n  - kind: best\n", "2:5", 'kind: "best" is not known here; write'),
    ("outputs", "outputs:\n  - name: top\n", "2:5", '"kind" is missing; write kind: latest'),
    ("outputs", "- kind: top\n  topic: sprot\n", "2:3", 'did you mean "sport"?'),
    ("outputs", "- kind: top\n  name: ../x\n", "2:3", "is not an output name"),
    ("outputs", "- kind: top\n- kind: top\n", "2:3", "name: the output on line 1 has it too"),
    ("outputs", "- {kind: top, name: x, per_topic: true}\n", "1:3", "name holds {topic} with"),
    ("outputs", "- kind: top\n  milestones: [6, 3]\n", "2:3", "not in rising order; write [3, 6,"),
    ("outputs", "- kind: top\n  milestones: 1\n", "2:3", 'milestones: "1" is too small; write 2'),
    ("outputs", "- kind: latest\n  milestones: []\n", "1:3", "has milestones, which kind: latest"),
    ("outputs", "- kind: top\n  only: {}\n", "2:3", "only: asks for nothing; write topics, feeds,"),
    ("outputs", "- kind: top\n  only: {words: {any: '...'}}\n", "2:18", '"..." holds no word'),
    ("outputs", "- kind: top\n  only: {topics: sprot}\n", "2:10", 'did you mean "sport"?'),
    ("outputs", "- kind: top\n  only: {feed: x}\n", "2:10", 'did you mean "feeds"?'),
    ("outputs", "- kind: top\n  only: {words: {some: x}}\n", "2:18", "write one of any, all"),
    ("outputs", "- kind: top\n  only: {feeds: exmaple-org}\n", "2:10", 'did you mean "exam'),
    ("outputs", "- kind: top\n  only: {owners: [BBC]}\n", "2:19", 'is not an owner of a feed'),
    ("outputs", "- kind: top\n  only: {sources: 0}\n", "2:10", "too small; write 1 or more"),
    ("outputs", "- kind: top\n  only: {languages: english}\n", "2:10", "is not a language tag"),
    ("outputs", "- kind: top\n  was: top\n", "2:3", "was: the output on line 1 has that name"),
    ("outputs", "- {kind: top, was: x}\n- kind: latest\n  was: x\n", "3:3", "line 1 has that name"),
    ("outputs", "- kind: top\n  per_topic: true\n  was: old\n", "1:3", "name holds {topic} with"),
    ("outputs", "- kind: digest\n", "1:3", "no schedule; write schedule: every day at 07:00"),
    ("outputs", digest("at noon"), "2:3", 'schedule: "at noon" is not a schedule; write every day'),
    ("outputs", digest("every day at 7:00, top 0"), "2:3", "lists too few or too many; write"),
    ("outputs", digest("every day at 24:00, top 9"), "2:3", "has a time that no clock shows"),
    ("outputs", digest("every day at 07:00 Europe/Londn, top 9"), "2:3", 'mean "Europe/London"?'),
    ("outputs", digest("every day at 07:00 CEST, top 9"), "2:3", "write one such as Europe/London"),
    ("outputs", "- kind: top\n  schedule: every day at 7:00, top 9\n", "1:3", "write kind: digest"),
    ("outputs", "- kind: top\n  limit: 0\n", "2:3", 'limit: "0" is too small; write 1 or more'),
]  # fmt: skip


@pytest.mark.conforms("A38")
@pytest.mark.parametrize("again", ["http://EXAMPLE.org/a#x", "https://example.org:443/a"])
def test_no_address_is_asked_for_two_feeds(again: str, tmp_path: Path) -> None:
    (told,) = faults(tmp_path, feeds=f"feeds:\n- https://example.org/a\n- {again}\n")
    assert told == "feeds.yaml:3:3: url: the feed on line 2 has it too; remove one of them"


@pytest.mark.conforms("D47")
@pytest.mark.parametrize(("text", "place", "words"), FORM + VALUES)
def test_a_mistake_in_the_feeds_is_told_at_its_place(
    text: str | bytes, place: str, words: str, tmp_path: Path
) -> None:
    (told,) = faults(tmp_path, feeds=text)
    assert told.startswith(f"feeds.yaml:{place}: ")
    assert words in told


@pytest.mark.parametrize(("name", "text", "place", "words"), CONFIG)
def test_a_mistake_in_the_configuration_is_told_at_its_place(
    name: str, text: str, place: str, words: str, tmp_path: Path
) -> None:
    (told,) = faults(tmp_path, **{name: text})
    assert told.startswith(f"config/{name}.yaml:{place}: ")
    assert words in told


def test_every_mistake_of_every_file_is_told_at_once_in_order(tmp_path: Path) -> None:
    told = faults(
        tmp_path,
        feeds="""\
feeds:
  - url: https://example.org/feed.xml
    every: 30x
    wieght: 2
    topics: [mars, sciense]
  - url: https://example.org/feed.xml
    language: "?"
  - url: ftp://example.org
    title: ${NOBODY}
""",
        service="listen:\n  port: x\nlimit: {}\n",
        topics="topics:\n  - slug: science\n  - slug: Bad\n",
        outputs="outputs:\n  - kind: top\n    topic: sport\n",
    )
    assert [":".join(fault.split(":")[:3]) for fault in told] == [
        "config/outputs.yaml:3:5",
        "config/service.yaml:2:3",
        "config/service.yaml:3:1",
        "config/topics.yaml:3:5",
        "feeds.yaml:3:5",
        "feeds.yaml:4:5",
        "feeds.yaml:5:14",
        "feeds.yaml:5:20",
        "feeds.yaml:6:5",
        "feeds.yaml:7:5",
        "feeds.yaml:8:5",
        "feeds.yaml:9:12",
    ]


def test_a_topics_file_that_cannot_be_read_blames_no_feed(tmp_path: Path) -> None:
    told = faults(tmp_path, feeds=feed("topics: anything"), topics="topics: [")
    assert [fault.partition(":")[0] for fault in told] == ["config/topics.yaml"]


def test_a_topic_with_a_mistake_of_its_own_can_still_be_named(tmp_path: Path) -> None:
    told = faults(tmp_path, feeds=feed("topics: arts"), topics="- slug: arts\n  hint: x\n")
    assert told == ['config/topics.yaml:2:3: unknown key "hint"; did you mean "hints"?']


def test_missing_and_unreadable_files_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"feeds\.yaml: does not exist; write \"feeds:\""):
        load(feeds=tmp_path / "feeds.yaml", config=tmp_path, environ={})
    (tmp_path / "feeds.yaml").mkdir()
    with pytest.raises(SettingsError, match=r"feeds\.yaml: cannot be read \(Is a directory\)"):
        load(feeds=tmp_path / "feeds.yaml", config=tmp_path, environ={})


@pytest.mark.conforms("D47")
def test_a_file_beyond_five_megabytes_is_not_read(tmp_path: Path) -> None:
    (told,) = faults(tmp_path, feeds=ONE_FEED + "#" * 25_000_000)
    assert told == "feeds.yaml: is larger than 25 MB; shorten it"


@pytest.mark.conforms("D47")
def test_aliases_cannot_multiply(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    told = faults(tmp_path, feeds="\n".join(lines) + "\nfeeds: *a11\n")
    assert any("aliases repeat more than 10000 values" in fault for fault in told)


@pytest.mark.parametrize(
    "text",
    [
        feed("every: ${SECRET}"),
        feed("topics: ${SECRET}"),
        feed("id: x${SECRET}"),
        feed("title: ${SECRET}", "every: ${SECRET}", "language: ${SECRET}", "weight: ${SECRET}"),
        feed("headers: {X-Key: '${SECRET}'}"),
        feed("headers: '${SECRET}'"),
        feed("${SECRET}: x"),
        "feeds: ${SECRET}\n",
        "feeds:\n  - ${SECRET}\n",
        "feeds:\n  - url: https://me:${SECRET}@exa mple.org/\n",
        "feeds:\n  - url: https://example.org/${SECRET}\n  - url: https://example.org/${SECRET}\n",
        feed("id: a-${OPEN}") + "  - url: https://b.example/\n    id: a-${OPEN}\n",
    ],
)
def test_no_message_shows_what_came_from_the_environment(text: str, tmp_path: Path) -> None:
    secret = "hunter2 \n!"
    told = faults(tmp_path, {"SECRET": secret, "OPEN": "hunter2"}, feeds=text)
    assert told
    assert not any("hunter2" in fault for fault in told)


def test_no_message_shows_a_password_written_in_an_address(tmp_path: Path) -> None:
    told = faults(tmp_path, feeds="feeds:\n  - url: https://me:hunter2@exa mple.org/\n")
    assert told
    assert "hunter2" not in told[0]


@hypothesis_settings(deadline=None, max_examples=150)
@for_all(st.text(alphabet=string.printable + "\u2028é\x00", max_size=60))
def test_whatever_a_file_holds_is_answered_with_faults_not_an_accident(text: str) -> None:
    document = parse_document("x.yaml", text.encode(), {})
    assert document.data is None or isinstance(document.data, str | list | dict)
    assert all(fault.line >= 1 and fault.column >= 1 for fault in document.faults)


@hypothesis_settings(deadline=None, max_examples=150)
@for_all(st.text(alphabet=":-[]{}&*!|>'\"%@#\n ab~?,", max_size=30))
def test_marks_of_yaml_in_any_order_are_no_accident_either(text: str) -> None:
    parse_document("x.yaml", text.encode(), {})
