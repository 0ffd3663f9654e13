"""Where is the development data?"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def folder() -> Path | None:
    """Return the data folder (AGGREGATOR_DATA, else ../shared/data), or None when absent."""
    named = os.environ.get("AGGREGATOR_DATA")
    found = Path(named) if named else ROOT.parent / "shared" / "data"
    return found if found.is_dir() else None
