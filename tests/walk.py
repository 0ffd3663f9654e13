"""A page of the documentation, walked as it is typed.

Blocks that begin with `sh run` are typed into one shell, one after another. A `text` block after
one holds lines of what is seen then, in order; an ellipsis stands for anything. A comment
`<!-- run: … -->` names what is done between two blocks by whoever walks.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PARTS = re.compile(
    r"^```sh run\n(?P<typed>.*?)^```$|^```text\n(?P<seen>.*?)^```$|^<!-- run: (?P<done>.*?) -->$"
    r"|^```\w*\n.*?^```$",
    re.MULTILINE | re.DOTALL,
)
_END = "end of what was typed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is ``typed`` or ``done``, and the lines that are ``seen`` then."""

    typed: str = ""
    done: str = ""
    seen: tuple[str, ...] = ()


def steps(page: str) -> Iterator[Step]:
    """Yield what there is to do on a page, in order."""
    held: Step | None = None
    for part in _PARTS.finditer(page):
        if part["seen"] is not None and held is not None:
            yield Step(typed=held.typed, seen=tuple(part["seen"].splitlines()))
            held = None
            continue
        if held is not None:
            yield held
        held = Step(typed=part["typed"]) if part["typed"] is not None else None
        if part["done"] is not None:
            yield Step(done=part["done"])
    if held is not None:
        yield held


def walk(
    page: str, folder: Path, environ: Mapping[str, str], meanwhile: Mapping[str, Callable[[], None]]
) -> int:
    """Do what ``page`` says in ``folder``; return how many blocks were typed.

    ``meanwhile`` is what to do between blocks, by its name on the page.
    """
    shell = subprocess.Popen(
        ["bash", "-m"],
        cwd=folder,
        env={**os.environ, **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert shell.stdin is not None
    assert shell.stdout is not None
    typed = 0
    try:
        for step in steps(page):
            if step.done:
                meanwhile[step.done]()
                continue
            shell.stdin.write(f"{step.typed}\necho '{_END}'\n")
            shell.stdin.flush()
            check(step, list(iter(shell.stdout.readline, f"{_END}\n")))
            typed += 1
    finally:
        with suppress(BrokenPipeError):
            shell.stdin.write("kill -9 $(jobs -p) 2>/dev/null; wait\n")
            shell.stdin.close()
        shell.wait()
        shell.stdout.close()
    return typed


def check(step: Step, lines: list[str]) -> None:
    """Find the lines that the page shows among those that were seen, in their order."""
    assert lines.count("") == 0, f"the shell ended at {step.typed}: {''.join(lines)}"
    left = iter(lines)
    for wanted in step.seen:
        pattern = re.compile(".*".join(map(re.escape, wanted.split("…"))) + r"\s*")
        assert any(pattern.fullmatch(line.rstrip("\n")) for line in left), (
            f"never seen after {step.typed!r}: {wanted!r}; but\n{''.join(lines)}"
        )
