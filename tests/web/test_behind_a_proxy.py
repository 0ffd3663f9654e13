"""Under a path of somebody else's site, behind the real nginx, as deploy/nginx.conf has it."""

import http.client
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from tests.origin import Origin, answer
from tests.process import ROOT, SETTINGS, furnish, program
from tests.service.stage import item, rss

pytestmark = pytest.mark.slow

CONF = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port: int = line.getsockname()[1]
        return port


@contextmanager
def nginx(folder: Path, site: str, port: int) -> Iterator[None]:
    """Run nginx with ``site`` in front until the block ends."""
    folder.mkdir()
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log stderr;\n"
        "events { worker_connections 64; }\n"
        f"http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};"
        f" fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};\n"
        f"{site}\n}}\n"
    )
    server = subprocess.Popen(
        ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr"],
        stderr=subprocess.DEVNULL,
    )
    try:
        while not accepts(port):
            assert server.poll() is None, "nginx does not take its configuration"
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait()


def accepts(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def ask(port: int, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    line.request("GET", path, headers={"Host": "www.example.org", **sent})
    found = line.getresponse()
    told = {name.lower(): value for name, value in found.getheaders()}
    body = found.read()
    line.close()
    return found.status, told, body


@pytest.mark.parametrize("strips", [True, False], ids=["taken off", "left on"])
def test_links_feeds_and_validators_hold_under_a_path(
    origin: Origin, tmp_path: Path, *, strips: bool
) -> None:
    if shutil.which("nginx") is None:
        pytest.skip("needs nginx")
    origin.script("/a", answer(200, rss(item(1))))
    front = free_port()
    base = "http://www.example.org/news"
    furnish(
        tmp_path,
        [f"'{origin.url('/a')}'"],
        service=SETTINGS.replace("https://news.example", base),
    )
    with program(tmp_path, "run", "--listen", "127.0.0.1:0") as run:
        run.serves()
        run.comes("feeds/latest.atom", b"Ferry 1 leaves")
        site = CONF.replace("127.0.0.1:8080", urlsplit(run.url).netloc)
        site = site.replace("listen 80;", f"listen 127.0.0.1:{front};")
        if not strips:
            site = site.replace("proxy_pass http://aggregator/;", "proxy_pass http://aggregator;")
        with nginx(tmp_path / "nginx", site, front):
            walk(front, base)


def walk(port: int, base: str) -> None:
    """Follow every link of the front page that stays here; ask for a feed, and again."""
    status, told, body = ask(port, "/news")
    assert (status, urlsplit(told["location"]).path) == (301, "/news/")
    status, _, body = ask(port, "/news/")
    assert status == 200
    found = {
        urljoin(f"{base}/", link) for link in re.findall(r'(?:href|src)="([^"#]+)"', body.decode())
    }
    ours = sorted(link for link in found if "www.example.org" in link)
    assert len(ours) > 10
    for link in sorted(ours):
        assert link.startswith(base), link
        assert ask(port, urlsplit(link).path)[0] == 200, link

    for kind in ("atom", "rss", "json"):
        status, told, body = ask(port, f"/news/feeds/latest.{kind}")
        assert status == 200
        assert f"{base}/feeds/latest.{kind}".encode() in body
        again = ask(port, f"/news/feeds/latest.{kind}", If_None_Match=told["etag"])
        assert (again[0], again[2]) == (304, b"")
    packed = ask(port, "/news/", Accept_Encoding="gzip")
    assert packed[1]["content-encoding"] == "gzip"
    assert ask(port, "/news/", Accept_Encoding="gzip", If_None_Match=packed[1]["etag"])[0] == 304
    assert ask(port, "/news/nowhere")[0] == 404
