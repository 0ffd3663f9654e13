"""A made-up morning's news, in several scripts, to print pages from."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from aggregator.model.editions import (
    Also,
    Edition,
    EditionEntry,
    Kind,
    OutputSpec,
    Site,
    Source,
)
from aggregator.model.stories import Rank, Topic
from aggregator.outputs.pages import Neighbour, Report, Section, StoryTold

NOW = datetime(2031, 5, 12, 9, 40, tzinfo=UTC)
SITE = Site(base_url="https://wire.example", title="The Morning Wire", contact="desk@wire.example")
PICTURES = "https://pictures.example"

_PAPERS = (
    "Harbour Gazette",
    "Northfield Courier",
    "Quayside Ledger",
    "Orrery",
    "Touchline",
    "Hillfoot Herald",
    "Saltmarsh Observer",
    "Meridian News Agency",
    "Nordhafener Tagblatt",
    "The Lighthouse Bulletin",
)

_TOPICS = (
    Topic(slug="world", title="World"),
    Topic(slug="business", title="Business"),
    Topic(slug="science", title="Science"),
    Topic(slug="technology", title="Technology"),
    Topic(slug="culture", title="Culture"),
    Topic(slug="sport", title="Sport"),
)

# headline, standfirst, topic, paper, minutes ago, scene of the picture, others, agency, language
_TOP = (
    (
        "Five harbour cities sign the grain pact after a night of talks",
        (
            "Ministers put their names to a ten-year agreement on storage and fair prices at "
            "dawn, hours after the last objection, over who insures the barges, was dropped."
        ),
        "world",
        0,
        95,
        "sea",
        7,
        "MNA",
        None,
    ),
    (
        "Night ferry rows back to port with all 212 aboard safe",
        "Engineers blame a sand-choked intake; the operator suspends the route until Thursday.",
        "world",
        1,
        150,
        "storm",
        4,
        None,
        None,
    ),
    (
        "Telescope on Mount Sorrel sees weather on a world of iron rain",
        "Clouds form, drift and fall within a single afternoon, forty light years away.",
        "science",
        3,
        260,
        "night",
        2,
        None,
        None,
    ),
    (
        "Central bank of Norhaven holds its rate and says so plainly",
        "“We have not moved because nothing else has,” the governor told a half-empty room.",
        "business",
        2,
        40,
        "city",
        3,
        "MNA",
        None,
    ),
    (
        "Teachers and councils settle; schools open on Monday",
        "",
        "world",
        5,
        70,
        None,
        3,
        None,
        None,
    ),
    (
        "اتفاق على إعادة فتح الجسر القديم أمام المشاة قبل نهاية الصيف",
        "",
        "world",
        6,
        80,
        None,
        2,
        None,
        "ar",
    ),
    (
        "Tram makers merge, promising one key for every cab",
        "",
        "business",
        2,
        130,
        None,
        2,
        None,
        None,
    ),
    (
        "A beaver dam turns out to be older than the village",
        "",
        "science",
        3,
        300,
        None,
        1,
        None,
        None,
    ),
    ("Neue Fähre nach Nordhafen fährt nur mit Wind", "", "technology", 8, 210, None, 1, None, "de"),
    ("Courier riders win the right to say no to ice", "", "business", 1, 330, None, 2, None, None),
    (
        "Record crowd for a chess final that ended in nine moves",
        "",
        "sport",
        4,
        400,
        None,
        1,
        None,
        None,
    ),
    (
        "Orchestra plays the storm it was interrupted by",
        "",
        "culture",
        9,
        1500,
        None,
        1,
        None,
        None,
    ),
)

_LATEST = (
    ("Norhaven’s tide gates to close twice this week", "world", 0, 4, None),
    ("Bread prices fall for a third month in the river towns", "business", 2, 9, None),
    ("山間の図書館、百年ぶりに屋根を新調", "culture", 3, 14, "ja"),
    ("Hillfoot goalkeeper signs for two more seasons", "sport", 4, 21, None),
    ("Survey finds most commuters would rather have the bench back", "world", 5, 27, None),
    ("مدينة الميناء تفتتح مكتبة عائمة لأطفال القرى", "culture", 6, 33, "ar"),
    ("Chip works in Eastmarch to reuse nine tenths of its water", "technology", 1, 41, None),
    ("Storm petrels nest on the decommissioned rig", "science", 3, 47, None),
    ("Postal strike called off an hour before it began", "business", 7, 52, None),
    ("Bürgermeisterin eröffnet das kleinste Theater der Küste", "culture", 8, 58, "de"),
    ("Two climbers walk down from the ridge after three nights", "world", 1, 63, None),
    ("Open-source map of the seabed reaches the shelf", "technology", 3, 75, None),
    ("Rowers break a lake record that stood since the flood", "sport", 4, 83, None),
    ("Museum returns a bell to the town that cast it", "culture", 9, 91, None),
    ("Ports agree on one form for every crate", "business", 2, 99, None),
    ("Signal box museum saved by its own signalmen", "culture", 5, 120, None),
    ("Frost warning lifted for the upper orchards", "world", 4, 131, None),
    ("Wool prices steady as the fair opens", "business", 0, 140, None),
)

_BY_TOPIC = {
    "world": (
        ("Island council votes to move the school uphill", "hills"),
        ("Border market reopens with a longer bridge", None),
        ("Observers praise a dull and orderly count", None),
        ("River pilots ask for lights on the new piers", None),
        ("Refugee choir gives its hundredth concert", None),
    ),
    "business": (
        ("The last rope walk on the coast finds a buyer", "paper"),
        ("Ferry insurers ask for cameras on the ramps", None),
        ("Small mills outsell the combine in a dry spring", None),
        ("Harbour dues to be published by the hour", None),
        ("Cooperative bank opens a branch in a barge", None),
    ),
    "science": (
        ("A fern that folds at noon keeps time within a minute", "field"),
        ("Core from the salt lake holds nine thousand winters", None),
        ("Bats in the tunnel learned the timetable", None),
        ("Cheaper sensor hears a leak from across the street", None),
        ("Amateurs find a comet between two chimneys", None),
    ),
    "technology": (
        ("Village builds its own radio mast, and shares it", "hills"),
        ("Repair law brings back the screw", None),
        ("Weather model now runs on a laptop in an hour", None),
        ("Phone maker promises parts for eleven years", None),
        ("Library lends solar panels by the week", None),
    ),
    "culture": (
        ("The lost reels of the Lantern Brothers, found in a bakery", "city"),
        ("A novel told entirely in harbour notices", None),
        ("Puppet theatre goes to sea for the summer", None),
        ("Potters revive a green nobody could name", None),
        ("Old cinema organ wakes after sixty years", None),
    ),
    "sport": (
        ("Norhaven win the cup in the last minute of the fog", "field"),
        ("Fell race cut short by an obliging thunderstorm", None),
        ("Curling final decided by a hair", None),
        ("Goalball league doubles in a year", None),
        ("Swimmer crosses the sound and comes back", None),
    ),
}

_RETOLD = ("{}: what we know", "{}", "{}, hour by hour", "“{}”: readers reply", "{} – in pictures")

_MISSED = (
    ("How one lamp keeper’s diary redrew the coast", "night"),
    ("The town that sold its clock, and bought it back", "paper"),
    ("Inside the quiet rescue of the northern line", "storm"),
    ("What the orchard keepers knew before the frost", "field"),
)


def source(paper: int) -> Source:
    """Return a made-up publisher."""
    name = _PAPERS[paper % len(_PAPERS)]
    host = name.lower().replace(" ", "-") + ".example"
    return Source(title=name, url=f"https://{host}/feed", home=f"https://{host}/", owner=host)


def also(count: int, title: str, paper: int) -> tuple[Also, ...]:
    """Return ``count`` other reports of ``title``; the second is a copy."""
    told = []
    for n in range(count):
        other = source(paper + 1 + n)
        told.append(
            Also(
                title=title if n == 1 else retold(title, n),
                link=f"{other.home}{hash_of(title) + n}",
                source=other.title,
                owner=other.owner,
                published=NOW - timedelta(minutes=60 + n),
                copy=n == 1,
            )
        )
    return tuple(told)


def retold(title: str, n: int) -> str:
    """Return ``title`` in the words of paper ``n``, as far as that can be done in English."""
    return _RETOLD[n % len(_RETOLD)].format(title.partition(",")[0]) if title.isascii() else title


def hash_of(text: str) -> int:
    """Return a number that is the same in every process."""
    return sum(place * ord(letter) for place, letter in enumerate(text, start=1)) % 100_000


def entry(
    title: str,
    *,
    paper: int = 0,
    minutes: int = 30,
    topic: str = "world",
    standfirst: str = "",
    scene: str | None = None,
    others: int = 0,
    agency: str | None = None,
    language: str | None = None,
    pictures: str = PICTURES,
) -> EditionEntry:
    """Return one entry."""
    at = NOW - timedelta(minutes=minutes)
    number = hash_of(title)
    return EditionEntry(
        id=f"urn:sample:{number}",
        title=title,
        link=f"{source(paper).home}{number}",
        published=at,
        updated=at,
        summary=standfirst,
        content_html=f"<p>{'word ' * 700}</p>" if standfirst and others > 2 else "",
        authors=("Ada Kestrel",) if others > 5 else (),
        categories=(topic,),
        language=language,
        image=f"{pictures}/{scene}/{number}.png" if scene else None,
        agency=agency,
        source=source(paper),
        also=also(others, title, paper),
    )


def edition(name: str, title: str, *entries: EditionEntry, topic: str | None = None) -> Edition:
    """Return an edition of ``entries``, as new as the newest of them."""
    kind = Kind.TOP if name.endswith("top") else Kind.LATEST
    updated = max((e.updated for e in entries), default=NOW)
    return Edition(
        spec=OutputSpec(name=name, kind=kind, title=title, topic=topic),
        updated=updated,
        entries=entries,
    )


def top(pictures: str = PICTURES) -> Edition:
    """Return Top News."""
    told = (
        entry(
            title,
            standfirst=standfirst,
            topic=topic,
            paper=paper,
            minutes=minutes,
            scene=scene,
            others=others,
            agency=agency,
            language=language,
            pictures=pictures,
        )
        for title, standfirst, topic, paper, minutes, scene, others, agency, language in _TOP
    )
    return edition("top", "Top News", *told)


def latest() -> Edition:
    """Return Latest."""
    told = (
        entry(title, topic=topic, paper=paper, minutes=minutes, language=language)
        for title, topic, paper, minutes, language in _LATEST
    )
    return edition("latest", "Latest", *told)


def sections(pictures: str = PICTURES) -> tuple[Section, ...]:
    """Return six topics."""
    return tuple(_section(topic, place, pictures) for place, topic in enumerate(_TOPICS))


def missed(pictures: str = PICTURES) -> tuple[EditionEntry, ...]:
    """Return stories that have slipped from Top News."""
    return tuple(
        entry(
            title,
            topic=("culture", "business", "world", "science")[n % 4],
            paper=n + 2,
            minutes=700 + 90 * n,
            scene=scene,
            others=3,
            pictures=pictures,
        )
        for n, (title, scene) in enumerate(_MISSED)
    )


def abroad(pictures: str = PICTURES) -> Section:
    """Return a topic whose news is mostly written from right to left."""
    slug = "mashriq"
    told = (
        entry(
            "افتتاح خط القطار الساحلي بعد سبع سنوات من العمل",
            standfirst="قال مدير المشروع إن الرحلة الأولى وصلت قبل موعدها بدقيقتين، وإن التذاكر "
            "ستبقى مجانية حتى نهاية الشهر.",
            topic=slug,
            paper=6,
            minutes=35,
            scene="sea",
            others=5,
            agency="MNA",
            language="ar",
            pictures=pictures,
        ),
        entry(
            "שוק הספרים הישן חוזר לרציף",
            standfirst="שמונים דוכנים, שלוש שפות ותקליט אחד שאיש לא מוכן למכור.",
            topic=slug,
            paper=7,
            minutes=65,
            scene="city",
            others=2,
            language="he",
            pictures=pictures,
        ),
        entry(
            "باغبانان شهر درختان انار را نجات دادند",
            standfirst="سرمای دیررس به شاخه‌ها آسیب زد، اما ریشه‌ها سالم ماندند.",
            topic=slug,
            paper=8,
            minutes=90,
            scene="field",
            others=4,
            language="fa",
            pictures=pictures,
        ),
        entry(
            "Desert observatory opens its doors to school classes",
            standfirst="Buses leave every clear Thursday.",
            topic=slug,
            paper=3,
            minutes=110,
            scene="night",
            pictures=pictures,
        ),
    )
    news = (
        entry("أسعار القمح تستقر في مرافئ الشمال", topic=slug, paper=6, minutes=5, language="ar"),
        entry("Ferry timetable printed in four scripts", topic=slug, paper=1, minutes=12),
        entry("بندرگاه تازه تا پاییز آماده می‌شود", topic=slug, paper=8, minutes=31, language="fa"),
        entry("渡し船の時刻表、四つの文字で印刷", topic=slug, paper=3, minutes=44, language="ja"),
        entry("新港口将于秋季启用", topic=slug, paper=3, minutes=51, language="zh-Hans"),
    )
    topic = Topic(slug=slug, title="Mashriq")
    return Section(
        topic=topic,
        top=edition(f"topics/{slug}/top", "Top News: Mashriq", *told, topic=slug),
        latest=edition(f"topics/{slug}/latest", "Latest: Mashriq", *news, topic=slug),
    )


def _section(topic: Topic, place: int, pictures: str) -> Section:
    slug = topic.slug
    told = [
        entry(
            title,
            topic=slug,
            paper=place + n,
            minutes=20 + 37 * n,
            scene=scene,
            standfirst="A short account, with names, figures and what happens next."
            if scene
            else "",
            pictures=pictures,
        )
        for n, (title, scene) in enumerate(_BY_TOPIC[slug])
    ]
    return Section(
        topic=topic,
        top=edition(f"topics/{slug}/top", f"Top News: {topic.title}", told[0], topic=slug),
        latest=edition(f"topics/{slug}/latest", f"Latest: {topic.title}", *told, topic=slug),
    )


def story_told(pictures: str = PICTURES) -> StoryTold:
    """Return a story that five owners report, one of them in an agency's words."""
    headline = "Five harbour cities sign the grain pact after a night of talks"
    face = entry(
        headline,
        standfirst="Ministers put their names to a ten-year agreement on storage and fair prices "
        "at dawn, hours after the last objection, over who insures the barges, was dropped.",
        minutes=95,
        scene="sea",
        others=6,
        agency="MNA",
        pictures=pictures,
    )
    reports = [Report(entry=replace(face, also=()), because="opened")]
    for n in range(1, 7):
        told = entry(retold(headline, n), paper=n if n < 6 else 1, minutes=95 - 12 * n)
        told = replace(told, id=f"{told.id}:{n}")
        repeats = n == 3
        reports.append(
            Report(
                entry=replace(told, title=headline) if repeats else told,
                because="copy" if repeats else f"joined 0.{40 + n}, rivals 0.11",
                copy_of=face.id if repeats else None,
                copy_because="same-text 0.93" if repeats else "",
            )
        )
    parts = (("owners", 6.0), ("weight", 0.5), ("copies", -0.75), ("age", 0.0), ("growth", 1.5))
    return StoryTold(
        id="urn:uuid:7b0d9c2e-6a39-5a86-9f7e-6d3c1f1b7a54",
        face=face.id,
        reports=tuple(reports),
        rank=Rank(story="s", score=7.25, parts=parts),
        topics=_TOPICS,
        previous=Neighbour(path="stories/a", title="Night ferry rows back to port"),
        next=Neighbour(path="stories/b", title="新港口将于秋季启用", language="zh-Hans"),
        others=(
            Neighbour(path="stories/c", title="Desert observatory opens its doors"),
            Neighbour(path="stories/d", title="أسعار القمح تستقر في مرافئ الشمال", language="ar"),
        ),
    )
