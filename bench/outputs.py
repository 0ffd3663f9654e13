"""What do many outputs cost? ``python -m bench.outputs [ITEMS [OUTPUTS]]``

Made-up items of the last ten days by 200 owners, filed as stories of one to nine items, and outputs
that ask for topics, owners, languages, words and sources, half of them Latest and half Top.
"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from aggregator.items.intake import Intake
from aggregator.model.editions import Filter, Kind, OutputSpec, Site
from aggregator.model.feeds import Feed
from aggregator.model.items import Entry, Item
from aggregator.model.stories import Topic, TopicScore, Voice
from aggregator.service.publish import Publisher
from aggregator.storage import Store, open_store
from aggregator.storage.protocol import Filing

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SPAN = timedelta(days=10)
OWNERS = 200
TOPICS = ("world", "business", "science", "sport", "culture")
LANGUAGES = ("en", "de", "fr", "es")
VOCABULARY = 4_000
STEPS = 20


def main(items: int = 100_000, outputs: int = 200) -> int:
    """Measure; print."""
    dice = random.Random(1)
    words = ["".join(dice.choices("abcdefghijklmnoprstuvw", k=7)) for _ in range(VOCABULARY)]
    with tempfile.TemporaryDirectory() as held:
        store = open_store("sqlite:///bench.sqlite3", root=Path(held))
        feeds = [
            Feed(id=f"f{n}", url=f"https://f{n}.example/", owner=f"o{n}") for n in range(OWNERS)
        ]
        store.feeds.configure(feeds, now=NOW - SPAN)
        made = made_items(items, dice, words)
        for batch in range(0, items, 1000):
            _file(store, made[batch : batch + 1000], dice)
        site = Site(base_url="https://bench.example", installation="bench")
        topics = tuple(Topic(slug=slug, title=slug) for slug in TOPICS)
        specs = tuple(made_specs(outputs, dice, words))
        press = Publisher(store, outputs=specs, topics=topics, site=site)
        print(f"{items} items, {outputs} outputs; seconds of CPU:")
        print(f"first, all outputs composed and rendered: {_took(press, NOW):.2f}")
        print(f"a minute later, nothing new: {_took(press, NOW + timedelta(minutes=1)):.3f}")
        print(f"one item new, {STEPS} steps: {_steps(store, press, dice, words)}")
        again = Publisher(store, outputs=specs, topics=topics, site=site)
        print(f"after a restart: {_took(again, NOW + timedelta(hours=1)):.2f}")
        store.close()
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
    return 0


def _steps(store: Store, press: Publisher, dice: random.Random, words: list[str]) -> str:
    took, rendered = [], 0
    for step in range(STEPS):
        now = NOW + timedelta(minutes=2 + step)
        item = replace(
            made_items(1, dice, words)[0],
            id=f"urn:new:{step}",
            key=f"new:{step}",
            first_seen=now,
            published=now,
            updated=now,
            listed=now,
        )
        _file(store, [item], dice)
        started = time.process_time()
        rendered += len(press.publish(now).editions)
        took.append(time.process_time() - started)
    took.sort()
    return (
        f"{took[STEPS // 2]:.3f} median, {took[-1]:.3f} most, "
        f"{rendered / STEPS:.1f} outputs rendered a step"
    )


def _took(press: Publisher, now: datetime) -> float:
    started = time.process_time()
    press.publish(now)
    return time.process_time() - started


def made_items(count: int, dice: random.Random, words: list[str]) -> list[Item]:
    def text(length: int) -> str:
        return " ".join(words[int(VOCABULARY * dice.random() ** 3)] for _ in range(length))

    made = []
    for number in range(count):
        at = NOW - SPAN + SPAN * (number / count)
        entry = Entry(
            guid=f"urn:x:{number}",
            link=f"https://f.example/{number}",
            title=text(9),
            summary=text(30),
            language=dice.choice(LANGUAGES),
        )
        made.append(
            Item(
                id=f"urn:x:{number}",
                feed=f"f{dice.randrange(OWNERS)}",
                key=f"guid:{number}",
                entry=entry,
                first_seen=at,
                published=at,
                updated=at,
                listed=at,
            )
        )
    return made


def _file(store: Store, items: list[Item], dice: random.Random) -> None:
    with store.transaction():
        store.items.apply(Intake(state=store.feeds.state("f0"), at=NOW, new=tuple(items)))
        for stored in store.items.pending(len(items)):
            at = stored.item.published
            topics = dice.sample(TOPICS, dice.randrange(3))
            store.items.file(
                Filing(
                    seq=stored.seq,
                    id=stored.item.id,
                    copy=None,
                    story=f"s{max(0, stored.seq // 4 - dice.randrange(3))}",
                    story_because="",
                    merged=(),
                    topics=tuple(TopicScore(topic=t, score=1.0, because="") for t in topics),
                    voice=Voice(owner=f"o{stored.item.feed[1:]}", weight=1.0, first=at, last=at),
                    trace="{}",
                )
            )


def made_specs(count: int, dice: random.Random, words: list[str]) -> Iterator[OutputSpec]:
    yield OutputSpec(name="latest", kind=Kind.LATEST, title="Latest", limit=100)
    yield OutputSpec(name="top", kind=Kind.TOP, title="Top", limit=30)
    for number in range(count - 2):
        kind = (Kind.LATEST, Kind.TOP)[number % 2]
        asked = (
            Filter(topics=(dice.choice(TOPICS),), words_none=tuple(dice.sample(words[500:], 3))),
            Filter(owners=tuple(f"o{n}" for n in dice.sample(range(OWNERS), 5))),
            Filter(languages=(dice.choice(LANGUAGES),), sources=2),
            Filter(words_any=tuple(dice.sample(words[200:], 20))),
        )[number // 2 % 4]
        yield OutputSpec(
            name=f"custom/{number}",
            kind=kind,
            title=f"Custom {number}",
            limit=100 if kind is Kind.LATEST else 30,
            only=asked,
        )


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
