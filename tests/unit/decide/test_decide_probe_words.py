"""What a probe is told is the program's own word: a status is an answer in HTTP."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from tests.support.decide.clusters import Cluster


def probed(said: str, *, days: float = 0.0, kind: str = "httpGet") -> tuple[Cluster, str]:
    cluster = Cluster(seed=4)
    app = cluster.app()
    port = cluster.container(app)["ports"][0]["containerPort"]
    cluster.revise(
        app,
        minutes=days * 1440 or 30,
        livenessProbe={kind: {"port": port, **({"path": "/alive"} if kind == "httpGet" else {})}},
        startupProbe={"tcpSocket": {"port": port}},
    )
    pod = cluster.pod(app)["metadata"]["name"]
    cluster.event("Pod", pod, "Unhealthy", f"Liveness probe failed: {said}", 9)
    cluster.status(app, ready=False, restartCount=4, state={"running": {}})
    if days:
        replica_sets = cluster.objects["replicasets"]
        newest = max(replica_sets, key=lambda r: r["metadata"]["creationTimestamp"])
        newest["status"]["readyReplicas"] = 1
    return cluster, app


@pytest.mark.parametrize("status", ["400", "500", "503"])
def test_an_error_status_is_no_wrong_protocol(status: str) -> None:
    cluster, app = probed(f"HTTP probe failed with statuscode: {status}")
    verdict = diagnose(cluster.bundle(app))
    assert verdict.analysis is not None
    told = {h.failure_class for h in verdict.analysis.hypotheses[:2]}
    assert "probe_answers_error" in told
    assert "liveness_probe_protocol" not in told
    kinds = {plan.fix_kind for plan in verdict.plans}
    assert "set_probe" not in kinds


@pytest.mark.parametrize("status", ["404", "301"])
def test_a_young_template_may_ask_the_wrong_path(status: str) -> None:
    cluster, app = probed(f"HTTP probe failed with statuscode: {status}")
    analysis = diagnose(cluster.bundle(app)).analysis
    assert analysis is not None
    assert analysis.failure_class in {"liveness_probe_path", "bad_rollout"}


def test_a_template_that_worked_for_days_has_no_wrong_path() -> None:
    cluster, app = probed("HTTP probe failed with statuscode: 404", days=3)
    analysis = diagnose(cluster.bundle(app)).analysis
    assert analysis is not None
    told = {h.failure_class: h.confidence for h in analysis.hypotheses}
    assert "probe_answers_error" in told
    assert "liveness_probe_path" not in told
