"""Is the XML parser beneath us sound?"""

import pyexpat

Version = tuple[int, int, int]

# What each release mended, from its change log: ways to waste time or memory with a small document.
_MENDED: tuple[tuple[Version, tuple[str, ...]], ...] = (
    ((2, 6, 0), ("CVE-2023-52425",)),  # large tokens, quadratic time
    ((2, 7, 2), ("CVE-2025-59375",)),  # memory out of all proportion
    ((2, 8, 0), ("CVE-2025-66382", "CVE-2026-41080", "CVE-2026-7210")),  # names that collide
    ((2, 8, 1), ("CVE-2026-45186",)),  # attribute declarations, quadratic time
)
SOUND = _MENDED[-1][0]


def in_use() -> Version:
    """Return the version of the expat that this Python reads XML with."""
    return pyexpat.version_info


def weaknesses(version: Version) -> tuple[str, ...]:
    """Return the known weaknesses of expat ``version``, oldest first.

    A distribution may have mended some without a new number; the limits of the parse workers hold
    against all of them.
    """
    return tuple(name for mended, names in _MENDED if version < mended for name in names)


def advice(version: Version) -> str | None:
    """Tell ops in one line what is the matter with ``version``, None when nothing is."""
    found = weaknesses(version)
    if not found:
        return None
    here, there = (".".join(map(str, each)) for each in (version, SOUND))
    return (
        f"expat {here} reads our XML and has {', '.join(found)}, unless your system mended them;"
        f" a document can waste a parse worker up to its limits, no more. Take expat {there} with"
        " your next Python or system"
    )
