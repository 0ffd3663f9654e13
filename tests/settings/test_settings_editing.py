"""Adding to feeds.yaml: everything that was there stays, byte by byte."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model.errors import AggregatorError, SettingsError
from aggregator.model.feeds import Feed
from aggregator.settings import load
from aggregator.settings.deletion import without
from aggregator.settings.editing import FeedsText, Wish, open_feeds
from aggregator.settings.insertion import insert

ROOT = Path(__file__).parents[2]
URL = "https://new.example/feed.xml"
TOPICS = ("world", "science")


def opened(tmp_path: Path, text: str | bytes | None) -> FeedsText:
    path = tmp_path / "feeds.yaml"
    if text is not None:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return open_feeds(path, topics=TOPICS, environ={"KEY": "secret"})


def added(tmp_path: Path, text: str | bytes | None, **wish: object) -> str:
    """Add to a file that says ``text``; return what it says afterwards, loaded to be sure."""
    feeds = opened(tmp_path, text)
    wanted = Wish(url=URL, **wish)  # type: ignore[arg-type]
    feeds.write(feeds.with_entry(wanted))
    assert loaded(tmp_path)[-1].url == URL
    return feeds.path.read_bytes().decode()


def loaded(tmp_path: Path) -> tuple[Feed, ...]:
    config = tmp_path / "nowhere"
    return load(feeds=tmp_path / "feeds.yaml", config=config, environ={"KEY": "secret"}).feeds


# What a file says before, and after. NEW stands for the entry's own words.
STYLES = {
    "dashes without indentation": ("feeds:\n- https://a.example\n", "{before}- {NEW}\n"),
    "wide indentation": (
        "feeds:\n    -   url: https://a.example\n        every:   2h  # slow\n",
        "{before}    -   {NEW}\n",
    ),
    "empty lines between": (
        "feeds:\n  - 'https://a.example'\n\n  - \"https://b.example\"\n",
        "{before}\n  - {NEW}\n",
    ),
    "a comment that is part of the last": (
        "feeds:\n  - url: https://a.example\n    # title: A\n  # - url: https://b.example\n",
        "feeds:\n  - url: https://a.example\n    # title: A\n  - {NEW}\n  # - url: https://b.example\n",
    ),
    "no last line end": ("feeds:\n- https://a.example", "{before}\n- {NEW}\n"),
    "lines of Windows": ("feeds:\r\n  - https://a.example # x\r\n", "{before}  - {NEW}\r\n"),
    "a byte order mark": ("\ufefffeeds:\n  - https://a.example\n", "{before}  - {NEW}\n"),
    "a bare list": ("# mine\n- https://a.example\n", "{before}- {NEW}\n"),
    "brackets": (
        "feeds: [https://a.example, # one\n  'https://b.example',\n]\n",
        "feeds: [https://a.example, # one\n  'https://b.example', {{{NEW}}},\n]\n",
    ),
    "empty brackets": ("feeds: []  # none yet\n", "feeds:  # none yet\n  - {NEW}\n"),
    "brackets with a comment": ("feeds: [ # none\n]\n", "feeds: [{{{NEW}}} # none\n]\n"),
    "nothing yet": ("# mine\nfeeds:\n", "{before}  - {NEW}\n"),
    "null": ("feeds: ~\n", "feeds:\n  - {NEW}\n"),
    "comments alone": ("# mine\n", "{before}feeds:\n  - {NEW}\n"),
    "folded address": (
        "feeds:\n  - url: >-\n      https://a.example\n\n\n",
        "feeds:\n  - url: >-\n      https://a.example\n  - {NEW}\n\n\n",
    ),
    "an alias at the end": (
        "feeds:\n- {url: https://a.example, owner: &o me}\n- url: https://b.example\n  owner: *o\n",
        "{before}- {NEW}\n",
    ),
    "the end of the document": (
        "---\nfeeds:\n- https://a.example\n...\n# after\n",
        "---\nfeeds:\n- https://a.example\n- {NEW}\n...\n# after\n",
    ),
}


@pytest.mark.parametrize("style", STYLES)
def test_an_entry_is_added_in_the_manner_of_the_file(tmp_path: Path, style: str) -> None:
    before, after = STYLES[style]
    assert added(tmp_path, before) == after.format(before=before, NEW=f"url: {URL}")


def test_the_file_that_we_ship_keeps_every_byte(tmp_path: Path) -> None:
    before = (ROOT / "feeds.yaml").read_bytes().decode()
    feeds = open_feeds(
        ROOT / "feeds.yaml",
        topics=("world", "business", "technology", "science", "sport", "health", "culture"),
        environ={},
    )
    inserted = feeds.with_entry(Wish(url=URL, topics=("world", "science")))
    assert inserted.text == f"{before}\n  - url: {URL}\n    topics: [world, science]\n"
    assert inserted.line == before.count("\n") + 2


def test_all_that_can_be_said_is_said_and_read_back(tmp_path: Path) -> None:
    wish = {
        "title": 'Yes: #1, "it\'s" $new ${KEY} $$',
        "topics": ("world",),
        "owner": "2024",
        "every": "2h",
    }
    text = added(tmp_path, "feeds:\n- https://a.example\n", **wish)
    feed = loaded(tmp_path)[-1]
    assert feed.title == wish["title"]
    assert (feed.topics, feed.owner, feed.every and feed.every.seconds) == (
        ("world",),
        "2024",
        7200,
    )
    assert "\n  topics: world\n" in text


def test_a_file_that_is_missing_is_begun_with_words_on_how_to_go_on(tmp_path: Path) -> None:
    text = added(tmp_path, None)
    assert text.startswith("# The feeds to poll.")
    assert text.endswith(f"feeds:\n  - url: {URL}\n")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "feeds.yaml").stat().st_mode) == 0o666 & ~mask


def test_the_line_of_an_address_is_told_whatever_its_spelling(tmp_path: Path) -> None:
    other = "http://me:${KEY}@www.NEW.example/feed.xml/"
    feeds = opened(tmp_path, f"feeds:\n- https://a.example\n- title: New\n  url: {other}\n")
    assert feeds.line_of(URL) == 4
    assert feeds.line_of("https://a.example/") == 2
    assert feeds.line_of("https://a.example/other") is None


def test_what_could_not_be_loaded_is_never_written(tmp_path: Path) -> None:
    feeds = opened(tmp_path, "feeds:\n- url: https://a.example\n  id: new-example-feed-xml\n")
    with pytest.raises(SettingsError, match=r"id: the feed on line 3 has it too"):
        feeds.with_entry(Wish(url=URL))
    with pytest.raises(SettingsError, match=r'"wrld" .* did you mean "world"'):
        feeds.with_entry(Wish(url="https://b.example", topics=("wrld",)))


def test_mistakes_of_a_wish_are_told_without_a_file(tmp_path: Path) -> None:
    feeds = opened(tmp_path, None)
    assert feeds.mistakes(Wish(url=URL, topics=TOPICS, every="1h")) == ()
    (told,) = feeds.mistakes(Wish(url=URL, every="1 hour"))
    assert told == 'every: "1 hour" is not a duration; write 30m or 2h'


@pytest.mark.parametrize(
    "text",
    [
        "feeds:\n- https://a.example\n  x\n- [\n",
        "feed:\n- https://a.example\n",
        "feeds: 3\n",
        b"\xff\xfe",
    ],
)
def test_a_file_with_mistakes_is_not_built_on(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(SettingsError):
        opened(tmp_path, text)


def test_mode_and_link_stay_and_nothing_is_left_beside(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "f.yaml").write_text("feeds:\n- https://a.example\n", encoding="utf-8")
    (real / "f.yaml").chmod(0o640)
    (tmp_path / "feeds.yaml").symlink_to(real / "f.yaml")
    added(tmp_path, None)
    assert (tmp_path / "feeds.yaml").is_symlink()
    assert stat.S_IMODE((real / "f.yaml").stat().st_mode) == 0o640
    assert [path.name for path in real.iterdir()] == ["f.yaml"]


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    feeds = opened(tmp_path, "feeds:\n- https://a.example\n")
    inserted = feeds.with_entry(Wish(url=URL))
    feeds.path.write_text("feeds:\n- https://b.example\n", encoding="utf-8")
    with pytest.raises(AggregatorError, match="changed meanwhile"):
        feeds.write(inserted)
    assert feeds.path.read_text(encoding="utf-8") == "feeds:\n- https://b.example\n"


def test_a_folder_that_is_not_there_is_told_with_the_lines_to_add(tmp_path: Path) -> None:
    path = tmp_path / "none" / "feeds.yaml"
    feeds = open_feeds(path, topics=(), environ={})
    with pytest.raises(AggregatorError, match="cannot be written") as told:
        feeds.write(feeds.with_entry(Wish(url=URL)))
    assert f"- url: {URL}" in str(told.value)


_ITEM = st.sampled_from([
    "https://{n}.example", "'https://{n}.example'  # quoted", "url: https://{n}.example",
    "{{url: https://{n}.example, topics: [world]}}", "url: https://{n}.example # c\n{i}every: 2h",
    "title: |\n{i}  a\n\n{i}url: https://{n}.example", "url: https://{n}.example\n{i}# at its end",
    "url: https://{n}.example\n{i}topics:\n{i}- world\n{i}- science  # two",
])  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(
    items=st.lists(_ITEM, min_size=1, max_size=4),
    indent=st.integers(0, 4),
    gap=st.sampled_from(["", "\n", "# between\n", "  \n"]),
    tail=st.sampled_from(["", "\n", "# end\n", "\n\n  # end", "      # deep\n"]),
)
def test_every_line_stays_whatever_the_layout(
    items: list[str], indent: int, gap: str, tail: str
) -> None:
    inner = " " * (indent + 2)
    written = [item.format(n=number, i=inner) for number, item in enumerate(items)]
    text = "feeds:\n" + gap.join(f"{' ' * indent}- {item}\n" for item in written) + tail
    inserted = insert(text, "feeds", {"url": URL})
    lines, before = inserted.text.splitlines(), text.splitlines()
    at = inserted.line - 1
    assert lines[at] == f"{' ' * indent}- url: {URL}"
    spaced = len(lines) - len(before) == 2
    assert lines[: at - spaced] + lines[at + 1 :] == before
    assert lines[at - 1] == "" if spaced else True


@settings(deadline=None, max_examples=150)
@given(
    items=st.lists(_ITEM, min_size=1, max_size=4),
    indent=st.integers(0, 4),
    gap=st.sampled_from(["", "\n", "# between\n", "  \n"]),
    tail=st.sampled_from(["", "\n", "# end\n", "\n\n  # end"]),
    data=st.data(),
)
def test_what_was_put_in_and_taken_out_again_leaves_the_text_as_it_was(
    items: list[str], indent: int, gap: str, tail: str, data: st.DataObject
) -> None:
    inner = " " * (indent + 2)
    written = [
        f"{' ' * indent}- {item.format(n=number, i=inner)}\n" for number, item in enumerate(items)
    ]
    place = data.draw(st.integers(0, len(items)))
    new = f"{' ' * indent}- url: {URL}\n{inner}title: New\n"
    text = "feeds:\n" + gap.join(written) + tail
    longer = "feeds:\n" + gap.join([*written[:place], new, *written[place:]]) + tail
    left = without(longer, "feeds", place)
    # Of two empty lines that meet one is left; of two comments both.
    assert [line for line in left.splitlines() if line.strip() and line != "# between"] == [
        line for line in text.splitlines() if line.strip() and line != "# between"
    ]
    assert not longer.replace(new, "").startswith("\n\n")


def test_entries_in_brackets_are_removed_too(tmp_path: Path) -> None:
    text = "feeds: [https://a.example, {url: https://b.example}, 'https://c.example'] # all\n"
    feeds = opened(tmp_path, text)
    assert feeds.without_entry(0).text == text.replace("https://a.example, ", "")
    assert feeds.without_entry(1).text == text.replace("{url: https://b.example}, ", "")
    assert feeds.without_entry(2).text == text.replace(", 'https://c.example'", "")


def test_what_cannot_be_removed_without_harm_is_left_to_a_hand(tmp_path: Path) -> None:
    text = (
        "feeds:\n- {url: https://a.example, owner: &o me}\n- url: https://b.example\n  owner: *o\n"
    )
    with pytest.raises(AggregatorError, match="remove the entry on line 2 by hand"):
        opened(tmp_path, text).without_entry(0)
