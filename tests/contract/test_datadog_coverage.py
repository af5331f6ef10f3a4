"""`kfix datadog coverage` against Datadog's API: every monitor is read, page by page, and told."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

import pytest
import typer
from pydantic import SecretStr
from typer.testing import CliRunner

from kfix.cli import datadog as commands
from kfix.infra.clients.datadog import all_monitors, open_datadog
from kfix.infra.settings import DatadogConnection
from sandbox import datadog as sandbox_datadog
from sandbox.datadog.state import Datadog, Monitor
from sandbox.faults import Fault, Faults
from sandbox.serving import serve, serve_in_thread
from tests.support.logs import logs_as_they_were

QUERY = "avg(last_5m):avg:kubernetes.memory.usage{env:prod} by {kube_namespace,kube_deployment} > 1"


def cli() -> typer.Typer:
    app = typer.Typer()
    commands.register(app)
    return app


def organisation(many: int = 3) -> Datadog:
    state = Datadog()
    for number in range(1, many + 1):
        state.monitors[number * 7] = Monitor(number * 7, f"memory {number}", QUERY, "@webhook-kfix")
    state.monitors[90_001] = Monitor(
        90_001, "CPU\tof hosts\n", "avg(last_5m):avg:system.cpu.user{*} by {host} > 1"
    )
    state.monitors[90_002] = Monitor(90_002, "both", "7 && 90001", type="composite")
    state.monitors[90_003] = Monitor(90_003, "shop", QUERY, tags=("team:shop",))
    return state


@pytest.fixture
async def faults() -> Faults:
    return Faults()


@pytest.fixture
async def connection(faults: Faults) -> AsyncIterator[DatadogConnection]:
    state = organisation(1_203)
    async with serve(sandbox_datadog.create_app(state, faults)) as url:
        yield DatadogConnection(
            url=url, api_key=SecretStr(state.api_key), app_key=SecretStr(state.app_key)
        )


async def test_all_monitors_are_read_once_each_over_all_pages(
    connection: DatadogConnection,
) -> None:
    async with open_datadog(connection) as client:
        pages = [page async for page in all_monitors(client)]
        assert await client.monitor_count() == 1_206
        only = [m["id"] async for page in all_monitors(client, "team:shop") for m in page]
        assert await client.monitor_count("team:shop") == 1
    ids = [m["id"] for page in pages for m in page]
    assert len(pages) == 3
    assert len(ids) == len(set(ids)) == 1_206
    assert only == [90_003]


def ran(
    monkeypatch: pytest.MonkeyPatch,
    state: Datadog,
    *arguments: str,
    faults: Faults | None = None,
    cluster: str = "eu-1",
):  # type: ignore[no-untyped-def]
    with serve_in_thread(sandbox_datadog.create_app(state, faults)) as url:
        for name, value in {
            "KFIX_DATADOG_URL": url,
            "KFIX_DATADOG_API_KEY": state.api_key,
            "KFIX_DATADOG_APP_KEY": state.app_key,
            "KFIX_DATADOG_APP_URL": "https://app.example.com",
            "KFIX_CLUSTER_NAME": cluster,
        }.items():
            monkeypatch.setenv(name, value)
        with logs_as_they_were():
            return CliRunner().invoke(cli(), ["datadog", "coverage", *arguments])


def test_what_a_person_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ran(monkeypatch, organisation())
    assert said.exit_code == 0, said.output
    assert "6 monitors. K-Fix could act on 5 of them." in said.stdout
    assert "3 of these name @webhook-kfix" in said.stdout
    assert "add @webhook-kfix to their message (2)" in said.stdout
    assert re.search(r"90001  CPU of hosts +host; missing: service, env\n", said.stdout)
    assert "through memory 1, CPU" in " ".join(said.stdout.split())


def test_an_instance_without_a_name_says_which_setting_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = ran(monkeypatch, organisation(), cluster="")
    assert "could act on 0 of them" in said.stdout
    assert "Set KFIX_CLUSTER_NAME" in said.stdout
    assert "missing: kube_cluster_name" not in said.stdout


def test_what_a_program_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ran(monkeypatch, organisation(), "--output", "json")
    found = json.loads(said.stdout)
    assert found["totals"]["monitors"] == len(found["monitors"]) == 6
    assert found["totals"]["acts"] == 5
    by_id = {one["id"]: one for one in found["monitors"]}
    assert by_id["7"] == {
        "id": "7",
        "name": "memory 1",
        "type": "query alert",
        "url": "https://app.example.com/monitors/7",
        "acts": True,
        "route": "workload",
        "on": ["kube_namespace", "kube_deployment"],
        "through": [],
        "missing": [],
        "cluster": "unnamed",
        "hears": True,
        "silenced": False,
        "unread": "",
    }
    assert by_id["90002"]["through"] == ["memory 1", "CPU\tof hosts\n"]


def test_in_french(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFIX_LANGUAGE", "fr")
    assert "K-Fix pourrait agir sur 5 d'entre eux" in ran(monkeypatch, organisation()).stdout


def test_what_is_behind_and_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    state = organisation()
    slo = 'error_budget("0123456789abcdef0123456789abcdef").over("7d") > 75'
    state.monitors[90_004] = Monitor(90_004, "objective", slo, type="slo alert")
    said = ran(monkeypatch, state)
    assert said.exit_code == 0
    assert "could not be read (not_found" in said.stdout


def test_keys_that_are_refused_are_an_error_and_so_is_no_datadog(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusing = Faults()
    refusing.switch_on(Fault("datadog", "error", status=403))
    said = ran(monkeypatch, organisation(), faults=refusing)
    assert said.exit_code == 1
    assert "not read" in said.stderr
    assert not said.stdout, "a program reads nothing but JSON there"
    monkeypatch.delenv("KFIX_DATADOG_URL")
    with logs_as_they_were():
        said = CliRunner().invoke(cli(), ["datadog", "coverage"])
    assert said.exit_code == 2
    assert "KFIX_DATADOG_SITE" in said.stderr
