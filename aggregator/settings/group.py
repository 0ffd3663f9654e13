"""What do all groups of keys have in common?"""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Group(BaseModel):
    """Keys that stand together in a file. Others are mistakes.

    Its checks are made when they are first needed: many files are not there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    def but(self, **changes: Any) -> Self:
        """Return the same with ``changes``, which are checked as in a file; ValueError if wrong.

        pydantic's own ``model_copy`` takes any value, and any name.
        """
        return self.model_validate({**dict(self), **changes})
