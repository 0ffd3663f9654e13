"""How is this process told to stop, and when does it leave?"""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

SIGNALS = (signal.SIGTERM, signal.SIGINT)
LEAVES = 9.0  # seconds after which it leaves whatever is under way; what stops us waits for ten

# Whenever it leaves, a transaction under way is undone when the database is next opened.


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set ``stop`` at the first SIGTERM or SIGINT; leave at once at the second.

    And leave when stopping takes too long, be it a statement of the database or a disk that hangs.
    """

    def hear(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()
        late = threading.Timer(LEAVES, _leave_late, [number])
        late.daemon = True
        late.start()

    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, hear, number)


def _leave_late(number: int) -> None:
    with suppress(OSError):
        click.echo(f"not done after {LEAVES:.0f} seconds: left, and undid what was begun", err=True)
    os._exit(128 + number)


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """Within the block, let SIGTERM and SIGINT end the process at once, with 128 and their number.

    The system would do that by itself, but not for the first process of a container; and Python's
    own handlers would wait until a long statement of the database is done.
    """
    hearing, telling = socket.socketpair()
    telling.setblocking(False)
    before = {number: signal.signal(number, _pass_on) for number in SIGNALS}
    signal.set_wakeup_fd(telling.fileno())  # written to at once, whatever Python is busy with
    threading.Thread(target=_leave_when_told, args=(hearing,), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        telling.close()


def _pass_on(number: int, _: object) -> None:
    os._exit(128 + number)


def _leave_when_told(hearing: socket.socket) -> None:
    with hearing:
        for number in hearing.recv(1):
            if number in SIGNALS:
                os._exit(128 + number)
