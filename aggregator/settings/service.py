"""How does this installation run? (``config/service.yaml``)"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from msgspec.structs import replace
from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from aggregator.model.editions import Site
from aggregator.outputs.hub import HUB
from aggregator.settings.documents import Document
from aggregator.settings.group import Group
from aggregator.settings.kinds import (
    BaseUrl,
    Contact,
    Duration,
    Language,
    Line,
    Networks,
    Ports,
    Size,
    StorageUrl,
    WebUrls,
    between,
    is_local,
    matching,
    secret,
    usual,
)
from aggregator.settings.mistakes import validated
from aggregator.settings.nodes import Fault, Trail, Value
from aggregator.sources.websub.asking import is_public

USUAL_PORTS = (80, 443)


class Listen(Group):
    """Where the web server listens."""

    host: Line = "127.0.0.1"
    """Address to bind. 127.0.0.1 is this machine only; a container sets AGGREGATOR_HOST=0.0.0.0."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """TCP port; 0 lets the system choose a free one."""
    proxies: Networks = ("127.0.0.0/8", "::1/128")
    """Addresses of proxies before it, whose X-Forwarded-For tells who asks: so that the hub limits
    each subscriber by itself, not all that come by the same proxy together."""


class Retention(Group):
    """How long things are remembered."""

    items: Annotated[Duration, between("14d", "3650d")] = timedelta(days=90)
    """Items older than this leave the database, once no output lists them or their story."""
    per_feed: Annotated[int, Field(ge=100, le=10_000_000)] | None = None
    """Items of one feed that are kept, at most; the older ones go first. Any number if unset."""
    issues: Annotated[Duration, between("1d", "36500d")] = timedelta(days=365)
    """Issues of digests older than this go, once their feed no longer lists them."""
    names: Annotated[Duration, between("365d", "36500d")] = timedelta(days=1095)
    """How long the ids of items that went are remembered, so that they never come as new."""
    gone: Annotated[Duration, between("1d", "36500d")] = timedelta(days=365)
    """How long an address that was served once answers 410 rather than 404."""


class Polling(Group):
    """How often publishers are asked."""

    default_every: Annotated[Duration, between("5m", "7d")] = timedelta(minutes=60)
    """Interval of a feed of which nothing else is known."""
    floor: Annotated[Duration, between("5m", "7d")] = timedelta(minutes=15)
    """Never ask more often than this, unless the feed's own `every` says so (least: 5m)."""
    max_every: Annotated[Duration, between("5m", "7d")] = timedelta(hours=24)
    """Never wait longer than this because a feed is quiet or failing."""

    @model_validator(mode="after")
    def _in_order(self) -> "Polling":
        if not self.floor <= self.default_every <= self.max_every:
            raise ValueError("must satisfy floor <= default_every <= max_every; change one of them")
        return self


class Politeness(Group):
    """How hard publishers are asked."""

    concurrency: Annotated[int, Field(ge=1, le=500)] = 20
    """Requests under way at once, over all publishers."""
    per_host: Annotated[int, Field(ge=1, le=8)] = 1
    """Requests under way at once to one host."""
    spacing: Annotated[Duration, between("0s", "10m")] = timedelta(seconds=1)
    """Pause between two requests to one host."""
    start_rate: Annotated[float, Field(ge=0.01, le=1000, allow_inf_nan=False)] = 10.0
    """Requests begun per second, at most, so that a restart is no burst."""


class Limits(Group):
    """What one visit may cost."""

    deadline: Annotated[Duration, between("1s", "10m")] = timedelta(seconds=30)
    """Whole time for one visit's request, redirects included."""
    body_bytes: Annotated[Size, Field(ge=1000, le=1_000_000_000)] = 15_000_000
    """Largest document taken, counted after decompression."""
    parse_seconds: Annotated[float, Field(ge=0.1, le=600, allow_inf_nan=False)] = 20.0
    """Seconds after which the parsing of one document is stopped."""
    parse_memory: Annotated[Size, Field(ge=64_000_000, le=16_000_000_000)] = 512_000_000
    """Memory that one parse worker may use."""
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    """Parse workers (processes)."""
    new_items: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """New items taken from one document, newest first, at most."""


