"""What does each feed hold, in words?"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from aggregator.model.editions import Filter, Kind, OutputSpec, Schedule, Site
from aggregator.model.stories import Topic
from aggregator.outputs.clean import line_of
from aggregator.outputs.pages.layout import label_of
from aggregator.outputs.pages.printing import FeedLink, feed_links
from aggregator.outputs.wording import SELECTION, USUAL

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EVERY = {(0, 1, 2, 3, 4, 5, 6): "day", (0, 1, 2, 3, 4): "weekday", (5, 6): "day of the weekend"}
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
_NOTHING_TWICE = (
    "The same article in two feeds, and the same agency text under several headlines, is one entry."
)


class Offer(Struct, frozen=True, kw_only=True):
    """An output as it is offered: what it holds, in sentences, and where it is had."""

    title: str
    words: tuple[str, ...]
    links: tuple[FeedLink, ...]


class Group(Struct, frozen=True, kw_only=True):
    """Outputs that belong together, under a heading of which ``slug`` is the anchor."""

    slug: str
    title: str
    offers: tuple[Offer, ...]


def lay_subscribe(
    specs: Sequence[OutputSpec], topics: Iterable[Topic], site: Site
) -> tuple[Group, ...]:
    """Group ``specs``: over everything, by topic in the order of ``topics``, all others."""
    labels = {topic.slug: label_of(topic).title for topic in topics}
    plain = [spec for spec in specs if spec.only is None and spec.schedule is None]
    groups = [("all", "Everything", [spec for spec in plain if spec.topic is None])]
    groups += [
        (f"topic-{slug}", title, [spec for spec in plain if spec.topic == slug])
        for slug, title in labels.items()
    ]
    named = {spec.name for *_, some in groups for spec in some}
    groups.append(("more", "Made to measure", [spec for spec in specs if spec.name not in named]))
    return tuple(
        Group(slug=slug, title=title, offers=tuple(_offer(s, labels, site) for s in some))
        for slug, title, some in groups
        if some
    )


def words_of(spec: OutputSpec, labels: dict[str, str]) -> tuple[str, ...]:
    """Return what ``spec`` holds, in which order and how much of it; ``labels`` are topics' titles.

    In our own words, but after what ops say of it.
    """
    usual = {SELECTION, *(description for _, description in USUAL.values())}
    own = line_of(spec.description)
    said = ("" if own in usual else own, _what(spec, labels), _only(spec.only, labels), _size(spec))
    return tuple(filter(None, said))


def _offer(spec: OutputSpec, labels: dict[str, str], site: Site) -> Offer:
    title = line_of(spec.title) or spec.name
    return Offer(title=title, words=words_of(spec, labels), links=feed_links(spec, site))


def _what(spec: OutputSpec, labels: dict[str, str]) -> str:
    about = f" from {labels.get(spec.topic, spec.topic)}" if spec.topic else ""
    if spec.schedule:
        return _digest(spec.schedule, about)
    if spec.kind is Kind.TOP:
        again = _again(spec.milestones)
        return (
            f"What matters now{about}: one entry for each story, first what most independent "
            f"owners report, and report lately.{again}"
        )
    return f"Everything{about}, newest first. {_NOTHING_TWICE}"


def _digest(schedule: Schedule, about: str) -> str:
    days = _EVERY.get(schedule.days) or _listing([_DAYS[day] for day in schedule.days])
    lists = "Top News" if schedule.lists is Kind.TOP else "Latest"
    return (
        f"One issue every {days} at {schedule.time:%H:%M} ({schedule.zone.key}): the first "
        f"{schedule.most} of {lists}{about} at that time. An issue never changes."
    )


def _again(milestones: tuple[int, ...]) -> str:
    if not milestones:
        return " A story keeps its date, however many join in."
    steps = _listing([_ordinal(step) for step in milestones[:3]])
    more = ", and so on" if len(milestones) > 3 else ""
    return f" A story is dated anew when its {steps} owner joins in{more}."


def _only(only: Filter | None, labels: dict[str, str]) -> str:
    if only is None:
        return ""
    asked = (
        ("topics", [labels.get(slug, slug) for slug in only.topics]),
        ("feeds", only.feeds),
        ("owners", only.owners),
        ("languages", only.languages),
        ("any of the words", _quoted(only.words_any)),
        ("all of the words", _quoted(only.words_all)),
        ("none of the words", _quoted(only.words_none)),
    )
    told = [f"{name} {_listing(list(some))}" for name, some in asked if some]
    if only.sources > 1:
        told.append(f"stories that {only.sources} independent owners report")
    return f"Only: {'; '.join(told)}." if told else ""


def _size(spec: OutputSpec) -> str:
    if spec.schedule:
        return f"The last {spec.limit} issues."
    share = "at most half of them" if spec.per_owner is None else f"at most {spec.per_owner}"
    ease = " while others can fill the rest" if spec.per_owner is None else ""
    return f"Up to {spec.limit} entries, {share} from one owner{ease}."


def _quoted(words: Iterable[str]) -> list[str]:
    return [f"“{word}”" for word in words]


def _listing(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _ordinal(number: int) -> str:
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return f"{number}{_ENDINGS.get(number % 10, 'th')}"
