"""When is a pattern compiled? When something is first looked for, if it takes long.

Hundreds of alternatives or letters beyond Latin take milliseconds each, and whoever starts for a
round of polling may need none of them.
"""

import re
from typing import Any, cast


class _Late:
    """A pattern that compiles itself when it is first used; from then on as quick as any."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._written = (pattern, flags)

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(*self._written), name)
        setattr(self, name, found)
        return found


def late(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return what ``re.compile`` would, but compile it only when it is used."""
    return cast("re.Pattern[str]", _Late(pattern, flags))
