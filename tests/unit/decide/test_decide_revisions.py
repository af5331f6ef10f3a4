"""Going back is to a revision that worked, never over a change that is under way."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any, Literal

import pytest

from decide.core import as_of_now, diagnose
from decide.core.drafting.revisions import before, proven, revisions, under_way
from decide.core.proof import asking
from decide.core.view import ClusterView
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef
from schemas.context import AttemptedChange, FailedAttempt, LogExcerpt
from tests.support.decide.clusters import AT, Cluster

Kind = Literal["StatefulSet", "DaemonSet"]


def ago(**time: float) -> str:
    return (AT - timedelta(**time)).isoformat()


class Controlled:
    """A StatefulSet or DaemonSet whose pods run revisions of their own."""

    def __init__(self, kind: Kind) -> None:
        self.cluster, self.kind = Cluster(seed=5), kind
        self.name = self.cluster.app()
        deployment = self.cluster.get("deployments", self.name)
        self.cluster.objects["deployments"].remove(deployment)
        self.container = self.cluster.pod(self.name)["spec"]["containers"][0]
        self.model = self.cluster.pod(self.name)
        self.cluster.objects["pods"].remove(self.model)
        self.cluster.objects["replicasets"] = []
        self.cluster.objects["controllerrevisions"] = []
        workload = {**deployment, "kind": kind, "status": {"desiredNumberScheduled": 2}}
        workload["spec"]["replicas"] = 2
        self.workload = self.cluster.objects.setdefault(f"{kind.lower()}s", [])
        self.workload.append(workload)

    @property
    def owner(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "controller": True}

    def revision(self, number: int, image: str, created: str = "") -> None:
        """A kept revision; the last one that is made is the template."""
        spec = {"containers": [{**self.container, "image": image}]}
        self.cluster.objects["controllerrevisions"].append(
            {
                "kind": "ControllerRevision",
                "metadata": {
                    "name": f"{self.name}-r{number}",
                    "namespace": self.cluster.namespace,
                    "ownerReferences": [self.owner],
                    "creationTimestamp": created or ago(minutes=10 - number),
                },
                "revision": number,
                "data": {"spec": {"template": {"spec": spec}}},
            }
        )
        self.workload[0]["spec"]["template"]["spec"] = spec

    def pod(self, number: int, image: str, *, ready: bool) -> None:
        """A pod of a revision; one that is not ready cannot pull its image."""
        pod = copy.deepcopy(self.model)
        name = f"{self.name}-{len(self.cluster.objects['pods'])}"
        pod["metadata"] |= {
            "name": name,
            "labels": {**pod["metadata"]["labels"], "controller-revision-hash": f"r{number}"},
            "ownerReferences": [self.owner],
        }
        pod["spec"]["containers"] = [{**self.container, "image": image}]
        if not ready:
            said = f'Failed to pull image "{image}": rpc error: code = NotFound desc = {image}: not found'
            self.cluster.event("Pod", name, "Failed", said)
            pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
            pod["status"]["containerStatuses"][0] |= {
                "ready": False,
                "state": {"waiting": {"reason": "ImagePullBackOff", "message": said}},
            }
        self.cluster.objects["pods"].append(pod)

    def crashes(self) -> None:
        """The last pod pulled its image, and its program does not know a flag."""
        pod = self.cluster.objects["pods"][-1]
        pod["status"]["containerStatuses"][0] |= {
            "restartCount": 4,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 2, "message": "unknown flag: --fast"}},
        }
        name = pod["metadata"]["name"]
        lines = ("FATAL: unknown flag: --fast",)
        log = LogExcerpt(namespace=self.cluster.namespace, pod=name, container="main", lines=lines)
        self.cluster.logs.append(log)

    def view(self) -> tuple[ClusterView, Workload]:
        view = ClusterView(self.cluster.bundle())
        (workload,) = (w for w in view.workloads if w.name == self.name)
        return view, workload

    def answer(self) -> Any:
        bundle = self.cluster.bundle()
        ref = ObjectRef(kind=self.kind, namespace=self.cluster.namespace, name=self.name)
        context = bundle.k8s_context.model_copy(update={"subject": ref})
        return diagnose(bundle.model_copy(update={"k8s_context": context}))


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_while_only_pods_of_an_older_revision_fail_the_newer_one_is_not_changed(kind: Kind) -> None:
    case = Controlled(kind)
    case.revision(1, "r.example/a:1")
    case.revision(2, "r.example/a:2")
    case.revision(3, "r.example/a:3")
    case.pod(1, "r.example/a:1", ready=True)
    case.pod(2, "r.example/a:2", ready=False)
    newest = under_way(*case.view())
    assert newest is not None
    assert newest.number == 3
    verdict = case.answer()
    assert (verdict.status, verdict.reason, verdict.plans) == ("needs_human", "no_safe_plan", ())
    assert "Revision 3" in verdict.explanation
    assert f"{case.name}-1" in verdict.explanation


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_a_revision_whose_pods_fail_is_no_way_back(kind: Kind) -> None:
    case = Controlled(kind)
    case.revision(1, "r.example/a:1")
    case.revision(2, "r.example/a:2")
    case.revision(3, "r.example/a:3")
    case.pod(1, "r.example/a:1", ready=True)
    case.pod(2, "r.example/a:2", ready=False)
    case.pod(3, "r.example/a:3", ready=False)
    back = before(*case.view())
    assert back is not None
    assert back.number == 1
    verdict = case.answer()
    assert verdict.status == "solution_proposed"
    changed = {f.after for p in verdict.plans for c in p.kubernetes_changes for f in c.fields}
    assert "r.example/a:1" in changed
    assert "r.example/a:2" not in changed


def test_what_keeps_a_deployments_new_pods_away_is_no_change_under_way() -> None:
    cluster = Cluster(seed=40)
    app = cluster.app()
    cluster.revise(app, image="registry.example/x:9")
    newest, old = cluster.objects["replicasets"]
    old["status"] = {"replicas": 1, "readyReplicas": 0}
    pod = cluster.pod(app)
    pod["metadata"]["ownerReferences"][0]["name"] = old["metadata"]["name"]
    pod["spec"]["containers"] = old["spec"]["template"]["spec"]["containers"]
    cluster.crashed(app, 1, "FATAL: unknown flag")
    view = ClusterView(cluster.bundle())
    (workload,) = (w for w in view.workloads if w.name == app)
    assert under_way(view, workload) is None
    fresh = copy.deepcopy(pod)
    fresh["metadata"] |= {"name": "fresh", "creationTimestamp": ago(seconds=20)}
    fresh["metadata"]["ownerReferences"] = [
        {"kind": "ReplicaSet", "name": newest["metadata"]["name"], "controller": True}
    ]
    fresh["status"] = {"phase": "Pending"}
    cluster.objects["pods"].append(fresh)
    view = ClusterView(cluster.bundle())
    (workload,) = (w for w in view.workloads if w.name == app)
    found = under_way(view, workload)
    assert found is not None
    assert found.name == newest["metadata"]["name"]


def test_a_newer_revision_that_asks_for_the_same_mends_nothing() -> None:
    case = Controlled("StatefulSet")
    case.revision(1, "r.example/a:2")
    case.revision(2, "r.example/a:2")
    case.pod(1, "r.example/a:2", ready=False)
    assert under_way(*case.view()) is None


def test_a_failing_pod_of_the_newest_revision_is_no_change_under_way() -> None:
    case = Controlled("StatefulSet")
    case.revision(1, "r.example/a:1")
    case.revision(2, "r.example/a:2")
    case.pod(1, "r.example/a:1", ready=False)
    case.pod(2, "r.example/a:2", ready=False)
    assert under_way(*case.view()) is None


def test_a_revision_that_stood_for_long_worked_and_one_that_was_replaced_at_once_did_not() -> None:
    case = Controlled("DaemonSet")
    case.revision(1, "r.example/a:1", ago(days=3))
    case.revision(2, "r.example/a:2", ago(minutes=20))
    case.revision(3, "r.example/a:3", ago(minutes=10))
    case.pod(3, "r.example/a:3", ready=False)
    worked = [(one.number, one.worked) for one in revisions(*case.view())]
    assert worked == [(1, True), (2, False), (3, False)]
    back = before(*case.view())
    assert back is not None
    assert back.number == 1


def test_what_nobody_saw_working_is_called_what_it_is() -> None:
    case = Controlled("DaemonSet")
    case.revision(1, "r.example/a:1", ago(minutes=20))
    case.revision(2, "r.example/a:2", ago(minutes=10))
    case.pod(2, "r.example/a:2", ready=False)
    case.crashes()
    back = next(p for p in case.answer().plans if p.fix_kind == "rollback_revision")
    assert "nothing tells whether it worked" in back.justification


def test_a_template_that_worked_for_days_is_not_what_broke() -> None:
    case = Controlled("StatefulSet")
    case.revision(1, "r.example/a:1", ago(days=30))
    case.revision(2, "r.example/a:2", ago(days=2))
    case.pod(2, "r.example/a:2", ready=True)
    case.pod(2, "r.example/a:2", ready=False)
    assert proven(*case.view())
    assert [p for p in case.answer().plans if p.fix_kind == "rollback_revision"] == []


def test_a_template_of_today_is_not_proven() -> None:
    case = Controlled("StatefulSet")
    case.revision(1, "r.example/a:1", ago(hours=20))
    case.pod(1, "r.example/a:1", ready=True)
    assert not proven(*case.view())


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_what_ran_when_the_alert_came_did_not_work_for_the_next_attempt(kind: Kind) -> None:
    case = Controlled(kind)
    case.revision(1, "r.example/a:1", ago(days=3))
    case.revision(2, "r.example/a:2", ago(hours=5))
    case.revision(3, "r.example/a:3", (AT + timedelta(minutes=5)).isoformat())
    case.pod(2, "r.example/a:2", ready=True)
    view, workload = case.view()
    assert [one.number for one in asking.worked(view, workload)] == [2, 1]
    failed = FailedAttempt(
        incident_id="inc-1",
        changes=(AttemptedChange(object_key=workload.ref.key, path="x", after="y"),),
        merged_at=AT + timedelta(minutes=4),
    )
    of_others = failed.model_copy(
        update={"changes": (AttemptedChange(object_key="Deployment/x/y", path="x", after="y"),)}
    )
    for one, worked in ((failed, [1]), (of_others, [2, 1])):
        again = ClusterView(view.bundle.model_copy(update={"failed_attempt": one}))
        (same,) = (w for w in again.workloads if w.name == case.name)
        assert [r.number for r in asking.worked(again, same)] == worked
        back = before(again, same)
        assert back is not None
        assert back.number == worked[0]


def test_for_the_third_attempt_what_ran_at_the_first_alert_did_not_work_either() -> None:
    case = Controlled("StatefulSet")
    case.revision(1, "r.example/a:1", ago(days=3))
    case.revision(2, "r.example/a:2", (AT + timedelta(hours=2)).isoformat())
    case.revision(3, "r.example/a:3", (AT + timedelta(hours=4)).isoformat())
    view, workload = case.view()
    failed = FailedAttempt(
        incident_id="inc-1-try2",
        changes=(AttemptedChange(object_key=workload.ref.key, path="x", after="y"),),
        merged_at=AT + timedelta(hours=4),
    )
    later = AT + timedelta(hours=5)
    gathered = view.bundle.model_copy(
        update={
            "failed_attempt": failed,
            "occurred_at": later,
            "alert": view.bundle.alert.model_copy(update={"happened_at": later}),
        }
    )
    again = ClusterView(as_of_now(gathered))
    (same,) = (w for w in again.workloads if w.name == case.name)
    assert list(asking.worked(again, same)) == []
    assert before(again, same) is None
