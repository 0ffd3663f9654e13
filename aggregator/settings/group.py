"""What do all groups of keys have in common?"""

from pydantic import BaseModel, ConfigDict


class Group(BaseModel):
    """Keys that stand together in a file. Others are mistakes.

    Its checks are made when they are first needed: many files are not there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
