"""Who speaks when there is no network?

Made-up publishers on loopback, for ``aggregator demo`` and for tests of the whole service. What
they print lies in ``news/``, one file each; how their documents look lies in ``templates/``.
Names, places and events are inventions.
"""

from aggregator.service.demo.publishers import Publishers

__all__ = ["Publishers"]
