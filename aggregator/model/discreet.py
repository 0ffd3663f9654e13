"""How is a value printed that holds what is not for everybody?"""

from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import asdict


class Discreet(Struct, frozen=True, kw_only=True):
    """A value that may end up in a log or a traceback, where its fields ``hidden`` do not."""

    hidden: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={held!r}" for name, held in self.__rich_repr__())
        return f"{type(self).__name__}({told})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [field for field in asdict(self).items() if field[0] not in self.hidden]
