"""Real faults: what is said, what is still served, and that all is well once they are gone.

Disks are filled and break, files are damaged, clocks and name servers fail: not stand-ins, but
small ones of our own, which need root. Nothing that publishers brought is lost.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aggregator.storage import back_up, restore
from tests.origin import Origin, answer
from tests.process import DATABASE, ROOT, SERVE, Program, furnish, make_due, opened, program, whole
from tests.service.stage import item, rss

pytestmark = pytest.mark.slow

URL = f"sqlite:///{DATABASE}"
LONG = "<![CDATA[" + "<p>All ferries are late again today.</p>" * 100 + "]]>"  # 4 kB


def feed(origin: Origin, path: str = "/a") -> str:
    return f"{{id: {path.strip('/')}, url: '{origin.url(path)}'}}"


def needs(*commands: str) -> None:
    missing = [name for name in commands if shutil.which(name) is None]
    if os.geteuid() or missing:
        pytest.skip(f"needs root and {', '.join(commands)}")


def do(*words: str | Path) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


@contextmanager
def small_disk(place: Path, size: str = "24m") -> Iterator[Path]:
    """Mount a disk of ``size`` in memory at ``place``."""
    needs("mount", "umount")
    place.mkdir()
    try:
        do("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place)
    except subprocess.CalledProcessError:
        pytest.skip("no file system may be mounted here")
    try:
        yield place
    finally:
        do("umount", "-l", place)


def fill(disk: Path) -> Path:
    """Write a file that takes all that is left of a disk."""
    full = disk / "full"
    with full.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return full


def served(run: Program) -> tuple[bytes, ...]:
    paths = ("feeds/latest.atom", "feeds/top.rss", "feeds/latest.json", "")
    answers = [run.get(path) for path in paths]
    assert [status for status, _ in answers] == [200] * len(paths)
    return tuple(body for _, body in answers)


def ails(run: Program, *parts: str) -> None:
    """Wait until its health says so."""
    end = time.monotonic() + 60
    while not all(part in str(run.health()) for part in parts):
        assert time.monotonic() < end, f"{run.health()}\n{run.heard()}"
        time.sleep(0.2)


def recovers(run: Program) -> None:
    """Wait until it is well."""
    end = time.monotonic() + 60
    while run.health()["status"] != "ok":
        assert time.monotonic() < end, f"{run.health()}\n{run.heard()}"
        time.sleep(0.2)


@pytest.mark.conforms("E07")
def test_a_full_disk_is_told_and_what_could_not_be_stored_comes_once_there_is_room(
    origin: Origin, tmp_path: Path
) -> None:
    many = [item(number, LONG) for number in range(2, 90)]
    origin.script("/a", answer(200, rss(item(1))), answer(200, rss(item(1), *many)))
    furnish(tmp_path, [feed(origin)])
    with (
        small_disk(tmp_path / "disk") as disk,
        program(tmp_path, *SERVE, data=disk) as run,
    ):
        run.serves()
        run.comes("feeds/latest.atom", b"Ferry 1 leaves")
        before = served(run)
        make_due(disk)
        full = fill(disk)
        ails(run, "the disk is full", "make room, polling goes on by itself")
        assert served(run) == before

        full.unlink()
        recovers(run)
        make_due(disk)
        run.comes("feeds/latest.atom", b"Ferry 89 leaves")
        assert run.stop() == 0
        assert whole(disk)


@pytest.mark.conforms("E07")
def test_a_disk_that_turns_read_only_is_told_and_all_goes_on_once_it_is_mended(
    origin: Origin, tmp_path: Path
) -> None:
    """As Linux does it when a disk fails: ext4 writes nothing any more, from one moment on."""
    needs("mkfs.ext4", "fsck.ext4", "mount", "umount", "losetup")
    origin.script("/a", answer(200, rss(item(1))), answer(200, rss(item(1), item(2))))
    furnish(tmp_path, [feed(origin)])
    image, disk = tmp_path / "image", tmp_path / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(32_000_000)
    do("mkfs.ext4", "-q", image)
    try:
        do("mount", "-o", "loop,errors=remount-ro", image, disk)
    except subprocess.CalledProcessError:
        pytest.skip("no file system may be mounted here")
    try:
        with program(tmp_path, *SERVE, data=disk) as run:
            run.serves()
            run.comes("feeds/latest.atom", b"Ferry 1 leaves")
            before = served(run)
            make_due(disk)
            do("mount", "-o", "remount,abort", disk)
            ails(run, "the disk fails", "start this again")
            assert served(run) == before
            run.stop()
        with program(tmp_path, *SERVE, data=disk) as run:
            run.until("Read-only file system; give a folder that this user may write to")
        do("umount", disk)
        subprocess.run(["fsck.ext4", "-p", image], check=False, capture_output=True)
        do("mount", "-o", "loop", image, disk)
        with program(tmp_path, *SERVE, data=disk) as run:
            run.serves()
            assert b"Ferry 1 leaves" in served(run)[0]
            make_due(disk)
            run.comes("feeds/latest.atom", b"Ferry 2 leaves")
            assert run.stop() == 0
        assert whole(disk)
    finally:
        do("umount", "-l", disk)


@pytest.mark.conforms("E03", "E07")
def test_a_second_writer_that_holds_the_lock_is_told_and_waited_out(
    origin: Origin, tmp_path: Path
) -> None:
    origin.script("/a", answer(200, rss(item(1))), answer(200, rss(item(1), item(2))))
    furnish(tmp_path, [feed(origin)])
    with program(tmp_path, *SERVE) as run:
        run.serves()
        run.comes("feeds/latest.atom", b"Ferry 1 leaves")
        before = served(run)
        make_due(run.data)
        with opened(run.data) as db:
            db.execute("BEGIN IMMEDIATE")
            ails(run, "another program writes to the database")
            assert served(run) == before
            db.execute("ROLLBACK")
        recovers(run)
        run.comes("feeds/latest.atom", b"Ferry 2 leaves")
        assert run.stop() == 0


@pytest.mark.conforms("E09", "E10")
def test_a_damaged_database_is_told_never_made_anew_and_a_backup_takes_its_place(
    origin: Origin, tmp_path: Path
) -> None:
    origin.script("/a", answer(200, rss(item(1))), answer(200, rss(item(1), item(2))))
    furnish(tmp_path, [feed(origin)])
    with program(tmp_path, *SERVE) as run:
        run.serves()
        run.comes("feeds/latest.atom", b"Ferry 1 leaves")
        back_up(URL, tmp_path / "kept", root=run.data)
        before = served(run)
        run.process.kill()
        run.process.wait()
    spoil(run.data / DATABASE)
    spoilt = (run.data / DATABASE).read_bytes()
    for _ in range(2):
        with program(tmp_path, *SERVE) as run:
            run.until("aggregator: ", "restore a backup in its place")
            assert run.process.wait(10) == 1
    assert (run.data / DATABASE).read_bytes() == spoilt

    (run.data).rename(tmp_path / "damaged")
    restore(tmp_path / "kept", URL, root=run.data)
    with program(tmp_path, *SERVE) as run:
        run.serves()
        assert served(run)[:3] == before[:3]
        make_due(run.data)
        run.comes("feeds/latest.atom", b"Ferry 2 leaves")


def spoil(path: Path) -> None:
    """Write over a third of the pages, none of them the first, as a disk that forgets does."""
    with opened(path.parent) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        for page in range(4, path.stat().st_size // 4096, 3):
            file.seek(page * 4096)
            file.write(os.urandom(4096))


@pytest.mark.conforms("E09")
def test_a_database_damaged_while_it_is_used_is_told_and_the_last_editions_are_served(
    origin: Origin, tmp_path: Path
) -> None:
    many = [item(number, LONG) for number in range(2, 60)]
    origin.script("/a", answer(200, rss(item(1))), answer(200, rss(item(1), *many)))
    furnish(tmp_path, [feed(origin)])
    with program(tmp_path, *SERVE) as run:
        run.serves()
        run.comes("feeds/latest.atom", b"Ferry 1 leaves")
        before = served(run)
        make_due(run.data)
        spoil(run.data / DATABASE)
        ails(run, "the database is damaged", "restore a backup")
        assert served(run) == before
        run.stop()


@pytest.mark.conforms("A39", "E30", "E54")
def test_a_clock_set_back_by_a_day_holds_nothing_up(origin: Origin, tmp_path: Path) -> None:
    """Nothing is asked twice, dates stand, and what is due by the new clock comes by it."""
    if shutil.which("faketime") is None:
        pytest.skip("needs faketime")
    library = next(Path("/usr/lib").rglob("libfaketime.so.1"), None)
    assert library is not None
    origin.script("/a", answer(200, rss(item(1))), answer(200, rss(item(1), item(2))))
    furnish(tmp_path, [feed(origin)])
    hand = tmp_path / "clock"
    hand.write_text("+0\n")
    # Its clock_nanosleep() takes no time of the monotonic clock, as Python's sleep() gives it.
    (tmp_path / "sitecustomize.py").write_text(
        "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds)\n"
    )
    fake = {
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(hand),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",  # as older ones call it
    }
    with program(tmp_path, *SERVE, environ=fake) as run:
        run.serves()
        run.comes("feeds/latest.atom", b"Ferry 1 leaves")
        before = served(run)
        hand.write_text("-1d\n")
        run.until("late", "was the clock set back?")
        recovers(run)
        run.comes("feeds/latest.atom", b"Ferry 2 leaves")
        assert served(run)[0].count(b"Ferry 1 leaves") == before[0].count(b"Ferry 1 leaves")
        assert len(origin.asked("/a")) == 2
        assert run.stop() == 0


def test_dead_name_servers_are_told_and_feeds_come_back_by_themselves(
    origin: Origin, tmp_path: Path
) -> None:
    """In a space of its own whose name server is not there, until its hosts file knows the name."""
    needs("unshare", "mount")
    origin.script("/a", answer(200, rss(item(1))))
    furnish(tmp_path, [f"{{id: a, url: 'http://gazette.example:{origin.port}/a'}}"])
    hosts, servers = tmp_path / "hosts", tmp_path / "resolv.conf"
    hosts.write_text("127.0.0.1 localhost\n")
    servers.write_text("nameserver 127.0.0.77\noptions timeout:1 attempts:1\n")
    mounts = "mount --bind hosts /etc/hosts && mount --bind resolv.conf /etc/resolv.conf"
    alone = ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
    with program(tmp_path, *SERVE, before=alone) as run:
        run.serves()
        assert "no feed could be read" in run.until("is this machine online?")
        run.until("visited", "name server does not answer")
        assert run.health()["status"] == "ok"
        assert "the last 1 visits all failed" in str(run.health())
        with hosts.open("a") as file:
            file.write("127.0.0.1 gazette.example\n")
        while not origin.asked("/a"):  # a name that was not found is not looked up at once again
            make_due(run.data)
            time.sleep(1)
        run.comes("feeds/latest.atom", b"Ferry 1 leaves")
        assert "failed" not in str(run.health())


def test_when_all_publishers_fail_the_last_editions_stand_and_news_come_again(
    origin: Origin, tmp_path: Path
) -> None:
    paths = ("/a", "/b", "/c")
    for number, path in enumerate(paths, start=1):
        origin.script(
            path,
            answer(200, rss(item(number))),
            answer(500),
            answer(200, rss(item(number), item(number + 10))),
        )
    furnish(tmp_path, [feed(origin, path) for path in paths])
    with program(tmp_path, *SERVE) as run:
        run.serves()
        for number in (1, 2, 3):
            run.comes("feeds/latest.atom", f"Ferry {number} leaves".encode())
        before = served(run)
        make_due(run.data)
        ails(run, "the last 3 visits all failed", "is this machine online?")
        assert run.health()["status"] == "ok"  # this service is: who serves must not be taken out
        assert served(run)[:3] == before[:3]
        make_due(run.data)
        for number in (11, 12, 13):
            run.comes("feeds/latest.atom", f"Ferry {number} leaves".encode())
        assert "failed" not in str(run.health())
