"""A value that was seen to fail does not come back: by revisions, by commits, and by when the trouble began."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest

from decide.core.diagnosis import diagnose
from decide.core.proof.counterfactual import counterfactual
from decide.core.proof.failed import failed_before
from decide.core.proof.proving import prove
from schemas.base import ObjectRef
from schemas.context import ContextBundle
from schemas.plans import FieldChange, KubernetesChange
from tests.support.decide.clusters import AT, Cluster, Obj
from tests.support.decide.commits import commit

_MAIN = "spec.template.spec.containers[name=main]"
_APP = "shop"


def env(**values: str) -> list[Obj]:
    return [{"name": name, "value": value} for name, value in values.items()]


def ago(minutes: float) -> str:
    return (AT - timedelta(minutes=minutes)).isoformat()


class Past:
    """An application with a revision for each of ``templates``, oldest first; the last is the one that fails now.

    Each is what its container says, how many minutes ago it was made, and whether its pods ``run``, ``fail`` or are ``gone``.
    """

    def __init__(self, *templates: tuple[Obj, float, str], since: float = 8) -> None:
        self.cluster = Cluster(6)
        self.cluster.app(_APP, port=8080)
        self.plain = copy.deepcopy(self.cluster.container(_APP))
        sets, pods = self.cluster.objects["replicasets"], self.cluster.objects["pods"]
        first, pod = sets.pop(), pods.pop()
        for number, (fields, made, state) in enumerate(templates, 1):
            name, spec = f"{_APP}-{number}", {"containers": [{**self.plain, **fields}]}
            kept = copy.deepcopy(first)
            kept["metadata"] |= {
                "name": name,
                "annotations": {"deployment.kubernetes.io/revision": str(number)},
                "creationTimestamp": ago(made),
            }
            kept["spec"]["template"]["spec"] = copy.deepcopy(spec)
            ready = state == "run"
            kept["status"] = {"replicas": int(state != "gone"), "readyReplicas": int(ready)}
            sets.append(kept)
            if state != "gone":
                pods.append(self._pod(pod, name, spec, made, ready=ready))
        deployment = self.cluster.get("deployments", _APP)
        deployment["spec"]["template"]["spec"] = spec
        told = {"type": "Available", "status": "False", "lastTransitionTime": ago(since)}
        deployment["status"] = {"replicas": 1, "readyReplicas": 0, "conditions": [told]}
        self.changes: list[Any] = []

    @staticmethod
    def _pod(pod: Obj, child: str, spec: Obj, made: float, *, ready: bool) -> Obj:
        one = copy.deepcopy(pod)
        one["metadata"] |= {
            "name": f"{child}-x",
            "creationTimestamp": ago(made),
            "ownerReferences": [{"kind": "ReplicaSet", "name": child, "controller": True}],
        }
        one["spec"] |= spec
        if not ready:
            since = {"type": "Ready", "status": "False", "lastTransitionTime": ago(made)}
            waits = {"waiting": {"reason": "CrashLoopBackOff"}}
            ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
            one["status"]["conditions"] = [since]
            one["status"]["containerStatuses"] = [
                {
                    "name": "main",
                    "ready": False,
                    "restartCount": 5,
                    "state": waits,
                    "lastState": ended,
                }
            ]
        return one

    def bundle(self) -> ContextBundle:
        return self.cluster.bundle().model_copy(update={"changes": tuple(self.changes)})

    def why(self, **wanted: Any) -> str:
        """Why a plan that sets these fields of the container would fail again."""
        found = diagnose(self.bundle())
        mine = next(f for f in found.findings if f.facts.workload is not None)
        now = self.cluster.container(_APP)
        fields = tuple(
            FieldChange(op="replace", path=f"{_MAIN}.{k}", before=now.get(k), after=v)
            for k, v in wanted.items()
        )
        ref = ObjectRef(
            api_version="apps/v1",
            kind="Deployment",
            namespace=self.cluster.namespace,
            name=_APP,
        )
        changes = [KubernetesChange(object=ref, fields=fields)]
        why = failed_before(mine, counterfactual(found.view, changes), changes)
        assert not why or prove(mine, changes, found.view).verdict == "fail"
        return why


WELL, BAD, WORSE = {"env": env(MODE="a")}, {"env": env(MODE="b")}, {"env": env(MODE="c")}


def test_a_template_whose_pods_fail_does_not_come_back() -> None:
    past = Past((WELL, 900, "gone"), (BAD, 60, "fail"), (WORSE, 30, "fail"))
    assert "revision 2" in past.why(**BAD)
    assert past.why(**WELL) == ""


def test_the_difference_that_a_revision_failed_by_does_not_come_back_in_another_template() -> None:
    other = {**WORSE, "args": ["--new"]}
    past = Past((WELL, 900, "gone"), (BAD, 60, "fail"), (other, 30, "fail"))
    assert "main.env" in past.why(**BAD)
    assert past.why(args=[]) == ""


def test_a_value_of_a_failed_revision_that_also_worked_is_not_to_blame() -> None:
    both = {**WELL, "image": "registry.example/shop:broken"}
    past = Past((WELL, 900, "gone"), (both, 60, "fail"), (WORSE, 30, "fail"))
    assert past.why(**WELL) == ""
    assert "main.image" in past.why(image="registry.example/shop:broken")


@pytest.mark.parametrize(("since", "failed"), [(20, False), (70, True), (120, True)])
def test_a_template_that_was_in_force_in_the_trouble_has_failed_though_no_pod_is_left(
    since: float, failed: bool
) -> None:
    past = Past((WELL, 3000, "gone"), (BAD, 90, "gone"), (WORSE, 30, "fail"), since=since)
    assert ("revision 2" in past.why(**BAD)) is failed


def test_a_trouble_that_is_older_than_the_newest_revision_is_not_mended_by_going_back() -> None:
    assert "revision 1" in Past((WELL, 3000, "gone"), (BAD, 30, "fail"), since=50).why(**WELL)
    assert Past((WELL, 3000, "gone"), (BAD, 30, "fail"), since=28).why(**WELL) == ""


def test_the_value_before_a_commit_that_came_in_the_trouble_does_not_come_back() -> None:
    for minutes, failed in ((30, True), (50, False)):
        past = Past((WORSE, 45, "fail"), since=40)
        limit = {"requests": {"memory": "128Mi"}, "limits": {"memory": "64Mi"}}
        key = f"Deployment/{past.cluster.namespace}/{_APP}"
        told = {f"{_MAIN}.resources": [limit, past.plain["resources"]]}
        past.changes.append(commit(key, told, minutes=minutes))
        assert bool(past.why(resources=limit)) is failed


def test_without_revisions_and_commits_nothing_has_failed() -> None:
    assert Past((WORSE, 30, "fail")).why(**WELL) == ""


def test_one_pod_that_is_sick_for_long_says_nothing_of_the_templates_since() -> None:
    past = Past((WELL, 3000, "gone"), (BAD, 30, "fail"))
    deployment = past.cluster.get("deployments", _APP)
    deployment["status"]["conditions"] = [{"type": "Available", "status": "True"}]
    (pod,) = [p for p in past.cluster.objects["pods"] if p["metadata"]["name"].startswith(_APP)]
    pod["status"]["conditions"][0]["lastTransitionTime"] = ago(9000)
    assert past.why(**WELL) == ""
    deployment["status"]["conditions"] = []
    other = copy.deepcopy(pod)
    other["metadata"]["name"] += "2"
    other["status"]["conditions"][0]["lastTransitionTime"] = ago(20)
    past.cluster.objects["pods"].append(other)
    assert past.why(**WELL) == ""
