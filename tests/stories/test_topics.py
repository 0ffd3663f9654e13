import json

import pytest

from aggregator.model.items import Entry
from aggregator.model.stories import Topic
from aggregator.stories.topics import TopicModel, topic_terms, topics_of

TOPICS = (
    Topic(slug="science", title="Science", hints=("space", "research", "rocket")),
    Topic(slug="sport", title="Sport", hints=("football", "tennis", "sports")),
)
ROCKETS = (
    "The rocket left the orbit of the planet after astronomers saw the comet through telescopes"
)
GAMES = "The striker scored a penalty in the league final while the goalkeeper watched the referee"


def entry(title: str, *categories: str, summary: str = "") -> Entry:
    return Entry(title=title, summary=summary, categories=categories)


def taught(times: int = 10) -> TopicModel:
    model = TopicModel()
    for n in range(times):
        model.learn(topic_terms(entry(f"{ROCKETS} {n}")), ("science",))
        model.learn(topic_terms(entry(f"{GAMES} {n}")), ("sport",))
    return model


def test_what_ops_said_of_the_feed_holds() -> None:
    (only,) = topics_of(entry(GAMES), ("science",), TOPICS, taught())
    assert (only.topic, only.score, only.because) == ("science", 1.0, "feed")


@pytest.mark.parametrize(
    "category", ["Football", "SPORT", "News/Football/Cup", "News > Tennis", "sports"]
)
def test_a_category_that_names_a_topic_adds_it(category: str) -> None:
    found = topics_of(entry(ROCKETS, category), ("science",), TOPICS, taught())
    assert [one.topic for one in found] == ["science", "sport"]
    assert found[1].because == f"category: {category}"


def test_a_category_that_only_contains_a_hint_is_none() -> None:
    assert topics_of(entry("Quiet day", "Footballers' wives"), (), TOPICS, TopicModel()) == ()


def test_the_model_tells_what_feeds_taught_it_and_names_the_words() -> None:
    (only,) = topics_of(entry("Astronomers saw a comet near the planet"), (), TOPICS, taught())
    assert only.topic == "science"
    assert 0.6 <= only.score <= 1
    assert only.because.startswith("words: ")
    named = set(only.because.removeprefix("words: ").split(", "))
    assert named <= {"astronomers", "saw", "comet", "planet"}


def test_the_model_says_none_of_words_that_it_never_saw() -> None:
    assert topics_of(entry("Bakery opens downtown on Monday"), (), TOPICS, taught()) == ()


def test_the_model_says_none_when_both_sides_pull_alike() -> None:
    both = "comet telescopes planet striker penalty goalkeeper"
    assert topics_of(entry(both), (), TOPICS, taught()) == ()


def test_the_model_is_not_believed_before_it_saw_enough() -> None:
    assert topics_of(entry(ROCKETS), (), (TOPICS[0],), taught()) == ()
    assert topics_of(entry(GAMES), (), TOPICS, taught(times=3)) == ()


def test_a_topic_that_ops_removed_is_not_told() -> None:
    model = taught()
    model.learn(topic_terms(entry("Recipe: onions")), ("food",))
    assert model.known() == ("food", "science", "sport")
    assert topics_of(entry(ROCKETS), (), TOPICS[1:], model) == ()


def test_two_hint_words_tell_a_topic_when_nothing_was_learned() -> None:
    title = "Tennis and football share a stadium"
    (only,) = topics_of(entry(title), (), TOPICS, TopicModel())
    assert (only.topic, only.because) == ("sport", "hints: football, tennis")
    assert topics_of(entry("A political football"), (), TOPICS, TopicModel()) == ()


def test_a_model_reads_back_as_it_was() -> None:
    model = taught()
    again = TopicModel.load(json.loads(json.dumps(model.dump())))
    question = entry("Astronomers saw a comet near the planet")
    assert topics_of(question, (), TOPICS, again) == topics_of(question, (), TOPICS, model)
    assert TopicModel.load({}).known() == ()
    with pytest.raises(TypeError):
        TopicModel.load({"items": 1})


def test_what_was_learned_fades(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.stories.bayes.FADE", 40)
    before, after = taught(times=19), taught(times=20)
    assert sum(before.dump()["items"].values()) == 38_000  # type: ignore[attr-defined]
    assert sum(after.dump()["items"].values()) == 20_000  # type: ignore[attr-defined]
    question = topic_terms(entry(GAMES))
    guess = after.classify(question, ["science", "sport"])
    assert guess is not None
    assert guess.topic == "sport"
