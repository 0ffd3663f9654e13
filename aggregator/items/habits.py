"""What tells the entries of a feed apart, by its own history?"""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from aggregator.items.known import Known, Match
from aggregator.items.recognition import (
    ALL_MOVED,
    ALL_RETITLED,
    MOST_LEAST,
    REUSED,
    SAME_GUID,
    SAME_PAGE,
    SAME_TITLE,
)
from aggregator.model.feeds import Habits, KeyRule

REFORMED = 3  # items under another form of their guid: then that form is the feed's key
RENEWED = 3  # visits at which most ids were others


def learned(
    habits: Habits, matches: Mapping[str, Match], *, listed: Iterable[str], known: Known
) -> Habits:
    """Return ``habits`` after a visit, with the key that the feed's own history asks for.

    Any key that is left stays as an alias of its item, so that a change back is none.
    """
    keys = set(listed)
    rules = Counter(match.rule for match in matches.values())
    reused = sum(key.startswith("both:") and not known.has(key) for key in keys)
    most = max(MOST_LEAST, len(keys) / 2)
    after = replace(
        habits,
        reformed=habits.reformed + rules[SAME_GUID],
        reused=habits.reused + (reused if habits.key is not KeyRule.BOTH else 0),
        renewed=habits.renewed + (rules[SAME_PAGE] + rules[ALL_MOVED] >= most),
        reworded=habits.reworded + (rules[SAME_TITLE] + rules[ALL_RETITLED] >= most),
    )
    return replace(after, key=_key_after(after))


def _key_after(habits: Habits) -> KeyRule:
    if habits.key in (KeyRule.BOTH, KeyRule.WORDS):
        return habits.key
    if habits.reused >= REUSED:
        return KeyRule.BOTH
    if habits.reworded >= RENEWED:
        return KeyRule.WORDS
    if habits.renewed >= RENEWED:
        return KeyRule.LINK
    if habits.reformed >= REFORMED and habits.key is KeyRule.GUID:
        return KeyRule.FORM
    return habits.key


_TOLD = {
    KeyRule.GUID: "their guids",
    KeyRule.FORM: "their guids less what moves in them (scheme, host form, tracking, #1)",
    KeyRule.LINK: "their links, as its guids do not last",
    KeyRule.BOTH: "guid and link, as its guids are used again for other stories",
    KeyRule.WORDS: "title and date, as neither its guids nor its links last",
}


def remark_on(before: Habits, after: Habits) -> str | None:
    """Return what ops should know of a change of habits, in one line; None mostly."""
    if before.key is after.key:
        return None
    return f"its entries are now told apart by {_TOLD[after.key]}; ids that subscribers know stay"
