"""What did ops ask for, all files taken together?"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from aggregator.items.apart import NOTHING_APART, NeverFold
from aggregator.model.discreet import Discreet
from aggregator.model.editions import OutputSpec, Site
from aggregator.model.errors import SettingsError
from aggregator.model.feeds import Feed
from aggregator.model.stories import Topic
from aggregator.settings.addresses import read_addresses
from aggregator.settings.copies import read_copies
from aggregator.settings.documents import Document, read_document
from aggregator.settings.feeds import read_feeds
from aggregator.settings.nodes import Fault
from aggregator.settings.outputs import read_outputs
from aggregator.settings.ranking import read_ranking
from aggregator.settings.service import ServiceFile, ServiceSettings, read_service
from aggregator.settings.topics import read_topics
from aggregator.stories.ranking import DEFAULT, RankSettings
from aggregator.text.sites import USUAL_ADDRESSES, AddressRules
from aggregator.text.urls import split_credentials

SECRET_LENGTH = 6  # characters
_VARIABLE = re.compile(r"\$\{(\w+)\}")


class Settings(Discreet, frozen=True, kw_only=True):
    """Everything that ops asked for, checked and complete. Feeds that are not enabled are in it."""

    hidden = frozenset({"secrets"})

    feeds: tuple[Feed, ...]
    service: ServiceSettings
    topics: tuple[Topic, ...]
    outputs: tuple[OutputSpec, ...]
    site: Site
    ranking: RankSettings = DEFAULT
    addresses: AddressRules = USUAL_ADDRESSES
    never_fold: NeverFold = NOTHING_APART
    secrets: frozenset[str] = frozenset()
    """What must be seen nowhere: passwords, headers' values, tokens, what ${NAME} stands for."""


def load(*, feeds: Path | None, config: Path, environ: Mapping[str, str]) -> Settings:
    """Read ``feeds`` and the files in the folder ``config``, each of which may be missing.

    Without ``feeds`` there are none: for those who bring their own, such as a replay.
    ``environ`` fills ``${NAME}`` in, and its AGGREGATOR_HOST, _PORT, _BASE_URL and _STORAGE go
    before ``service.yaml``. Raises SettingsError with every mistake of every file, by file and
    position.
    """
    service, faults = read_service(read_document(config / "service.yaml", environ), environ)
    subjects = read_document(config / "topics.yaml", environ, listing="topics")
    topics, slugs, in_topics = read_topics(subjects)
    found: tuple[Feed, ...] = ()
    listed: Document | None = None
    in_feeds: list[Fault] = []
    if feeds is not None:
        listed = read_document(feeds, environ, listing="feeds")
        found, in_feeds = read_feeds(listed, slugs)
    products = read_document(config / "outputs.yaml", environ, listing="outputs")
    outputs, in_outputs = read_outputs(
        products,
        topics,
        slugs,
        service.publish.entries,
        found if feeds is not None and not in_feeds else None,
    )
    ranking, in_ranking = read_ranking(read_document(config / "ranking.yaml", environ))
    faults += in_feeds + in_ranking
    faults += in_topics + in_outputs
    addresses, in_addresses = read_addresses(read_document(config / "addresses.yaml", environ))
    named = None if feeds is None or in_feeds else tuple(feed.id for feed in found)
    copies = read_document(config / "copies.yaml", environ)
    never_fold, in_copies = read_copies(copies, addresses, named)
    faults += in_addresses + in_copies
    if faults:
        raise SettingsError(tuple(str(fault) for fault in sorted(set(faults))))
    return Settings(
        feeds=found,
        service=service.settings(),
        topics=topics,
        outputs=outputs,
        site=_site(service, outputs),
        ranking=ranking,
        addresses=addresses,
        never_fold=never_fold,
        secrets=frozenset(_secrets(found, service, listed, environ)),
    )


def _site(service: ServiceFile, outputs: Iterable[OutputSpec]) -> Site:
    """Return the site; who keeps an output private hardly wants its items found by everybody."""
    site = service.publisher()
    if service.site.search is None and any(spec.private for spec in outputs):
        return replace(site, search=False)
    return site


def _secrets(
    feeds: tuple[Feed, ...],
    service: ServiceSettings,
    document: Document | None,
    environ: Mapping[str, str],
) -> Iterator[str]:
    """Yield what must be seen nowhere; what is too short for a secret would hide half the log."""
    held = [service.ops.token or "", (split_credentials(service.storage)[1] or ("", ""))[1]]
    for feed in feeds:
        for _, value in feed.headers:
            held += [value, value.rpartition(" ")[2]]  # Bearer TOKEN
        held.append((feed.credentials or ("", ""))[1])
    for trail, template in document.templates.items() if document else ():
        if trail[-1] == "url" or len(trail) == 2:  # an address alone
            held += [environ.get(name, "") for name in _VARIABLE.findall(template)]
    yield from (text for text in held if len(text) >= SECRET_LENGTH)
