"""What did a captured day bring?"""

import gzip
import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from aggregator.items.duplicates import News
from aggregator.text.html import to_text
from aggregator.text.urls import canonical, place_on_page, registrable_domain


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """Yield a folder, gone afterwards, that holds what ``archive`` (a tar file) does."""
    with tempfile.TemporaryDirectory() as held:
        with tarfile.open(archive) as packed:
            packed.extractall(held, filter="data")
        yield Path(held)


def captured(path: Path) -> Iterator[News]:
    """Yield the entries of a day's capture in their order; a site is taken for an owner."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            place = canonical(row["link"])
            yield News(
                title=to_text(row.get("title") or ""),
                text=to_text(row.get("description") or ""),
                canonical=place,
                feed=row["source"],
                owner=registrable_domain(place) if place else row["source"],
                at=datetime.fromisoformat(row["date_published"]),
                on_page=place_on_page(row["link"] or ""),
            )
