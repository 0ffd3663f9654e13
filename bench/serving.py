"""What does serving cost, beside nginx? ``python -m bench.serving [SECONDS]``

The same feed of 100 kB, in the same run: ours from memory, nginx's from a folder as
`aggregator publish` writes it. Asked by wrk over 16 connections, once with the entity tag that was
sent before (304) and once without (gzip). Needs nginx and wrk; says so where they are missing.

CPU is user and system time of the server's own processes, per request; it tells more than requests
per second do on a machine that has other things to do.
"""

import asyncio
import gzip
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import Request, urlopen

from aggregator.model.editions import Rendered, Site
from aggregator.outputs.documents import etag_of
from aggregator.service.folder import SiteFolder
from aggregator.web.app import Health, build
from aggregator.web.serve import serve
from aggregator.web.served import MemoryShelf, Served

PATH = "feeds/latest.atom"
SITE = Site(base_url="https://news.example")
CONNECTIONS = 16
ROUNDS = 3
NGINX = """
worker_processes 1; daemon off; pid {root}/nginx.pid; error_log stderr crit;
events {{ worker_connections 256; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
    client_body_temp_path {root}; proxy_temp_path {root}; fastcgi_temp_path {root};
    uwsgi_temp_path {root}; scgi_temp_path {root};
    server {{
        listen 127.0.0.1:{port}; root {root}/public; gzip_static on;
        types {{ application/atom+xml atom; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """``rate`` in requests per second, ``cpu`` in microseconds of the server per request."""

    rate: float
    cpu: float


def document() -> Rendered:
    """Return a feed of 100 kB of made-up words."""
    dice = random.Random(7)
    words = [
        "".join(dice.choices("abcdefghiklmnoprstuvw", k=dice.randint(2, 9))) for _ in range(4000)
    ]
    entries = ""
    while len(entries) < 100_000:
        text = " ".join(words[int(4000 * dice.random() ** 2)] for _ in range(120))
        entries += f"<entry><title>{text[:60]}</title><summary>{text}</summary></entry>\n"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
    body = f"{head}{entries[:100_000]}</feed>".encode()
    return Rendered(
        path=PATH,
        media_type="application/atom+xml",
        body=body,
        etag=etag_of(body),
        changed_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )


async def _story(_: str) -> None:
    return None


def _serve(port: int) -> None:
    """Serve the document until told to stop: a process of its own."""
    shelf = MemoryShelf()
    shelf.put(PATH, Served.of(document()))
    app = build(
        shelf, health=lambda: Health(ok=True, version="0"), site=SITE, max_age=300, story=_story
    )
    asyncio.run(serve(app, "127.0.0.1", port, asyncio.Event(), ready=lambda _: None))


@contextmanager
def ours(port: int) -> Iterator[int]:
    """Run our server; yield its process."""
    with _running([sys.executable, "-m", "bench.serving", "--serve", str(port)], port) as pid:
        yield pid


@contextmanager
def nginx(port: int, root: Path) -> Iterator[int]:
    """Run nginx over a folder as we publish it; yield its worker's process."""
    SiteFolder(root / "public").mirror([document()], SITE, now=datetime(2026, 3, 1, tzinfo=UTC))
    for path in (root, *root.rglob("*")):
        path.chmod(0o755)
    (root / "nginx.conf").write_text(NGINX.format(root=root, port=port), encoding="utf-8")
    command = ["nginx", "-p", str(root), "-c", str(root / "nginx.conf")]
    with _running(command, port) as pid:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        yield int(children.split()[0])


@contextmanager
def _running(command: list[str], port: int) -> Iterator[int]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def _wait(port: int) -> None:
    for _ in range(1200):
        try:
            _ask(port, {})
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("a server did not start")


def _ask(port: int, headers: dict[str, str]) -> tuple[str, bytes]:
    request = Request(f"http://127.0.0.1:{port}/{PATH}", headers=headers)
    with urlopen(request, timeout=5) as answer:
        return answer.headers["ETag"], answer.read()


def load(port: int, pid: int, headers: dict[str, str], seconds: int) -> Cost:
    """Ask for ``seconds``; return what a request cost the process ``pid``."""
    flags = [flag for name, value in headers.items() for flag in ("-H", f"{name}: {value}")]
    url = f"http://127.0.0.1:{port}/{PATH}"
    before = _cpu(pid)
    told = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *flags, url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    spent = _cpu(pid) - before
    if "Non-2xx" in told and "If-None-Match" not in headers:
        raise SystemExit(told)
    found = re.search(r"(\d+) requests in ([\d.]+)s", told)
    assert found, told
    count = int(found[1])
    return Cost(rate=count / float(found[2]), cpu=spent / count * 1e6)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(ports: tuple[int, int], pids: tuple[int, int], seconds: int) -> None:
    """Ask both in turns; print the best of each."""
    gzipped = {"Accept-Encoding": "gzip"}
    bodies = [_ask(port, gzipped)[1] for port in ports]
    if gzip.decompress(bodies[0]) != gzip.decompress(bodies[1]):
        raise SystemExit("the two do not serve the same")
    print(f"{len(document().body):,} bytes, {len(bodies[0]):,} in gzip; µs of CPU per request")
    for name in ("304", "gzip"):
        costs: tuple[list[Cost], list[Cost]] = ([], [])
        for _ in range(ROUNDS):
            for port, pid, found in zip(ports, pids, costs, strict=True):
                held = {"If-None-Match": _ask(port, gzipped)[0]} if name == "304" else {}
                found.append(load(port, pid, gzipped | held, seconds))
        own, theirs = (min(found, key=lambda cost: cost.cpu) for found in costs)
        rates = [max(cost.rate for cost in found) for found in costs]
        print(
            f"{name}: ours {own.cpu:.1f} µs, {rates[0]:,.0f}/s; nginx {theirs.cpu:.1f} µs,"
            f" {rates[1]:,.0f}/s; of nginx: {theirs.cpu / own.cpu:.2f} by CPU,"
            f" {rates[0] / rates[1]:.2f} by requests per second"
        )


def main(seconds: int = 3) -> int:
    """Measure; print."""
    if missing := [name for name in ("nginx", "wrk") if shutil.which(name) is None]:
        print(f"not measured: {' and '.join(missing)} not installed")
        return 0
    with (
        tempfile.TemporaryDirectory() as held,
        ours(18_931) as own,
        nginx(18_932, Path(held)) as theirs,
    ):
        measure((18_931, 18_932), (own, theirs), seconds)
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        _serve(int(sys.argv[2]))
        sys.exit(0)
    sys.exit(main(*map(int, sys.argv[1:2])))
