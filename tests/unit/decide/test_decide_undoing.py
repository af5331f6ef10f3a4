"""What a commit lowered, removed or misspelt goes back first, of the workload and of what it reads."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from schemas.context import Change
from tests.support.decide.clusters import Cluster
from tests.support.decide.commits import commit

TEMPLATE = "spec.template.spec.containers[name=main]"


def sizes(memory: str) -> dict[str, Any]:
    return {"requests": {"cpu": "100m", "memory": memory}, "limits": {"memory": memory}}


def asked(cluster: Cluster, app: str, *commits: Change) -> Verdict:
    return diagnose(cluster.bundle(app).model_copy(update={"changes": commits}))


def after(verdict: Verdict, plan: int = 0) -> dict[str, object]:
    changes = verdict.plans[plan].kubernetes_changes
    return {field.path.rpartition("].")[2]: field.after for c in changes for field in c.fields}


def every_value(verdict: Verdict) -> str:
    return repr([[c.model_dump() for c in p.kubernetes_changes] for p in verdict.plans])


def killed(limit: str = "128Mi") -> tuple[Cluster, str, str]:
    cluster = Cluster(seed=51)
    app = cluster.app(resources=sizes(limit))
    cluster.crashed(app, 137, reason="OOMKilled")
    return cluster, app, f"Deployment/{cluster.namespace}/{app}"


def lowered(before: str, now: str) -> dict[str, list[Any]]:
    path = f"{TEMPLATE}.resources"
    return {f"{path}.limits.memory": [before, now], f"{path}.requests.memory": [before, now]}


def test_a_memory_limit_that_a_commit_lowered_goes_back_without_any_revision() -> None:
    cluster, app, key = killed()
    verdict = asked(cluster, app, commit(key, lowered("768Mi", "128Mi")))
    assert after(verdict) == {
        "resources.limits.memory": "768Mi",
        "resources.requests.memory": "768Mi",
    }
    first = verdict.plans[0]
    assert first.fix_kind == "rollback_revision"
    assert "0123456789" in first.justification
    assert "a.yaml" in first.justification
    assert len(verdict.plans) > 1


def test_a_file_that_names_no_namespace_tells_as_well() -> None:
    cluster, app, _ = killed()
    verdict = asked(cluster, app, commit(f"Deployment//{app}", lowered("768Mi", "0.125Gi")))
    assert after(verdict)["resources.limits.memory"] == "768Mi"


@pytest.mark.parametrize(
    ("before", "now"),
    [("64Mi", "128Mi"), ("768Mi", "256Mi"), ("[masked:token]", "128Mi")],
    ids=["smaller before", "the cluster runs something else", "masked"],
)
def test_a_commit_that_is_no_answer_leaves_the_computed_size(before: str, now: str) -> None:
    cluster, app, key = killed()
    verdict = asked(cluster, app, commit(key, lowered(before, now)))
    assert before not in every_value(verdict)
    assert verdict.plans[0].fix_kind == "set_memory"


def test_a_commit_after_the_alert_is_not_to_blame() -> None:
    cluster, app, key = killed()
    verdict = asked(cluster, app, commit(key, lowered("768Mi", "128Mi"), minutes=-5))
    assert "768Mi" not in every_value(verdict)


def test_of_two_commits_the_one_that_wrote_the_present_value_is_undone() -> None:
    cluster, app, key = killed()
    newer, older = lowered("512Mi", "128Mi"), lowered("1Gi", "512Mi")
    verdict = asked(
        cluster, app, commit(key, newer, sha="bbbb"), commit(key, older, minutes=90, sha="aaaa")
    )
    assert after(verdict)["resources.limits.memory"] == "512Mi"


def test_a_value_of_a_file_of_values_goes_back_where_the_object_has_what_it_wrote() -> None:
    cluster, app, _ = killed()
    fields = {"worker.resources.limits.memory": ["768Mi", "128Mi"]}
    verdict = asked(cluster, app, commit("", fields, path="charts/x/values.yaml"))
    assert after(verdict)["resources.limits.memory"] == "768Mi"
    assert "charts/x/values.yaml" in verdict.plans[0].justification


def test_two_files_of_values_that_disagree_tell_nothing() -> None:
    cluster, app, _ = killed()
    one = commit("", {"a.resources.limits.memory": ["768Mi", "128Mi"]}, path="a/values.yaml")
    two = commit("", {"b.resources.limits.memory": ["512Mi", "128Mi"]}, path="b/values.yaml")
    verdict = asked(cluster, app, one, two)
    assert "768Mi" not in every_value(verdict)
    assert "512Mi" not in every_value(verdict)


def full(hard: str) -> tuple[Cluster, str, str]:
    cluster = Cluster(seed=52)
    app = cluster.app(resources=sizes("400Mi"))
    said = (
        "exceeded quota: room, requested: limits.memory=400Mi, used: limits.memory=800Mi,"
        f" limited: limits.memory={hard}"
    )
    quota = {"hard": {"limits.memory": hard}}
    cluster.add("resourcequotas", "room", kind="ResourceQuota", spec=quota, status=quota)
    cluster.refused(app, said)
    failure = {"type": "ReplicaFailure", "status": "True", "message": said}
    cluster.get("deployments", app)["status"]["conditions"].append(failure)
    return cluster, app, f"ResourceQuota/{cluster.namespace}/room"


def test_a_quota_that_a_commit_lowered_goes_back_where_the_rollout_fits_into_it() -> None:
    cluster, app, key = full("1Gi")
    fields = {"spec.hard['limits.memory']": ["4Gi", "1Gi"]}
    verdict = asked(cluster, app, commit(key, fields))
    assert "4Gi" in [str(v) for v in after(verdict).values()]
    assert verdict.plans[0].fix_kind == "set_quota"


def test_a_quota_of_before_that_is_too_small_too_is_no_way_back() -> None:
    cluster, app, key = full("900Mi")
    fields = {"spec.hard['limits.memory']": ["1000Mi", "900Mi"]}
    verdict = asked(cluster, app, commit(key, fields))
    assert "1000Mi" not in every_value(verdict)


def probed(path: str) -> tuple[Cluster, str, str]:
    cluster = Cluster(seed=53)
    app = cluster.app(port=8080, readinessProbe={"httpGet": {"path": path, "port": 8080}})
    said = "Readiness probe failed: HTTP probe failed with statuscode: 404"
    cluster.event("Pod", cluster.pod(app)["metadata"]["name"], "Unhealthy", said, 9)
    cluster.stopped(app)
    return cluster, app, f"Deployment/{cluster.namespace}/{app}"


def test_a_probes_path_that_a_commit_misspelt_goes_back() -> None:
    cluster, app, key = probed("/helthz")
    fields = {f"{TEMPLATE}.readinessProbe.httpGet.path": ["/healthz", "/helthz"]}
    verdict = asked(cluster, app, commit(key, fields))
    assert after(verdict)["readinessProbe.httpGet.path"] == "/healthz"
    assert verdict.plans[0].fix_kind == "set_probe"


def test_a_probes_path_that_came_with_another_image_belongs_to_it() -> None:
    cluster, app, key = probed("/v2/health")
    fields = {
        f"{TEMPLATE}.readinessProbe.httpGet.path": ["/healthz", "/v2/health"],
        f"{TEMPLATE}.image": ["registry.example/x:1", cluster.container(app)["image"]],
    }
    verdict = asked(cluster, app, commit(key, fields))
    assert "/healthz" not in every_value(verdict)


def test_a_variable_that_a_commit_took_away_comes_back() -> None:
    cluster = Cluster(seed=54)
    app = cluster.app(env=[{"name": "MODE", "value": "fast"}])
    cluster.crashed(app, 1, "KeyError: 'REGION'")
    entry = {"name": "REGION", "value": "north"}
    fields = {f"{TEMPLATE}.env[name=REGION]": [entry, None]}
    verdict = asked(
        cluster, app, commit(f"Deployment/{cluster.namespace}/{app}", fields, minutes=20)
    )
    (change,) = verdict.plans[0].kubernetes_changes
    assert [(f.op, f.after) for f in change.fields] == [("add", entry)]


def closed(allowed: str) -> tuple[Cluster, str, str]:
    """A caller that a policy of the callee does not let in."""
    cluster = Cluster(seed=58)
    app, caller = cluster.app(), cluster.app()
    port = cluster.calls(caller, app)
    rule = {"from": [{"podSelector": {"matchLabels": {"app": allowed}}}]}
    cluster.add(
        "networkpolicies",
        "door",
        api="networking.k8s.io/v1",
        kind="NetworkPolicy",
        spec={
            "podSelector": {"matchLabels": {"app": app}},
            "policyTypes": ["Ingress"],
            "ingress": [rule],
        },
    )
    cluster.log(caller, f"dial tcp 10.9.9.9:{port}: i/o timeout while calling {app}")
    return cluster, app, caller


def test_a_policys_rule_that_a_commit_misspelt_goes_back_before_a_new_rule() -> None:
    cluster, app, caller = closed("nobody")
    now = cluster.get("networkpolicies", "door")["spec"]["ingress"]
    then = [{"from": [{"podSelector": {"matchLabels": {"app": caller}}}]}]
    key = f"NetworkPolicy/{cluster.namespace}/door"
    verdict = asked(cluster, app, commit(key, {"spec.ingress": [then, now]}))
    (change,) = verdict.plans[0].kubernetes_changes
    assert [(f.path, f.after) for f in change.fields] == [("spec.ingress", then)]


def test_a_policy_that_a_commit_made_is_not_taken_away() -> None:
    cluster, app, _ = closed("nobody")
    now = cluster.get("networkpolicies", "door")["spec"]
    key = f"NetworkPolicy/{cluster.namespace}/door"
    verdict = asked(cluster, app, commit(key, {"spec": [None, now], "kind": [None, "x"]}))
    fields = [f for p in verdict.plans for c in p.kubernetes_changes for f in c.fields]
    assert all(f.op == "add" for f in fields)


def panics(*, broke: str = "2026-05-04T11:45:00Z", minutes: float = 120) -> tuple[Cluster, str]:
    """A program that reads a ConfigMap, ran since ``minutes`` before the alert, and fails since a time."""
    cluster = Cluster(seed=59)
    app = cluster.app()
    cluster.add("configmaps", "tuning", kind="ConfigMap", data={"POOL": "0"})
    cluster.revise(app, minutes=minutes, envFrom=[{"configMapRef": {"name": "tuning"}}])
    cluster.objects["replicasets"][-1]["status"] = {"replicas": 0}
    cluster.crashed(app, 2, "FATAL invalid configuration: there is no pool")
    conditions = [{"type": "Available", "status": "False", "lastTransitionTime": broke}]
    cluster.get("deployments", app)["status"]["conditions"] = conditions
    return cluster, app


POOL = {"data.POOL": ["16", "0"]}


def test_the_one_commit_between_a_template_that_ran_and_the_trouble_is_undone() -> None:
    cluster, app = panics()
    first = asked(cluster, app, commit("ConfigMap//tuning", POOL)).plans[0]
    (change,) = first.kubernetes_changes
    assert (change.object.kind, [f.after for f in change.fields]) == ("ConfigMap", ["16"])
    assert "order of times" in " ".join(first.risks)


@pytest.mark.parametrize(
    "case",
    ["before the commit", "with a template", "two commits", "long ago", "not in the cluster"],
)
def test_where_the_order_of_times_does_not_tell_no_setting_goes_back(case: str) -> None:
    cluster, app = panics(
        broke="2026-05-04T10:00:00Z" if case == "before the commit" else "2026-05-04T11:45:00Z",
        minutes=10 if case == "with a template" else 4_000 if case == "long ago" else 120,
    )
    commits = [commit("ConfigMap//tuning", POOL, minutes=2_000 if case == "long ago" else 30)]
    if case == "two commits":
        commits.append(commit("ConfigMap//tuning", {"data.X": ["1", None]}, sha="ff", minutes=40))
    if case == "not in the cluster":
        cluster.get("configmaps", "tuning")["data"]["POOL"] = "2"
    assert "'16'" not in every_value(asked(cluster, app, *commits))
