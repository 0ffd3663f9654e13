"""How is a value printed that holds what is not for everybody?"""

from typing import ClassVar

from msgspec import Struct
from msgspec.structs import asdict


class Discreet(Struct, frozen=True, kw_only=True):
    """A value that may end up in a log or a traceback, where its fields ``hidden`` do not."""

    hidden: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        told = (
            f"{name}={held!r}" for name, held in asdict(self).items() if name not in self.hidden
        )
        return f"{type(self).__name__}({', '.join(told)})"
