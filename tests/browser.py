"""A browser, if there is one, and a loopback server for what it is shown.

The server tells of every question that it had no page for, so that a page that asks for something
of its own accord is found out.
"""

import json
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

TRAP = "/trap"
DONE = "/done"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--mute-audio"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *(
        "--disable-extensions",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--window-size=1280,900",
    ),
)


class Stage:
    """What is served (``shown``: media type and bytes by path), and what was asked for.

    ``trapped`` are questions below `TRAP`; ``told`` is what a page sent to `DONE`, once it did.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.shown: dict[str, tuple[str, bytes]] = {}
        self.trapped: list[str] = []
        self.told: Any = None
        self.done = threading.Event()


@contextmanager
def staged() -> Iterator[Stage]:
    """Serve a stage on loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.startswith(TRAP):
                stage.trapped.append(self.path)
            media_type, body = stage.shown.get(path, ("text/plain", b""))
            self.send_response(200 if path in stage.shown else 404)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()
            if self.path == DONE:
                stage.told = json.loads(body)
                stage.done.set()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stage = Stage(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield stage
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def found_browser() -> str | None:
    """Return where Chromium is, None when there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def browser() -> str:
    """Return where Chromium is; skips the test when there is none."""
    found = found_browser()
    if found is None:
        pytest.skip("no Chromium here; what a browser makes of it was not looked at")
    return found


def free_port() -> int:
    """Return a port of loopback on which nobody listens just now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def look(stage: Stage, path: str, *, patience: float) -> Any:
    """Open ``path`` in a browser until it has told `DONE`; return what it told."""
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        command = [browser(), *_QUIET, f"--user-data-dir={profile}", stage.origin + path]
        quiet: Mapping[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen([*command, "--remote-debugging-port=0"], **quiet) as process:
            try:
                assert stage.done.wait(patience), "the browser came to no end"
            finally:
                process.terminate()
    return stage.told
