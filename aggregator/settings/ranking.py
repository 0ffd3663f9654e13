"""How is what matters weighed? (``config/ranking.yaml``)"""

from typing import Annotated

from pydantic import Field

from aggregator.settings.documents import Document
from aggregator.settings.group import Group
from aggregator.settings.kinds import Duration, between
from aggregator.settings.mistakes import validated
from aggregator.settings.nodes import Fault
from aggregator.stories.ranking import DEFAULT, RankSettings

_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_Lift = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]


class RankingFile(Group):
    """What ``ranking.yaml`` holds: every key is optional."""

    half_life: Annotated[Duration, between("1h", "30d")] = DEFAULT.half_life
    """Time after an owner's last report in which its voice loses half of its weight."""
    copies: _Share = DEFAULT.copy_share
    """What an owner counts that has nothing but copies of others' texts; 1 is a report."""
    growth: _Lift = DEFAULT.growth_lift
    """How much the arrival of new owners lifts a story; 0 not at all."""
    growth_window: Annotated[Duration, between("10m", "7d")] = DEFAULT.growth_window
    """For how long an owner is new to a story."""

    def settings(self) -> RankSettings:
        """Return them as ranking takes them."""
        return RankSettings(
            half_life=self.half_life,
            copy_share=self.copies,
            growth_lift=self.growth,
            growth_window=self.growth_window,
        )


def read_ranking(document: Document) -> tuple[RankSettings, list[Fault]]:
    """Return what ``ranking.yaml`` asks for (the defaults, when that is wrong)."""
    faults = list(document.faults)
    if document.data is None:
        return DEFAULT, faults
    if not faults and not isinstance(document.data, dict):
        text = "is not a mapping of keys to values; write half_life: 12h"
        return DEFAULT, [Fault(document.file, 1, 1, text)]
    found, wrong = validated(RankingFile, document, ())
    return (found or RankingFile()).settings(), faults + wrong
