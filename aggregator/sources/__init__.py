"""What does a publisher say now, and when do we ask again?"""

import sys

# httpx has a command, for which it loads click, rich and pygments: 6 % of the time that a start of
# polling takes. It does without when that cannot be loaded.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
