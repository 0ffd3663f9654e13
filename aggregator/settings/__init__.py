"""What did ops ask for?"""

from aggregator.settings.difference import Difference, diff
from aggregator.settings.loading import Settings, load
from aggregator.settings.service import ServiceSettings

__all__ = ["Difference", "ServiceSettings", "Settings", "diff", "load"]
