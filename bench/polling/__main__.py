"""Our polling alone: settings, store, every feed that is due, stop. No filing, no editions.

``python -m bench.polling FOLDER``: the part of `aggregator poll` that peers have too.
"""

import sys
from pathlib import Path

from aggregator.service.loading import loaded

if __name__ == "__main__":
    sys.exit(loaded("bench.polling.visits").poll(Path(sys.argv[1])) > 0)
