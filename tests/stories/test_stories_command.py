import json
from pathlib import Path

from click.testing import CliRunner, Result

from aggregator.cli.stories import stories, topics

FLOOD = (
    {"id": "a", "title": "Dam bursts above Velmora, thousands told to leave", "lang": "en"},
    {"id": "b", "title": "Central bank of Ostrava holds its rate", "lang": "en"},
    {"id": "c", "title": "Thousands leave Velmora after dam bursts", "lang": "en"},
)


def lines(rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)  # type: ignore[attr-defined]


def told(result: Result) -> dict[str, dict[str, object]]:
    return {row["id"]: row for row in map(json.loads, result.stdout.splitlines())}


def test_stories_prints_a_story_for_each_item_in_file_order() -> None:
    result = CliRunner().invoke(stories, ["-"], input=lines(FLOOD))
    assert result.exit_code == 0
    found = told(result)
    assert list(found) == ["a", "b", "c"]
    assert found["a"]["story"] == found["c"]["story"] != found["b"]["story"]
    assert set(found["a"]) == {"id", "story"}


def test_dates_count_whatever_their_order() -> None:
    rows = [
        {**FLOOD[2], "published": "2024-05-20T12:00:00Z"},
        {**FLOOD[1], "published": "2024-05-10"},
        {**FLOOD[0], "published": "2024-05-01T12:00:00+02:00"},
    ]
    found = told(CliRunner().invoke(stories, ["-"], input=lines(rows)))
    assert list(found) == ["c", "b", "a"]
    assert len({row["story"] for row in found.values()}) == 3


def test_bad_lines_are_named_and_the_others_kept(tmp_path: Path) -> None:
    rows = [
        lines([FLOOD[0]]),
        "not json\n",
        "\n",
        "[1]\n",
        '{"title": "no id"}\n',
        '{"id": "x", "title": 3}\n',
        '{"id": "x", "title": "t", "published": "yesterday"}\n',
        '{"id": "x", "published": "9999-12-31T23:59:59-23:00"}\n',
        "[" * 100_000 + "\n",
        lines([FLOOD[0]]),
        lines([FLOOD[2]]),
    ]
    file = tmp_path / "items.jsonl"
    file.write_text("".join(rows), encoding="utf-8")
    result = CliRunner().invoke(stories, [str(file)])
    assert result.exit_code == 2
    assert list(told(result)) == ["a", "c"]
    faults = result.stderr.splitlines()
    assert [fault.split(":")[1] for fault in faults] == ["2", "4", "5", "6", "7", "8", "9", "10"]
    assert "id 'a' is that of line 1" in faults[-1]


def test_half_a_character_and_a_long_text_harm_nothing() -> None:
    rows = [{"id": "\ud83d", "title": "x\ud83d"}, {**FLOOD[0], "body": "rain " * 200_000}]
    result = CliRunner().invoke(stories, ["-"], input=lines(rows))
    assert result.exit_code == 0
    assert list(told(result)) == ["\ud83d", "a"]


LABELLED = [
    row
    for n in range(10)
    for row in (
        {"id": f"r{n}", "title": f"Astronomers saw comet {n} near a planet", "topics": ["science"]},
        {"id": f"g{n}", "title": f"Striker scored penalty {n} in final", "topics": ["sport"]},
    )
]
QUESTIONS = [
    {"id": "q", "title": "Planet and comet: what astronomers saw"},
    {"id": "u", "title": "Bakery opens downtown"},
]


def test_topics_learns_from_labelled_lines_and_tells_the_others() -> None:
    found = told(CliRunner().invoke(topics, ["-"], input=lines([*LABELLED, *QUESTIONS])))
    assert found["r0"]["topics"] == ["science"]
    assert found["r0"]["because"] == ["feed"]
    assert found["q"]["topics"] == ["science"]
    assert found["u"]["topics"] == []


def test_topics_keeps_what_it_learned(tmp_path: Path) -> None:
    model = str(tmp_path / "model.json")
    CliRunner().invoke(topics, ["-", "--model", model], input=lines(LABELLED))
    result = CliRunner().invoke(topics, ["-", "--model", model], input=lines(QUESTIONS))
    assert told(result)["q"]["topics"] == ["science"]


def test_topics_refuses_a_model_of_another_kind(tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    model.write_text("[]", encoding="utf-8")
    result = CliRunner().invoke(topics, ["-", "--model", str(model)], input="")
    assert result.exit_code == 2
    assert "is not a model" in result.stderr


def test_topics_takes_hints_for_categories() -> None:
    row = {"id": "k", "title": "Quiet day", "categories": ["News/Football"]}
    hint = "sport=football,tennis"
    result = CliRunner().invoke(topics, ["-", "--hint", hint], input=lines([row]))
    assert told(result)["k"]["topics"] == ["sport"]