class Reach(Group):
    """Which addresses may be asked. Only public ones, on the web's own ports, unless named here."""

    allow_private: Networks = ()
    """Private or local address ranges that feeds may be fetched from, e.g. 10.0.0.0/8."""
    allow_ports: Ports = USUAL_PORTS
    """TCP ports that feeds may be fetched from; at `allow_private` addresses any port may be."""


class Push(Group):
    """Whether hubs tell us of news (WebSub), so that feeds need hardly be asked."""

    subscribe: Annotated[
        str,
        matching("auto|on|off", "is none of the three; write auto, on or off"),
        WithJsonSchema({"enum": ["auto", "on", "off"]}),
    ] = "auto"
    """auto: if `site.base_url` looks like an address that hubs can reach; on; off."""
    lease: Annotated[Duration, between("1h", "30d")] = timedelta(days=10)
    """How long a subscription should last before it is renewed; hubs have the last word."""
    allow_sha1: bool = False
    """Also believe deliveries that are signed with SHA-1, as some old hubs do."""
    secret_over_http: bool = False
    """Give hubs that do not speak https a secret, too, although it can be read on the way."""


class Hub(Group):
    """How subscribers are told of what we publish (WebSub), so that they need not ask."""

    serve: Annotated[
        str,
        matching("auto|on|off", "is none of the three; write auto, on or off"),
        WithJsonSchema({"enum": ["auto", "on", "off"]}),
    ] = "auto"
    """A hub of our own, for our feeds only. auto: if `site.base_url` looks like an address that
    subscribers can reach, and no `publish.folder` is served there instead; on; off."""
    subscribers: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Subscriptions at once, at most; a fourth of them for callbacks of one host."""
    allow_private: Networks = ()
    """Private or local address ranges that callbacks may be at, e.g. of a reader in your house."""
    allow_ports: Ports = USUAL_PORTS
    """TCP ports that callbacks may be at; at `allow_private` addresses any port may be."""
    ping: WebUrls = ()
    """Hubs of others that are told of every changed feed, and that feeds name for subscribers."""


class Publish(Group):
    """What subscribers are given."""

    entries: Annotated[int, Field(ge=1, le=1000)] = 100
    """Entries of an output whose own `limit` is not set in outputs.yaml."""
    max_age: Annotated[Duration, between("0s", "1d")] = timedelta(minutes=5)
    """How long readers and proxies may keep an output without asking (Cache-Control)."""
    hold: Annotated[Duration, between("0s", "1d")] = timedelta(minutes=30)
    """How long an output that looks wrong beside the last one may wait; 0s lets it out at once."""
    new_at_once: Annotated[int, Field(ge=10, le=1000)] = 50
    """Entries that may come at once, beyond the usual pace, before an output looks wrong."""
    archive_pages: Annotated[int, Field(ge=0, le=1000)] = 10
    """Pages that the archive of an output keeps of what has left it; 0 for no archives."""
    folder: Line | None = None
    """Folder to keep current with the whole site, for a web server or CDN; none if unset."""


class Ops(Group):
    """Where ops look: the status page, metrics and the feed of alerts."""

    host: Line = "127.0.0.1"
    """Address to bind for ops alone. Anything but this machine needs a `token`."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8081
    """TCP port for ops alone; 0 lets the system choose a free one."""
    token: Annotated[str, AfterValidator(secret)] | None = Field(default=None, repr=False)
    """Who shows it (as Bearer, or as password of any user) sees /status, /metrics and
    /feeds/ops.atom at the public address too. There is none unless you set it."""
    log: Annotated[
        str,
        matching("auto|json|console", "is none of the three; write auto, json or console"),
        WithJsonSchema({"enum": ["auto", "json", "console"]}),
    ] = "auto"
    """How the log is written: auto is for people on a terminal and JSON elsewhere."""

    @model_validator(mode="after")
    def _guarded(self) -> "Ops":
        if self.token is None and not is_local(self.host):
            raise ValueError("must have a token to be reached from elsewhere; set ops: token")
        return self


