"""Which issue of a digest is to be made now, and of what?"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.editions import Edition, EditionEntry, OutputSpec, Schedule, Site
from aggregator.model.items import StoredItem
from aggregator.model.published import Issue, Stay
from aggregator.outputs import pages
from aggregator.outputs.addresses import issue_path
from aggregator.outputs.digests import PUNCTUAL, Due, due, edition_of, issue_of, not_told
from aggregator.outputs.editions import latest, story_entry
from aggregator.outputs.standing import Candidate, FaceOf, enlist
from aggregator.service.material import Material
from aggregator.service.press import Press
from aggregator.storage import Store

SETTLING = timedelta(minutes=5)  # after a start, feeds are asked before a missed issue is made


class Listed(Struct, frozen=True, kw_only=True):
    """What an issue lists, and the stories that count as told from then on."""

    entries: tuple[EditionEntry, ...]
    told: tuple[Stay, ...] = ()


class Issuer:
    """Makes issues when they are due, each once. Works on the store's thread."""

    def __init__(self, store: Store, material: Material, site: Site) -> None:
        self._store = store
        self._material = material
        self._site = site
        self._began: datetime | None = None

    def compose(
        self,
        spec: OutputSpec,
        schedule: Schedule,
        held: Edition | None,
        listing: Callable[[OutputSpec, Issue | None], Listed],
        press: Press,
    ) -> Edition:
        """Return a digest, with the issue that is due now; ``listing`` names what that lists."""
        now = self._material.now
        self._began = self._began or now
        born = self._store.outputs.born(spec.name, now)
        last = next(iter(self._store.outputs.issues(spec.name, 1)), None)
        asked = due(schedule, now)
        made = False
        if asked and self._is_time(asked, last, born):
            made = self._make(spec, asked, listing(replace(spec, limit=schedule.most), last))
        if held and not made:
            return held
        issues = self._store.outputs.issues(spec.name, spec.limit + 1)
        edition = edition_of(spec, issues[: spec.limit], self._site, born=born)
        self._print(spec, edition, issues, press)
        return edition

    def _make(self, spec: OutputSpec, asked: Due, listed: Listed) -> bool:
        if not listed.entries:
            return False  # there may be something later in the day
        now, mark = self._material.now, self._store.items.filed()
        made = issue_of(spec, listed.entries, asked.day, self._site, now=now, mark=mark)
        self._store.outputs.bring_out(made)
        self._store.outputs.enrol(listed.told)
        return True

    def paths(self, spec: OutputSpec) -> frozenset[str]:
        """Return where the pages of a digest's issues are served."""
        issues = self._store.outputs.issues(spec.name, spec.limit)
        return frozenset(issue_path(spec, issue.day) for issue in issues)

    def _is_time(self, asked: Due, last: Issue | None, born: datetime) -> bool:
        if asked.at < born or (last and last.day >= asked.day):
            return False
        now = self._material.now
        if now - asked.at <= PUNCTUAL or (self._began and now - self._began >= SETTLING):
            return True
        # It was missed. After a start, wait for the news of today.
        newest = self._store.items.latest(topic=None, limit=1)
        return bool(newest) and newest[0].item.first_seen > asked.at

    def _print(
        self, spec: OutputSpec, edition: Edition, issues: tuple[Issue, ...], press: Press
    ) -> None:
        for issue, entry in zip(issues, edition.entries, strict=False):
            path = issue_path(spec, issue.day)
            with press.keeping(path):
                press.put(path, pages.MEDIA_TYPE, pages.issue(self._site, entry, spec))
        for issue in issues[spec.limit :]:
            press.drop(issue_path(spec, issue.day))


def items_for(
    size: OutputSpec,
    last: Issue | None,
    pool: tuple[StoredItem, ...],
    store: Store,
    material: Material,
) -> Listed:
    """Return what an issue of items lists: of ``pool``, what came since the ``last`` one."""
    fresh = [one for one in pool if last is None or _is_new(one, last)]
    copies = store.items.copies(stored.item.id for stored in fresh)
    return Listed(entries=latest(size, fresh, copies, material.sources, born=material.now).entries)


def stories_for(
    size: OutputSpec,
    ranked: tuple[Candidate, ...],
    before: Mapping[str, Stay],
    face: FaceOf,
    material: Material,
) -> Listed:
    """Return what an issue of stories lists; ``before`` are those of earlier issues."""
    fresh = not_told(ranked, before, material.forward(before), size.milestones)
    chosen = sorted(enlist(size, fresh, {}, face, now=material.now), key=lambda stay: stay.place)
    told = material.told(stay.story for stay in chosen)
    return Listed(
        entries=tuple(story_entry(s, told[s.story], material.sources) for s in chosen),
        told=tuple(replace(stay, left=material.now) for stay in chosen),
    )


def _is_new(one: StoredItem, last: Issue) -> bool:
    """Tell whether an item came since ``last``, which saw only what was filed by then.

    What is new to us but was there before is no news, if that was before ``last``.
    """
    return one.filed > last.mark and one.item.listed >= min(one.item.first_seen, last.made)
