"""What is given to run it with: confined, whole, and true of the program."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from aggregator.settings.service import OVERRIDES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CONTAINER = 10001  # the user of the Dockerfile
ROLES = {"scheduler", "poller", "organiser", "web"}
PROBES = ("startup", "liveness", "readiness")


def read(name: str) -> list[Any]:
    return list(YAML(typ="safe").load_all((DEPLOY / name).read_text("utf-8")))


def test_compose_gives_the_container_nothing_to_write_to_but_its_volume() -> None:
    (service,) = read("compose.yaml")[0]["services"].values()
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    writable = [mount for mount in service["volumes"] if not mount.endswith(":ro")]
    assert writable == ["data:/data"]
    assert int(service["stop_grace_period"].removesuffix("s")) > 10
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    for mount in service["volumes"][1:]:
        assert (DEPLOY / mount.split(":")[0]).exists()


def test_kubernetes_runs_one_that_is_nobodys_root_and_lets_it_stop() -> None:
    documents = {one["kind"]: one for one in read("kubernetes.yaml")}
    assert set(documents) == {"PersistentVolumeClaim", "Deployment", "Service"}
    deployment = documents["Deployment"]["spec"]
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    assert deployment["replicas"] == 1
    assert deployment["strategy"] == {"type": "Recreate"}
    assert pod["terminationGracePeriodSeconds"] > 10
    assert pod["securityContext"]["runAsUser"] == CONTAINER
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in pod["volumes"]
    }
    assert str(CONTAINER) in (ROOT / "Dockerfile").read_text("utf-8")


@pytest.mark.parametrize("name", ["kubernetes.yaml", "fleet/kubernetes.yaml"])
def test_what_is_mounted_follows_edits(name: str) -> None:
    """A single file of a ConfigMap stays what it was when the pod began."""
    assert "subPath" not in (DEPLOY / name).read_text("utf-8")
    for pod in pods(name):
        (container,) = pod["containers"]
        where = [mount["mountPath"] for mount in container["volumeMounts"]]
        folder, _, file = container["args"][1].rpartition("/")
        assert (container["args"][0], file) == ("--feeds", "feeds.yaml")
        assert f"/srv/aggregator/{folder}" in where


def pods(name: str) -> list[Any]:
    return [one["spec"]["template"]["spec"] for one in read(name) if one["kind"] == "Deployment"]


def test_a_fleet_on_kubernetes_has_two_of_each_role_confined_and_looked_after() -> None:
    documents = read("fleet/kubernetes.yaml")
    roles = {pod["containers"][0]["args"][-1] for pod in pods("fleet/kubernetes.yaml")}
    assert roles == ROLES
    for one in documents:
        if one["kind"] == "Deployment":
            assert one["spec"]["replicas"] >= 2
    budgets = [one["spec"] for one in documents if one["kind"] == "PodDisruptionBudget"]
    assert {each["selector"]["matchLabels"]["role"] for each in budgets} == roles
    for pod in pods("fleet/kubernetes.yaml"):
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsUser"] == CONTAINER
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert all(f"{probe}Probe" in container for probe in PROBES)
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_a_fleet_in_compose_has_every_role_and_nothing_to_write_to() -> None:
    services = read("fleet/compose.yaml")[0]["services"]
    ours = {
        name: one for name, one in services.items() if one.get("image") == "aggregator:postgres"
    }
    assert {one["command"][-1] for one in ours.values()} == ROLES
    for one in ours.values():
        assert one["read_only"]
        assert one["cap_drop"] == ["ALL"]
        assert all(mount.endswith(":ro") for mount in one["volumes"])
        for mount in one["volumes"]:
            assert (DEPLOY / "fleet" / mount.split(":")[0]).exists()
    proxy = (DEPLOY / "fleet" / "proxy.conf").read_text("utf-8")
    assert all(name in proxy for name, one in ours.items() if one["command"][-1] == "web")


def test_every_variable_that_is_set_is_one_that_the_program_reads() -> None:
    files = (path for path in DEPLOY.rglob("*") if path.is_file())
    text = "".join(path.read_text("utf-8") for path in files)
    assert set(re.findall(r"\bAGGREGATOR_\w+", text)) <= {*OVERRIDES, "AGGREGATOR_DATA_DIR"}


def test_the_unit_is_one_that_systemd_takes_and_calls_confined(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    unit = tmp_path / "aggregator.service"
    text = (DEPLOY / "aggregator.service").read_text("utf-8")
    unit.write_text(text.replace("/opt/aggregator/bin/aggregator", shutil.which("true") or ""))
    env = {**os.environ, "SYSTEMD_LOG_LEVEL": "warning"}
    found = subprocess.run(
        ["systemd-analyze", "verify", unit], env=env, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")
    subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        check=True,
        capture_output=True,
    )
    assert "TimeoutStopSec=15" in text


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile", "compose.yaml", "kubernetes.yaml"])
def test_every_file_is_described(name: str) -> None:
    assert f"deploy/{name}" in (ROOT / "docs" / "deploy.md").read_text("utf-8")
