"""What does the store know of the entries that a visit brought?"""

from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from aggregator.items.identity import ids_of, key_of
from aggregator.items.intake import listed_by
from aggregator.items.known import Known, traits_of
from aggregator.items.recognition import recognise, rekeyed
from aggregator.model.feeds import FeedState, KeyRule
from aggregator.model.items import Entry
from aggregator.sources.splitting import mark_of
from aggregator.storage import Store


def known_of(
    store: Store,
    state: FeedState,
    entries: Iterable[Entry],
    *,
    omitted: Collection[bytes] = (),
    partial: bool = False,
) -> Known:
    """Return all that `aggregator.items.intake.take_in` needs to know of ``entries``.

    Where every key is known, as at most visits, that is one look. ``omitted`` are the marks of
    entries that the document lists besides, and that were not read; of a ``partial`` document
    nobody knows what else the feed lists. What it says holds until the transaction ends.
    """
    waiting = store.items.waiting(state.feed)
    listed = listed_by(state, entries, waiting)
    if not listed:
        return Known()
    store.take_turn()  # an id that is free here must be so when it is given
    known = replace(
        store.items.known(state.feed, list(listed), ids_of(state.feed, listed)), waiting=waiting
    )
    if known.first_visit:
        return known
    listed, known = _rekeyed(store, state, listed, known)
    strangers = {key: entry for key, entry in listed.items() if key not in known.items}
    if strangers:
        recalled = store.items.recall(
            [trait for entry in strangers.values() for trait in traits_of(state.feed, entry)]
        )
        beside = (lambda key: mark_of(key) in omitted) if omitted or partial else None
        matches = recognise(state, listed, known, recalled, omitted=beside)
        known = replace(known, matches=matches)
    return replace(known, before=_before(store, listed, known))


def _rekeyed(
    store: Store, state: FeedState, listed: dict[str, Entry], known: Known
) -> tuple[dict[str, Entry], Known]:
    """Ask again for entries whose guid is another story's, and for what had other keys before."""
    found = rekeyed(listed, known, state.habits)
    more = {key: entry for key, entry in found.items() if key not in known.items}
    keys = set(more) - set(listed)
    if state.habits.key is not KeyRule.GUID:
        keys |= {key_of(entry) for entry in more.values()}
    if not keys:
        return found, known
    again = store.items.known(state.feed, sorted(keys), ids_of(state.feed, more))
    items = {**known.items, **again.items}
    known = replace(known, pruned={**known.pruned, **again.pruned})
    # What was pruned under its former key is not new under this one, unless it came later: a guid
    # that stories share would bar all that follow the first.
    shared = state.habits.reused or state.habits.key in (KeyRule.BOTH, KeyRule.WORDS)
    pruned = {
        key: None
        for key, entry in more.items()
        if (former := key_of(entry)) in items and items[former] is None
        if not (shared and known.outlived(former, entry))
    }
    return found, replace(known, items={**items, **pruned}, taken=known.taken | again.taken)


def _before(store: Store, listed: Mapping[str, Entry], known: Known) -> dict[str, Entry]:
    """Return the stored words of those items whose words are others now."""
    changed = [
        item.id
        for key, entry in listed.items()
        if (item := known.item(key)) and item.digest != entry.digest
    ]
    return {id_: stored.item.entry for id_, stored in store.items.by_id(changed).items()}
