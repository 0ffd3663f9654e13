"""Who is polled? Made-up publishers behind one nginx, each at a loopback address of its own."""

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

PR_SET_PDEATHSIG = 1


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


PORT = free_port()
BORN = datetime(2026, 3, 2, 6, tzinfo=UTC)
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
worker_rlimit_nofile {files};
events {{ worker_connections {connections}; }}
http {{
  log_format moment "$msec $server_addr $request_uri";
  {log}; types {{ application/rss+xml rss; application/atom+xml atom; }}
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{ {listen} root {folder}/documents/$server_addr; }}
}}
"""


@dataclass(kw_only=True)
class Publisher:
    """One feed: its address, and the numbers of the entries that it lists, the newest first."""

    number: int
    entries: list[int]
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    @property
    def host(self) -> str:
        return f"127.{1 + self.number // 62_500}.{self.number // 250 % 250}.{1 + self.number % 250}"

    @property
    def kind(self) -> str:
        return "atom" if self.number % 3 == 0 else "rss"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{PORT}/feed.{self.kind}"

    def print_one_or_two(self) -> None:
        """Put one or two new entries on top; as many go below."""
        for _ in range(self.dice.randint(1, 2)):
            self.entries = [self.entries[0] + 1, *self.entries[:-1]]


@dataclass(kw_only=True)
class Press:
    """All publishers, and the folder from which they are served."""

    folder: Path
    publishers: list[Publisher]
    words: list[str] = field(default_factory=list)
    issue: int = 0

    @classmethod
    def of(cls, feeds: int, folder: Path) -> "Press":
        dice = random.Random(20260302)
        words = ["".join(dice.choices("abcdefghijklmnoprstuvw", k=dice.randint(2, 11)))
                 for _ in range(30_000)]  # fmt: skip
        publishers = []
        for number in range(feeds):
            own = random.Random(number)
            listed = own.randint(20, 40)
            publishers.append(
                Publisher(number=number, entries=list(range(listed, 0, -1)), dice=own)
            )
        press = cls(folder=folder, publishers=publishers, words=words)
        for publisher in publishers:
            press.put_out(publisher)
        return press

    def change(self, share: float) -> None:
        """Let so large a share of the publishers print one or two entries more."""
        self.issue += 1
        step = round(1 / share)
        for publisher in self.publishers[self.issue % step :: step]:
            publisher.print_one_or_two()
            self.put_out(publisher)

    def put_out(self, publisher: Publisher) -> None:
        folder = self.folder / "documents" / publisher.host
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"feed.{publisher.kind}"
        path.write_text(self.document(publisher), encoding="utf-8")
        # The server's validators count whole seconds.
        at = (BORN + timedelta(minutes=self.issue)).timestamp()
        os.utime(path, (at, at))

    def document(self, publisher: Publisher) -> str:
        make = self._atom if publisher.kind == "atom" else self._rss
        entries = "\n".join(make(publisher, number) for number in publisher.entries)
        title, home = f"Paper {publisher.number}", f"https://paper{publisher.number}.example/"
        if publisher.kind == "atom":
            at = _at(publisher.entries[0]).isoformat()
            return (
                '<?xml version="1.0" encoding="utf-8"?>\n'
                f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>{title}</title>'
                f'<id>{home}</id><link href="{home}"/><updated>{at}</updated>\n{entries}\n</feed>\n'
            )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"'
            ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
            ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
            f' xmlns:media="http://search.yahoo.com/mrss/"><channel><title>{title}</title>'
            f"<link>{home}</link><description>News of town {publisher.number}</description>"
            f"<language>en-gb</language>\n{entries}\n</channel></rss>\n"
        )

    def _rss(self, publisher: Publisher, number: int) -> str:
        dice, link = self._dice(publisher, number)
        text = self._html(dice, dice.randint(1000, 3000), link)
        return (
            f"<item><title>{escape(self._said(dice, 9))}</title><link>{escape(link)}</link>"
            f'<guid isPermaLink="false">paper{publisher.number}-{number}</guid>'
            f"<pubDate>{_at(number):%a, %d %b %Y %H:%M:%S} GMT</pubDate>"
            f"<dc:creator>{self._said(dice, 2)}</dc:creator><category>{self._said(dice, 1)}"
            f"</category><description>{escape(self._said(dice, 30))}</description>"
            f"<content:encoded><![CDATA[{text}]]></content:encoded>"
            f'<media:content url="{link.partition("?")[0]}.jpg" medium="image" width="640"/></item>'
        )

    def _atom(self, publisher: Publisher, number: int) -> str:
        dice, link = self._dice(publisher, number)
        text = self._html(dice, dice.randint(1000, 3000), link)
        at = _at(number).isoformat()
        return (
            f'<entry><title>{escape(self._said(dice, 9))}</title><link href="{escape(link)}"/>'
            f"<id>tag:paper{publisher.number}.example,2026:{number}</id>"
            f"<published>{at}</published><updated>{at}</updated><author><name>"
            f'{self._said(dice, 2)}</name></author><category term="{self._said(dice, 1)}"/>'
            f"<summary>{escape(self._said(dice, 30))}</summary>"
            f'<content type="html">{escape(text)}</content></entry>'
        )

    def _dice(self, publisher: Publisher, number: int) -> tuple[random.Random, str]:
        dice = random.Random(publisher.number * 1_000_003 + number)
        link = f"https://paper{publisher.number}.example/2026/{number}?utm_source=feed&utm_medium=r"
        return dice, link

    def _html(self, dice: random.Random, size: int, link: str) -> str:
        parts = [f'<p><img src="{link.partition("?")[0]}.jpg" alt="" width="640" height="360"></p>']
        while sum(map(len, parts)) < size:
            said = self._said(dice, dice.randint(20, 60))
            parts.append(
                f'<p>{said} &amp; <a href="/more/{dice.randrange(999)}?utm_source=feed">'
                f"{self._said(dice, 3)}</a>, <em>{self._said(dice, 2)}</em>.</p>"
            )
        return "\n".join(parts)

    def _said(self, dice: random.Random, count: int) -> str:
        # Some words are common and most are rare, as in a language.
        return " ".join(
            self.words[int(len(self.words) * dice.random() ** 3)] for _ in range(count)
        ).capitalize()


def _at(number: int) -> datetime:
    return BORN + timedelta(minutes=17 * (number - 40))


@contextmanager
def served(press: Press) -> Iterator[int]:
    """Serve ``press`` by nginx, whose process id this yields, until the block ends."""
    with served_at(press.folder, press.publishers) as server:
        yield server


@contextmanager
def served_at(folder: Path, publishers: Sequence[Publisher], *, log: bool = False) -> Iterator[int]:
    """Serve ``folder``/documents; with ``log``, requests (moment, host, path) go to access.log."""
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None:
        sys.exit("no nginx here: apt-get install nginx-light")
    conf = folder / "nginx.conf"
    (folder / "t").mkdir(exist_ok=True)
    conf.write_text(
        NGINX.format(
            folder=folder,
            listen=" ".join(f"listen {one.host}:{PORT};" for one in publishers),
            files=len(publishers) + 4_096,
            connections=len(publishers) + 2_048,
            user="user root;" if os.geteuid() == 0 else "",
            log=f"access_log {folder}/access.log moment" if log else "access_log off",
        )
    )
    with (folder / "stderr").open("wb") as told:
        command = [nginx, "-c", str(conf), "-p", str(folder)]
        server = subprocess.Popen(command, stderr=told, preexec_fn=_end_with_us)  # noqa: PLW1509
    try:
        _await(publishers[-1].host, server)
        yield server.pid
    finally:
        server.terminate()
        server.wait(10)


def _end_with_us() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _await(host: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        if server.poll() is not None:
            sys.exit(f"bench.peers: nginx ended at once; is port {PORT} in use?")
        try:
            socket.create_connection((host, PORT), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit("bench.peers: nginx does not answer")
