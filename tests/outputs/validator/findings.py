"""What was found wrong, and where?"""

from collections.abc import Iterator
from dataclasses import dataclass, field


def words(text: str) -> frozenset[str]:
    """Return the words of ``text``, for lists of names."""
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: ``level`` is error or warning, ``where`` a path in the document."""

    level: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.level}: {self.where}: {self.what}"


@dataclass(slots=True)
class Findings:
    """Collects faults; ``at`` gives one for a place further in."""

    where: str = ""
    found: list[Finding] = field(default_factory=list)

    def at(self, place: str) -> "Findings":
        return Findings(f"{self.where}/{place}".strip("/"), self.found)

    def error(self, what: str) -> None:
        self.found.append(Finding("error", self.where, what))

    def warning(self, what: str) -> None:
        self.found.append(Finding("warning", self.where, what))

    def once(self, name: str, count: int, *, least: int = 0) -> None:
        if count > 1:
            self.error(f"{name} stands there {count} times")
        elif count < least:
            self.error(f"{name} is missing")

    def unique(self, name: str, values: list[str]) -> None:
        seen: set[str] = set()
        for value in values:
            if value in seen:
                self.error(f"{name} {value!r} is used twice")
            seen.add(value)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found)
