"""The rules and the dashboard that are shipped ask for metrics that there are."""

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.service.test_panel import watching

SHIPPED = Path(__file__).parents[2] / "config" / "prometheus"
NAME = re.compile(r"\baggregator_[a-z_]+")


def exposition(folder: Path) -> bytes:
    async def scene() -> bytes:
        async with watching(folder, "{id: a, url: 'https://a.invalid/rss'}") as seen:
            seen.service.gauges.late(0.0)
            await seen.service.keeper.run(seen.service.keeper.store.items.count)
            body, _ = await seen.panel.metrics()
            return body

    return asyncio.run(scene())


def test_what_rules_and_dashboard_ask_for_is_there(tmp_path: Path) -> None:
    told = set(NAME.findall(exposition(tmp_path).decode()))
    sometimes = {"aggregator_last_good_visit_age_seconds", "aggregator_politeness_min"}
    rules = (SHIPPED / "alerts.yml").read_text("utf-8")
    board = json.loads((SHIPPED / "dashboard.json").read_text("utf-8"))
    asked = set(NAME.findall(rules))
    for panel in board["panels"]:
        for target in panel["targets"]:
            asked |= set(NAME.findall(target["expr"]))
    assert len(asked) > 10
    bare = {re.sub("_(bucket|total)$", "", name) for name in told} | told | sometimes
    assert {re.sub("_(bucket|total)$", "", name) for name in asked} - bare == set()
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus)")
def test_promtool_accepts_the_rules_and_the_metrics(tmp_path: Path) -> None:
    rules = subprocess.run(
        ["promtool", "check", "rules", str(SHIPPED / "alerts.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rules.returncode == 0, rules.stderr
    assert "7 rules found" in rules.stdout
    metrics = subprocess.run(
        ["promtool", "check", "metrics"],
        input=exposition(tmp_path),
        capture_output=True,
        check=False,
    )
    assert metrics.returncode == 0, metrics.stdout + metrics.stderr
