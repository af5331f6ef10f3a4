"""Where no cause is known, people read what was seen: kills for a probe, errors of pods that are ready, who is behind a webhook."""

from __future__ import annotations

from decide.core import diagnose
from schemas.plans import Analysis
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster


def ground() -> tuple[Cluster, str]:
    cluster = Cluster(11)
    cluster.app("other")
    return cluster, cluster.app("shop")


def analysed(cluster: Cluster, subject: str = "") -> Analysis:
    analysis = diagnose(cluster.bundle(subject)).analysis
    assert analysis is not None
    return analysis


def statements(analysis: Analysis) -> str:
    return " | ".join(e.statement for e in analysis.evidence)


def test_kills_for_a_liveness_probe_stand_in_an_answer_without_a_cause() -> None:
    cluster, app = ground()
    cluster.down(app)
    pod = cluster.pod(app)["metadata"]["name"]
    cluster.event(
        "Pod", pod, "Killing", "Container main failed liveness probe, will be restarted", 7
    )
    cluster.event("Pod", pod, "Unhealthy", "Liveness probe failed: context deadline exceeded", 21)
    found = analysed(cluster, app)
    assert "killed 7 times for its probe" in found.root_cause
    assert "context deadline exceeded" in statements(found)


def test_errors_that_a_ready_pod_logs_are_shown_with_their_number_where_errors_rose() -> None:
    cluster, app = ground()
    cluster.log(
        app, *[f"2026-05-04T11:{n}:00Z ERROR basket {n} has no price" for n in range(30, 35)]
    )
    cluster.log(app, "2026-05-04T11:36:00Z INFO errors=0")
    cluster.series("service.success_rate", [1.0] * 30 + [0.6] * 30, service=app)
    found = analysed(cluster, app)
    assert found.failure_class == "error_rate_regression"
    assert "shop says (5 lines alike)" in statements(found)
    assert "basket 34 has no price" in statements(found)


def test_a_line_that_is_no_error_is_not_shown() -> None:
    cluster, app = ground()
    cluster.down(app)
    cluster.log(app, "2026-05-04T11:36:00Z INFO error budget is full", "GET /errors 200")
    assert "says (" not in statements(analysed(cluster, app))


def test_the_dns_own_last_word_is_told() -> None:
    cluster, app = ground()
    FAULTS["cluster_dns_down/a loop of its own"](cluster, app)
    assert "plugin/loop: Loop" in analysed(cluster).root_cause


def test_what_keeps_a_webhook_s_own_pods_away_is_the_cause_in_the_other_namespace() -> None:
    cluster, app = ground()
    behind = Cluster(12)
    behind.app("injector")
    behind.unschedulable("injector", "0/3 nodes are available: 3 Insufficient memory.")
    for kind in ("pods", "deployments", "replicasets", "services", "endpoints"):
        cluster.objects[kind] += behind.objects[kind]
    cluster.refused(app, "never")
    cluster.objects["events"].clear()
    child = cluster.get("replicasets", cluster.objects["replicasets"][1]["metadata"]["name"])
    assert child["metadata"]["ownerReferences"][0]["name"] == app
    url = f"https://injector.{behind.namespace}.svc:443/inject?timeout=10s"
    cluster.event(
        "ReplicaSet",
        child["metadata"]["name"],
        "FailedCreate",
        f'Internal error occurred: failed calling webhook "a.b.c": failed to call webhook: Post "{url}": '
        'no endpoints available for service "injector"',
    )
    found = analysed(cluster, app)
    assert (found.failure_class, found.object.name) == ("insufficient_memory", "injector")
    assert [h.failure_class for h in found.hypotheses[1:2]] == ["webhook_unavailable"]
