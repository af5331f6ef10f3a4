"""What is down and is called by what crashes comes first, with logs or without, in the same namespace or next door."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from schemas.alerts import Alert
from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.rules_say import shop


def _oom(c: Cluster, app: str) -> None:
    c.crashed(app, 137, reason="OOMKilled")


def _no_configuration(c: Cluster, app: str) -> None:
    c.waiting(app, "CreateContainerConfigError", 'configmap "db-settings" not found')


def _no_image(c: Cluster, app: str) -> None:
    c.waiting(app, "ImagePullBackOff", 'Back-off pulling image "registry.example/db:7"')


def _first(verdict: Verdict) -> str:
    assert verdict.analysis is not None
    return f"{verdict.analysis.failure_class} of {verdict.analysis.object.key}"


def _by_variable(c: Cluster) -> None:
    c.calls("gate", "db")


def _by_start(c: Cluster) -> None:
    wait = {
        "name": "wait",
        "image": "x:1",
        "command": ["sh", "-c", "until nc -z db 8080; do :; done"],
    }
    c.get("deployments", "gate")["spec"]["template"]["spec"]["initContainers"] = [wait]


def _by_argument(c: Cluster) -> None:
    c.container("gate")["args"] = ["--store=http://db:8080/v1", "--level=info"]


def _by_file(c: Cluster) -> None:
    text = "upstream store {\n  server db:8080;\n}\n"
    c.add("configmaps", "gate-conf", kind="ConfigMap", data={"nginx.conf": text})
    volumes = [{"name": "conf", "configMap": {"name": "gate-conf"}}]
    c.get("deployments", "gate")["spec"]["template"]["spec"]["volumes"] = volumes


WAYS = {"variable": _by_variable, "start": _by_start, "argument": _by_argument, "file": _by_file}


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("fault", [_oom, _no_configuration])
def test_a_gateway_that_crashes_without_a_word_stands_behind_the_database_that_is_down(
    way: str, fault: Any
) -> None:
    c = shop("gate", "db", "other")
    WAYS[way](c)
    c.crashed("gate", 1)
    fault(c, "db")
    verdict = diagnose(c.bundle("gate"))
    assert _first(verdict).endswith("Deployment/shop/db")
    assert verdict.analysis is not None
    assert verdict.analysis.hypotheses[0].confidence >= 0.85
    assert all(c.object.name == "db" for p in verdict.plans for c in p.kubernetes_changes)


def test_an_impatient_probe_of_the_caller_is_not_blamed_while_its_database_is_down() -> None:
    c = shop("gate", "db")
    c.calls("gate", "db")
    c.container("gate")["livenessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 2}
    c.status("gate", restartCount=4, state={"running": {}})
    pod = c.pod("gate")["metadata"]["name"]
    c.event("Pod", pod, "Unhealthy", "Liveness probe failed: dial tcp: connect: connection refused")
    _no_configuration(c, "db")
    assert _first(diagnose(c.bundle("gate"))).endswith("Deployment/shop/db")


def test_a_whole_chain_is_followed_to_its_end() -> None:
    c = shop("edge", "gate", "db")
    c.calls("edge", "gate")
    c.calls("gate", "db")
    for app in ("edge", "gate"):
        c.crashed(app, 1)
    _oom(c, "db")
    assert _first(diagnose(c.bundle("edge"))) == "oom_killed of Deployment/shop/db"


def test_of_two_that_crash_without_a_word_the_called_one_is_looked_at_first() -> None:
    c = shop("gate", "db")
    c.calls("gate", "db")
    c.crashed("gate", 1, "panic: no store")
    c.crashed("db", 1)
    verdict = diagnose(c.bundle("gate"))
    assert _first(verdict).endswith("Deployment/shop/db")
    assert verdict.plans == ()


def test_a_callers_own_cause_stays_its_own() -> None:
    c = shop("gate", "db")
    c.calls("gate", "db")
    _no_configuration(c, "gate")
    _oom(c, "db")
    assert _first(diagnose(c.bundle("gate"))).endswith("Deployment/shop/gate")


def test_two_that_call_each_other_do_not_explain_one_another() -> None:
    c = shop("gate", "db")
    c.calls("gate", "db")
    c.calls("db", "gate")
    c.crashed("gate", 1)
    _oom(c, "db")
    assert _first(diagnose(c.bundle("gate"))) == "oom_killed of Deployment/shop/db"


def test_two_causes_at_two_objects_do_not_halve_each_other() -> None:
    alone = shop("gate", "db")
    _oom(alone, "gate")
    both = shop("gate", "db")
    _oom(both, "gate")
    c = both.container("db")
    both.waiting("db", "CreateContainerConfigError", 'secret "db-word" not found')
    assert c
    one, two = (diagnose(x.bundle("")).analysis for x in (alone, both))
    assert one is not None
    assert two is not None
    assert two.confidence >= one.confidence - 0.02
    assert [h.confidence >= 0.8 for h in two.hypotheses[:2]] == [True, True]


def _next_door(c: Cluster, app: str, space: str = "store") -> None:
    """The application and all that is its own move to another namespace."""
    for found in c.objects.values():
        for obj in found:
            about = obj["metadata"]
            if str(about["name"]).startswith(app) and "namespace" in about:
                about["namespace"] = space


def _gate_and_db_next_door(fault: Any, value: str = "db.store.svc.cluster.local:8080") -> Cluster:
    c = shop("gate", "db", "other")
    fault(c, "db")
    _next_door(c, "db")
    for event in c.objects["events"]:
        event["involvedObject"]["namespace"] = event["metadata"]["namespace"] = "store"
    c.container("gate")["env"] = [{"name": "DB_ADDR", "value": value}]
    return c


@pytest.mark.parametrize("value", ["db.store:8080", "postgres://u@db.store.svc:8080/x"])
def test_a_database_of_another_namespace_is_examined_too(value: str) -> None:
    c = _gate_and_db_next_door(_oom, value)
    c.crashed("gate", 1)
    assert _first(diagnose(c.bundle("gate"))) == "oom_killed of Deployment/store/db"


def test_what_is_wrong_next_door_is_no_cause_while_the_own_ones_are_well() -> None:
    c = _gate_and_db_next_door(_oom)
    verdict = diagnose(c.bundle("other"))
    assert not _first(verdict).endswith("store/db") or verdict.plans == ()


def test_a_fix_next_door_is_proposed_where_it_is_proven_and_told_otherwise() -> None:
    proven = _gate_and_db_next_door(_oom)
    proven.crashed("gate", 1)
    assert diagnose(proven.bundle("gate")).plans
    told = _gate_and_db_next_door(_oom)
    told.crashed("gate", 1)
    told.status("db", ready=True, state={"running": {}}, restartCount=3)
    verdict = diagnose(told.bundle("gate"))
    assert not [
        c for p in verdict.plans for c in p.kubernetes_changes if c.object.namespace == "store"
    ]


def test_what_nobody_calls_next_door_is_not_looked_at() -> None:
    c = _gate_and_db_next_door(_oom, "db:8080")
    c.crashed("gate", 1)
    verdict = diagnose(c.bundle("gate"))
    assert verdict.analysis is not None
    assert all(h.object.namespace != "store" for h in verdict.analysis.hypotheses)


def test_the_called_service_of_the_alerts_spans_is_followed() -> None:
    c = shop("gate", "db")
    c.crashed("gate", 1)
    _oom(c, "db")
    bundle = c.bundle("gate")
    labels = {"service": "gate", "peer.service": "db"}
    alert = Alert(title="Errors of gate", state="firing", labels=labels)
    assert (
        _first(diagnose(bundle.model_copy(update={"alert": alert})))
        == "oom_killed of Deployment/shop/db"
    )


def _external(c: Cluster) -> Obj:
    spec = {"type": "ExternalName", "externalName": "db.store.svc.cluster.local"}
    return c.add("services", "storage", kind="Service", spec=spec)


def test_an_alias_of_another_namespaces_service_is_followed() -> None:
    c = _gate_and_db_next_door(_oom, "storage:8080")
    _external(c)
    c.crashed("gate", 1)
    assert _first(diagnose(c.bundle("gate"))) == "oom_killed of Deployment/store/db"


def _at_its_most(c: Cluster, app: str) -> None:
    """An autoscaler that has no pod left to add."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": app}
    limited = {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}
    c.add(
        "horizontalpodautoscalers",
        app,
        api="autoscaling/v2",
        kind="HorizontalPodAutoscaler",
        spec={"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 1},
        status={"currentReplicas": 1, "desiredReplicas": 1, "conditions": [limited]},
    )


def test_an_autoscaler_at_its_most_does_not_explain_pods_that_crash() -> None:
    c = shop("gate", "other")
    _at_its_most(c, "gate")
    c.crashed("gate", 1, "panic: no such thing")
    verdict = diagnose(c.bundle("gate"))
    assert _first(verdict) == "crash_code of Deployment/shop/gate"
    assert all(
        x.object.kind != "HorizontalPodAutoscaler"
        for p in verdict.plans
        for x in p.kubernetes_changes
    )


def test_a_quota_that_refuses_others_does_not_explain_pods_that_are_there_and_crash() -> None:
    c = shop("gate", "other")
    c.add(
        "resourcequotas",
        "shop",
        kind="ResourceQuota",
        spec={"hard": {"pods": "2"}},
        status={"hard": {"pods": "2"}, "used": {"pods": "2"}},
    )
    c.refused("other", "exceeded quota: shop, requested: pods=1, used: pods=2, limited: pods=2")
    c.crashed("gate", 1, "panic: no such thing")
    assert _first(diagnose(c.bundle("gate"))) == "crash_code of Deployment/shop/gate"
    assert _first(diagnose(c.bundle("other"))) == "quota_pods_exceeded of ResourceQuota/shop/shop"


def test_the_programs_own_word_stands_before_the_status_that_its_probe_got() -> None:
    c = shop("gate")
    c.container("gate")["readinessProbe"] = {"httpGet": {"path": "/ready", "port": 8080}}
    c.stopped("gate")
    pod = c.pod("gate")["metadata"]["name"]
    c.event(
        "Pod", pod, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"
    )
    c.log("gate", "lookup ledger.bank on 10.96.0.10:53: no such host")
    analysis = diagnose(c.bundle("gate")).analysis
    assert analysis is not None
    assert (analysis.failure_class, analysis.evidence[0].source) == ("probe_answers_error", "log")
