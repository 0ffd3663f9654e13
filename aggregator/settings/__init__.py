"""What did ops ask for?"""

import os

# pydantic would look for plugins among all that is installed, which takes a tenth of a start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from aggregator.settings.difference import Difference, diff
from aggregator.settings.loading import Settings, load
from aggregator.settings.service import ServiceSettings

__all__ = ["Difference", "ServiceSettings", "Settings", "diff", "load"]
