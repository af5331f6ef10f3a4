"""The whole river on an alert that lies about its environment, and on alerts of somebody else's cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from kfix.engine import topics
from sandbox.gitlab.state import DEVELOPER, Protection
from tests.pipeline.harness import Cluster
from tests.pipeline.river import DATADOG_TOKEN, River, company

#: Every environment's rules would let a merge request merge by itself.
EAGER = """\
production: {auto_merge: true}
staging: {auto_merge: true, tolerated_unknowns: [node_fit, historical_failures, render]}
development: {auto_merge: true, tolerated_unknowns: [node_fit, historical_failures, render]}
"""
#: The sandbox's monitor of containers that are killed for memory.
MONITOR = "4102"


async def test_an_alert_that_lies_about_its_environment_merges_nothing(
    embedded_cluster: Cluster, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(EAGER)
    async with company() as sandbox:
        # The forge lets K-Fix merge, and there is no pipeline that could be red.
        sandbox.project.protected["main"] = Protection(push=DEVELOPER, merge=DEVELOPER)
        river = River(embedded_cluster, sandbox, tmp_path, KFIX_SAFETY_POLICY_FILE=str(policy))
        worker = river.start()
        try:
            door = worker.wait_ready()["urls"]["ingest"]
            await river.break_("oom")
            await river.until(
                lambda: sandbox.world.health("cart").condition != "healthy",
                within_s=20,
                what="trouble",
            )
            await asyncio.sleep(1)
            payload = {
                "id": "lie-1",
                "title": "[Triggered] Containers are killed for memory",
                "alert_id": MONITOR,
                "alert_transition": "Triggered",
                "tags": [
                    "env:staging",
                    "kube_cluster_name:prod-eu",
                    "kube_namespace:shop",
                    "kube_deployment:cart",
                ],
            }
            async with httpx.AsyncClient(trust_env=False) as client:
                answer = await client.post(
                    f"{door}/datadog-webhook",
                    json=payload,
                    headers={"X-KFix-Token": DATADOG_TOKEN},
                )
            assert answer.status_code == 202
            # Written once everything that publish does for it is done.
            (event, *_) = await river.until_records(topics.MR_EVENTS, bool, within_s=60)
            (validated, *_) = await river.records(topics.PLANS_VALIDATED)
        finally:
            worker.kill()
    assert event.action == "opened"
    assert (validated.context.environment, validated.auto_merge) == ("production", False)
    (mr,) = sandbox.project.merge_requests
    assert (mr.state, mr.auto_merge) == ("opened", False)
    assert "env::production" in mr.labels
    assert "tag env" in mr.description


async def test_an_alert_of_somebody_elses_cluster_is_told_and_nothing_is_read(
    embedded_cluster: Cluster, tmp_path: Path
) -> None:
    async with company() as sandbox:
        river = River(embedded_cluster, sandbox, tmp_path, KFIX_KUBERNETES_CLUSTER="prod-us")
        with river.worker():
            before = len([a for a in sandbox.faults.asked if a.service == "kubernetes"])
            await river.break_("oom")
            (event, *_) = await river.until_records(topics.MR_EVENTS, bool, within_s=60)
            await river.until(
                lambda: bool(sandbox.slack.messages and sandbox.teams.cards),
                within_s=20,
                what="messages",
            )
            asked = [a for a in sandbox.faults.asked if a.service == "kubernetes"][before:]
    assert (event.action, event.reason) == ("declined", "another_cluster")
    assert sandbox.project.merge_requests == []
    read = [
        a.path for a in asked if "/namespaces/" in a.path and not a.path.endswith("/k-fix-lock")
    ]
    assert read == [], "but for the lock's own probe"
    for word in ("prod-eu", "prod-us", "KFIX_CLUSTER_ALIASES"):
        assert word in event.text
    for told in (str(sandbox.slack.messages[0].blocks), str(sandbox.teams.cards[0])):
        assert "prod-eu" in told
