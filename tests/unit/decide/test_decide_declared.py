"""What the alert is about explains it although Git declares it so; who declared it and when is said."""

from __future__ import annotations

import copy
from typing import Any

from decide.core import diagnose
from decide.core.opinion import Verdict
from schemas.base import ObjectRef
from schemas.context import Change
from tests.support.decide.clusters import AT, Cluster

DIFF = "@@ -1 +1 @@\n-  replicas: 3\n+  replicas: 0\n"


def told(cluster: Cluster, *, labels: dict[str, str], title: str = "fails", **more: Any) -> Verdict:
    bundle = cluster.bundle()
    alert = bundle.alert.model_copy(update={"title": title, "labels": labels})
    return diagnose(bundle.model_copy(update={"alert": alert, **more}))


def asleep() -> tuple[Cluster, str]:
    cluster = Cluster(seed=31)
    app = cluster.app()
    cluster.get("deployments", app)["spec"]["replicas"] = 0
    cluster.objects["pods"].clear()
    cluster.down(app)
    cluster.declared.append(copy.deepcopy(cluster.get("deployments", app)))
    return cluster, app


def test_zero_replicas_that_git_declares_explain_the_alert_about_their_service() -> None:
    cluster, app = asleep()
    commit = Change(kind="commit", revision="0123456789ab", at=AT, detail={"diff": DIFF})
    verdict = told(cluster, labels={"kube_service": app}, changes=(commit,))
    assert verdict.status == "solution_proposed"
    (change,) = verdict.plans[0].kubernetes_changes
    assert (change.fields[0].path, change.fields[0].after) == ("spec.replicas", 3)
    assert verdict.analysis is not None
    said = " ".join(e.statement for e in verdict.analysis.evidence)
    assert "declares replicas so in a.yaml since" in said
    assert "0123456789" in said


def test_an_alert_about_something_else_leaves_them_asleep() -> None:
    cluster, _ = asleep()
    other = cluster.app()
    verdict = told(cluster, labels={"kube_deployment": other}, title="pods not ready")
    assert verdict.status != "solution_proposed"


def test_a_suspended_job_that_git_declares_explains_that_it_did_not_run() -> None:
    cluster = Cluster(seed=32)
    cluster.app()
    job = cluster.add(
        "cronjobs",
        "cleanup",
        api="batch/v1",
        kind="CronJob",
        spec={"suspend": True, "schedule": "0 * * * *", "jobTemplate": {"spec": {}}},
    )
    cluster.declared.append(copy.deepcopy(job))
    verdict = told(cluster, labels={"kube_cronjob": "cleanup"}, title="cleanup has not run")
    assert verdict.status == "solution_proposed"
    (change,) = verdict.plans[0].kubernetes_changes
    assert change.object == ObjectRef(
        api_version="batch/v1", kind="CronJob", namespace=cluster.namespace, name="cleanup"
    )
    assert (change.fields[0].path, change.fields[0].after) == ("spec.suspend", False)


def test_a_target_port_that_no_pod_declares_explains_the_alert_about_its_service_only() -> None:
    cluster = Cluster(seed=33)
    app = cluster.app()
    cluster.get("services", app)["spec"]["ports"][0]["targetPort"] = 81
    named = told(cluster, labels={"kube_service": app}, title="503 of the shop")
    assert named.status == "solution_proposed"
    assert named.plans[0].fix_kind == "set_service_port"
    assert told(cluster, labels={}, title="503 of the shop").status == "needs_human"
    slow = told(cluster, labels={"kube_service": app}, title="latency of the shop")
    assert slow.status == "needs_human"


def test_a_port_that_the_programs_settings_or_log_name_is_listened_at() -> None:
    for said in ({"args": ["--port=81"]}, {"env": [{"name": "LISTEN", "value": ":81"}]}, {}):
        cluster = Cluster(seed=33)
        app = cluster.app(**said)
        cluster.get("services", app)["spec"]["ports"][0]["targetPort"] = 81
        if not said:
            cluster.log(app, "listening on 0.0.0.0:81")
        verdict = told(cluster, labels={"kube_service": app}, title="503 of the shop")
        assert verdict.plans == ()


def test_a_deployment_that_an_argo_rollout_runs_stays_at_zero() -> None:
    cluster, app = asleep()
    cluster.add(
        "rollouts", "r", kind="Rollout", spec={"workloadRef": {"kind": "Deployment", "name": app}}
    )
    assert told(cluster, labels={"kube_service": app}).status != "solution_proposed"


def test_a_commit_that_changed_other_objects_says_nothing_of_this_ones_replicas() -> None:
    cluster, app = asleep()
    fields = {"Deployment//another": {"spec.replicas": [3, 0]}}
    detail = {"diff": DIFF, "fields": fields}
    commit = Change(kind="commit", revision="0123456789ab", at=AT, detail=detail)
    verdict = told(cluster, labels={"kube_service": app}, changes=(commit,))
    (change,) = verdict.plans[0].kubernetes_changes
    assert change.fields[0].after == 1
