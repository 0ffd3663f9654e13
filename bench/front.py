"""What would a reader have seen? Top News of the captured day, to be read by eye.

``python -m bench.front`` replays the day and prints the first ten of Top News at 6, 12, 18 o'clock
and at the end, each with the sum of its score and every report in it.
"""

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

from aggregator.model.editions import Kind
from aggregator.service.building import parse_workers
from aggregator.service.explaining import Explainer
from aggregator.service.replay import Replay, captures, feeds_of
from aggregator.settings import Settings, load
from aggregator.storage import Store, open_store
from bench.data import ROOT, folder
from tests.quality.capture import unpacked

HOURS = (6, 12, 18)
FIRST = 10


def main() -> int:
    """Replay the day; print."""
    data = folder()
    if data is None:
        print("bench.front: no data folder (set AGGREGATOR_DATA); nothing shown")
        return 0
    with unpacked(data / "replay" / "2021-09-20.tar.xz") as work:
        settings = load(feeds=None, config=ROOT / "config", environ={})
        store, workers = open_store("sqlite:///day.sqlite3", root=work), parse_workers(settings)
        day = captures(work)
        midnight = day[0].at.replace(hour=0, minute=0, second=0)
        hours = [midnight + timedelta(hours=hour) for hour in HOURS]
        run = Replay(store, settings, workers, feeds_of((one.feed for one in day), ()))
        try:
            for capture, _ in zip(day, run.run(day), strict=True):
                while hours and capture.at >= hours[0]:
                    print("\n".join(_front(store, settings, hours.pop(0))), end="\n\n")
            print("\n".join(_front(store, settings, day[-1].at)))
        finally:
            workers.close()
            store.close()
    return 0


def _front(store: Store, settings: Settings, now: datetime) -> Iterator[str]:
    (spec,) = (s for s in settings.outputs if s.kind is Kind.TOP and s.name == "top")
    yield f"== {now:%H:%M}"
    for told in Explainer(store, now, settings.ranking).standing(spec)[:FIRST]:
        rank = told.rank
        parts = "".join(f" {name} {figure:+.2f}" for name, figure in rank.parts) if rank else ""
        yield f"{told.place}. {told.title}  [{rank.score if rank else 0:.2f} ={parts}]"
        for stored in store.stories.items([told.story])[told.story]:
            same = "  (copy)" if stored.lead else ""
            item = stored.item
            yield f"      {item.published:%d %H:%M} {item.feed:20} {item.entry.title[:100]}{same}"


if __name__ == "__main__":
    sys.exit(main())