class ServiceSettings(Group):
    """How this installation runs. Durations are timedeltas, sizes bytes."""

    listen: Listen = usual()
    storage: StorageUrl = Field(
        default="sqlite:///data/aggregator.sqlite3",
        description="Database; a relative SQLite path counts from the working directory.",
    )
    retention: Retention = usual()
    polling: Polling = usual()
    politeness: Politeness = usual()
    limits: Limits = usual()
    reach: Reach = usual()
    push: Push = usual()
    hub: Hub = usual()
    publish: Publish = usual()
    ops: Ops = usual()


class SiteEntry(Group):
    """Who publishes."""

    base_url: BaseUrl | None = None
    """Public address of this installation, for subscribers; http://localhost:PORT if unset."""
    title: Line = "aggregator"
    """Name of the site, in page and feed titles."""
    language: Language = "en"
    """Language of the site's own words (not of the news)."""
    contact: Contact | None = None
    """Page or mail address where publishers can reach you; sent in the User-Agent."""
    images: bool = True
    """Show pictures on pages; readers' browsers fetch them from the publishers."""
    search: bool | None = None
    """Let everybody search all items. If unset, unless there is a private output."""


class ServiceFile(ServiceSettings):
    """What ``service.yaml`` holds: every key is optional."""

    site: SiteEntry = usual()

    def settings(self) -> ServiceSettings:
        """Return the settings without the site, which were checked with it."""
        own = {name: getattr(self, name) for name in ServiceSettings.model_fields}
        return ServiceSettings.model_construct(**own)

    def publisher(self) -> Site:
        """Return the site; its address follows the port unless ops gave one."""
        base = self.site.base_url or f"http://localhost:{self.listen.port}"
        own = (f"{base}/{HUB}",) if self._has_hub(base) else ()
        return Site(
            base_url=base,
            title=self.site.title,
            language=self.site.language,
            contact=self.site.contact or "",
            hubs=(*own, *self.hub.ping),
            images=self.site.images,
            search=self.site.search is not False,
        )

    def _has_hub(self, base: str) -> bool:
        if self.hub.serve == "auto":
            return is_public(base) and self.publish.folder is None
        return self.hub.serve == "on"


# Environment variables that go before service.yaml, for containers.
OVERRIDES = {
    "AGGREGATOR_HOST": ("listen", "host"),
    "AGGREGATOR_PORT": ("listen", "port"),
    "AGGREGATOR_BASE_URL": ("site", "base_url"),
    "AGGREGATOR_STORAGE": ("storage",),
}


def read_service(document: Document, environ: Mapping[str, str]) -> tuple[ServiceFile, list[Fault]]:
    """Return what ``service.yaml`` and ``environ`` ask for (the defaults, when that is wrong)."""
    faults = list(document.faults)
    if not faults and document.data is not None and not isinstance(document.data, dict):
        text = "is not a mapping of keys to values; write listen: and below it port: 8080"
        return ServiceFile(), [Fault(document.file, 1, 1, text)]
    found, wrong = validated(ServiceFile, _overridden(document, environ), ())
    return found or ServiceFile(), faults + wrong


def _overridden(document: Document, environ: Mapping[str, str]) -> Document:
    """Put what the environment says over what the file says."""
    data = dict(document.data) if isinstance(document.data, dict) else {}
    origins: dict[Trail, str] = {}
    templates = dict(document.templates)
    for name, trail in OVERRIDES.items():
        if name not in environ:
            continue
        origins[trail], templates[trail] = name, f"${{{name}}}"
        inside = data if len(trail) == 1 else _group(data, trail[0])
        inside[trail[-1]] = environ[name]
    return replace(document, data=data, origins=origins, templates=templates)


def _group(data: dict[str, Value], name: str) -> dict[str, Value]:
    before = data.get(name)
    group: dict[str, Value] = dict(before) if isinstance(before, dict) else {}
    data[name] = group
    return group
