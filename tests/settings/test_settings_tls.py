"""Whose certificates ops ask us to believe, and that every guard they let down is told."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.cli import main
from aggregator.model.errors import SettingsError
from aggregator.model.feeds import USUAL_TLS, Tls
from aggregator.settings import Settings, load
from aggregator.settings.waivers import waivers

AUTHORITY = Path(__file__).parent.parent / "sources" / "certificates" / "authority.pem"


def given(folder: Path, tls: str, service: str = "") -> Settings:
    text = f"feeds:\n  - url: https://press.example/rss\n    id: press\n    {tls}\n"
    (folder / "feeds.yaml").write_text(text, encoding="utf-8")
    (folder / "service.yaml").write_text(service, encoding="utf-8")
    (folder / "press.pem").write_bytes(AUTHORITY.read_bytes())
    (folder / "key.pem").write_text("-----BEGIN NOTHING-----\n", encoding="utf-8")
    return load(feeds=folder / "feeds.yaml", config=folder, environ={"CA": "press.pem"})


@pytest.mark.parametrize(
    ("tls", "wanted"),
    [
        ("enabled: true", USUAL_TLS),
        ("tls:", USUAL_TLS),
        ("tls: {}", USUAL_TLS),
        ("tls: {verify: true}", USUAL_TLS),
        ("tls: {verify: no}", Tls(verify=False)),
        ("tls: {ca: press.pem}", Tls(ca="press.pem")),
        ("tls: {ca: './x/../press.pem'}", Tls(ca="x/../press.pem")),
        ("tls: {ca: '${CA}'}", Tls(ca="press.pem")),
    ],
)
def test_a_feed_may_have_options_of_its_own(tmp_path: Path, tls: str, wanted: Tls) -> None:
    (tmp_path / "x").mkdir()
    (feed,) = given(tmp_path, tls).feeds
    ca = str(tmp_path / wanted.ca) if wanted.ca else None
    assert feed.tls == Tls(verify=wanted.verify, ca=ca)


@pytest.mark.parametrize(
    ("tls", "told"),
    [
        ("tls: false", '4:5: tls: "false" is not a mapping of keys to values; indent its parts'),
        ("tls: {verfy: false}", '4:11: unknown key "verfy"; did you mean "verify"?'),
        ("tls: {verify: x}", '4:11: tls.verify: "x" is neither true nor false; write true or f'),
        ("tls: {ca: b.pem}", '4:11: tls.ca: "b.pem" cannot be read (no such file or directory); w'),
        ("tls: {ca: .}", '4:11: tls.ca: "." cannot be read (is a directory); write the path of'),
        ("tls: {ca: key.pem}", '4:11: tls.ca: "key.pem" holds no certificates; write the path'),
        ("tls: {ca: feeds.yaml}", '4:11: tls.ca: "feeds.yaml" holds no certificates; write'),
        ("tls: {ca: press.pem, verify: no}", "4:5: tls: names a ca that verify: false makes usel"),
    ],
)
def test_a_mistake_in_them_is_told(tmp_path: Path, tls: str, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        given(tmp_path, tls)
    assert str(error.value).startswith(f"{tmp_path}/feeds.yaml:{told}")


def test_nothing_is_waived_unless_ops_say_so(tmp_path: Path) -> None:
    assert waivers(given(tmp_path, "tls: {ca: press.pem}")) == ()


@pytest.mark.conforms("D08", "D09")
def test_every_guard_that_ops_let_down_is_told(tmp_path: Path) -> None:
    reach = "reach: {allow_private: [10.0.0.0/8, fd00::/8], allow_ports: [80, 8080, 443]}"
    assert waivers(given(tmp_path, "tls: {verify: false}", reach)) == (
        "addresses that are not public are asked: 10.0.0.0/8, fd00::/8 (reach: allow_private)",
        "unusual ports are asked: 8080 (reach: allow_ports)",
        "press: certificate not verified (tls: verify: false)",
    )
    (told,) = waivers(given(tmp_path, "tls: {}", "hub: {allow_private: 10.0.0.0/8}"))
    assert (
        told == "callbacks may be at addresses that are not public: 10.0.0.0/8 (hub: allow_private)"
    )


@pytest.mark.conforms("D08", "D09")
def test_check_tells_them(tmp_path: Path) -> None:
    given(tmp_path, "tls: {verify: false}", "reach: {allow_private: 10.0.0.0/8}")
    place = ["--feeds", str(tmp_path / "feeds.yaml"), "--config", str(tmp_path)]
    result = CliRunner().invoke(main, [*place, "check"])
    assert result.exit_code == 0
    assert "note: press: certificate not verified" in result.output
    assert "note: addresses that are not public are asked: 10.0.0.0/8" in result.output
