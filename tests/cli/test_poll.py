"""``aggregator poll`` against a publisher that is down, then up."""

import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.cli import main

FEED = b"""<rss version="2.0"><channel><title>P</title><item><title>One</title><guid>1</guid>
<link>https://p.example/1</link></item></channel></rss>"""


class Publisher(BaseHTTPRequestHandler):
    """Answers 500 until it is mended."""

    mended = False
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200 if self.mended else 500)
        self.send_header("Content-Length", str(len(FEED)))
        self.end_headers()
        self.wfile.write(FEED)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def poll(cwd: Path, *more: str) -> tuple[int, str]:
    arguments = ["--feeds", f"{cwd}/feeds.yaml", "--config", f"{cwd}/config", "--data", f"{cwd}/d"]
    result = CliRunner().invoke(main, [*arguments, "--log", "error", "poll", *more])
    return result.exit_code, result.output


@pytest.mark.slow
def test_a_failed_feed_is_asked_again_when_ops_say_so_but_not_at_once(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "service.yaml").write_text(
        "reach: {allow_private: [127.0.0.0/8]}\npoliteness: {spacing: 0s}\n", encoding="utf-8"
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), Publisher) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/feed"
        (tmp_path / "feeds.yaml").write_text(f"feeds: ['{address}']\n", encoding="utf-8")

        assert poll(tmp_path)[0] == 1
        Publisher.mended = True
        assert "nothing was due" in poll(tmp_path)[1]
        told = poll(tmp_path, "--again")[1]
        assert "nothing was due; 1 feed that failed can be asked from 20" in told
        assert Publisher.asked == 1

        with sqlite3.connect(tmp_path / "d" / "aggregator.sqlite3") as db:
            db.execute("UPDATE feed SET attempted_at = '2020-01-01T00:00:00Z'")
        db.close()
        assert "nothing was due" in poll(tmp_path)[1]
        assert "1 feed visited: 1 fetched; 1 new item," in poll(tmp_path, "--again")[1]
        server.shutdown()


def test_a_feed_that_our_own_guard_refused_is_asked_as_soon_as_it_is_allowed(
    tmp_path: Path,
) -> None:
    """No request left, so that no publisher has to be left alone."""
    (tmp_path / "config").mkdir()
    (tmp_path / "feeds.yaml").write_text("feeds: ['http://127.0.0.1:9/']\n", encoding="utf-8")
    assert "1 refused" in poll(tmp_path)[1]
    assert "nothing was due (" in poll(tmp_path)[1]
    assert "1 refused" in poll(tmp_path, "--again")[1]
