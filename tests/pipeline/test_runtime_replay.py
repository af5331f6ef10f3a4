"""`kfix replay`, `kfix topics`, `kfix dlq` and a worker's health, as a person meets them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.pipeline import small_stages as small
from tests.pipeline.harness import (
    KFIX,
    Cluster,
    make_topics,
    new_prefix,
    publish,
    stored,
    until,
    worker,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def kfix(
    cluster: Cluster, prefix: str, folder: Path, *args: str, **settings: str
) -> tuple[int, str, str]:
    """A command's exit code, stdout and stderr."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "KFIX_TEST_JOURNAL": str(folder / "replay-journal"),
        **cluster.environment(prefix),
        **settings,
    }
    done = await asyncio.to_thread(
        subprocess.run,
        [str(KFIX), *args],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.broker
async def test_a_replay_tells_which_decisions_change_and_touches_nothing_real(
    embedded_cluster: Cluster, tmp_path: Path
) -> None:
    prefix = new_prefix()
    brokers = embedded_cluster.brokers(prefix)
    await make_topics(brokers, [small.RAW, small.RELAYED])
    records = [
        small.Raw(event_id=f"r{n}", occurred_at=NOW, key="k", number=n, behaviour="rejected" * n)
        for n in (0, 1)
    ]
    await publish(brokers, [(small.RAW, record) for record in records])
    knobs = {"KFIX_RUNTIME_HEALTH_PORT": "0"}
    with worker(
        embedded_cluster,
        ["tests.pipeline.small_stages:relay"],
        tmp_path,
        prefix=prefix,
        environment=knobs,
    ) as running:
        await until(
            lambda: len(small.journal_of(tmp_path / "journal", "relay")) == 2,
            within_s=30,
            what="both handled",
        )
        await a_worker_tells_its_health(running.wait_ready()["urls"]["health"])
        assert await asyncio.to_thread(running.stop) == 0

    replay = (
        "replay",
        "--topic",
        "small.raw",
        "--stage",
        "tests.pipeline.small_stages:relay",
        "--output",
        "json",
        "--all",
    )
    code, out, err = await kfix(embedded_cluster, prefix, tmp_path, *replay)
    assert (code, out) == (2, "")
    assert "relay: no world is kept with its decisions" in err
    code, out, err = await kfix(embedded_cluster, prefix, tmp_path, *replay, "--world", "now")
    assert code == 1, err
    told = {line["cause"]: line for line in map(json.loads, out.splitlines())}
    assert told["r0"]["changed"] == []
    assert told["r0"]["then"]["number"] == 0
    assert told["r1"]["failed"].startswith("Rejected")
    assert "2 decisions, 0 change, 1 cannot be decided" in err
    assert len(await stored(brokers, small.RELAYED.name)) == 1
    assert [r.text("kfix-cause") for r in await stored(brokers, "shadow.small.relayed")] == ["r0"]


async def a_worker_tells_its_health(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/nothing")).status_code == 404
        measured = (
            'kfix_lag_records{stage="relay"} 0.0',
            'kfix_lag_unknown{stage="relay"} 0.0',
            'kfix_assigned_partitions{stage="relay"} 7.0',
        )
        deadline = time.monotonic() + 20
        metrics = ""
        while not all(line in metrics for line in measured):
            assert time.monotonic() < deadline, metrics
            await asyncio.sleep(0.2)
            metrics = (await client.get("/metrics")).text
    assert 'kfix_records_in_total{stage="relay"} 2.0' in metrics
    assert 'kfix_dead_letters_total{reason="rejected",stage="relay"} 1.0' in metrics


@pytest.mark.broker
async def test_topics_are_made_once_with_their_sides(
    embedded_cluster: Cluster, tmp_path: Path
) -> None:
    prefix = new_prefix()
    code, out, _ = await kfix(embedded_cluster, prefix, tmp_path, "topics", "create")
    assert code == 0
    assert f"{prefix}alerts.raw.dlq" in out.splitlines()
    assert await kfix(embedded_cluster, prefix, tmp_path, "topics", "create") == (0, "", "")
    _, out, _ = await kfix(embedded_cluster, prefix, tmp_path, "topics", "list")
    assert "alerts.raw\t4" in out.splitlines()
    assert "alerts.raw.retry\t3" in out.splitlines()
    code, out, err = await kfix(embedded_cluster, prefix, tmp_path, "dlq", "list")
    assert (code, out) == (0, "")
    code, _, err = await kfix(embedded_cluster, prefix, tmp_path, "dlq", "show", "nonsense")
    assert code == 1
    assert "not topic:partition:offset" in err
    code, _, err = await kfix(embedded_cluster, prefix, tmp_path, "dlq", "replay")
    assert code == 2


@pytest.mark.kafka
async def test_the_broker_is_compared_with_the_settings_of_retention(
    kafka_cluster: Cluster, tmp_path: Path
) -> None:
    prefix = new_prefix()

    async def topics(command: str, **settings: str) -> tuple[int, str, str]:
        return await kfix(kafka_cluster, prefix, tmp_path, "topics", command, **settings)

    code, out, err = await topics("check")
    assert (code, out) == (3, "")
    assert "alerts.raw\tnot there" in err
    assert (await topics("create"))[0] == 0
    async with asyncio.timeout(60):
        while "not there" in err:  # the brokers tell each other of new topics
            code, out, err = await topics("check")
    assert (code, err) == (0, "")
    assert "alerts.raw\t14 days\twanted 14 days" in out.splitlines()
    assert "alerts.raw.dlq\t30 days\twanted 30 days" in out.splitlines()
    code, _, err = await topics("check", KFIX_RETENTION_TOPICS_DAYS="7")
    assert code == 3
    assert (
        f"--entity-name {prefix}alerts.raw --add-config cleanup.policy=delete,retention.ms=604800000"
        in err
    )
    code, _, err = await topics("check", KFIX_RETENTION_TOPICS_DAYS="21")
    assert (code, "retention.ms=1814400000" in err) == (0, True)
    code, _, err = await topics("check", KFIX_RETENTION_LEDGER_DAYS="20")
    assert (code, "KFIX_RETENTION_" in err) == (2, True)
