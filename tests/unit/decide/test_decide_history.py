"""Back to what ran before: from ReplicaSets, ControllerRevisions and commits; never past a revision that has proven itself."""

from __future__ import annotations

from decide.core import diagnose
from schemas.context import Change
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import AT, Cluster


def _crashing(minutes: float) -> tuple[Cluster, str]:
    cluster = Cluster(41)
    cluster.app()
    app = cluster.app()
    cluster.revise(app, image=f"registry.example/{app}:2.0", minutes=minutes)
    cluster.crashed(app, 1, "fatal: invalid configuration value for x")
    return cluster, app


def test_a_young_revision_goes_back() -> None:
    cluster, app = _crashing(20)
    plans = diagnose(cluster.bundle(app)).plans
    assert [p.fix_kind for p in plans] == ["rollback_revision"]
    assert ":1.0" in str(plans[0].kubernetes_changes[0].fields[0].after)


def test_a_revision_that_worked_for_weeks_stays() -> None:
    cluster, app = _crashing(60 * 24 * 20)
    cluster.get("deployments", app)["status"]["conditions"] = [
        {"type": "Available", "status": "False", "lastTransitionTime": "2026-05-04T11:50:00Z"}
    ]
    assert diagnose(cluster.bundle(app)).plans == ()


def test_going_back_takes_no_guard_away() -> None:
    cluster = Cluster(42)
    app = cluster.app()
    cluster.revise(app, image="registry.example/x:2.0", livenessProbe={"tcpSocket": {"port": 1}})
    cluster.crashed(app, 1, "fatal: invalid configuration value for x")
    plan = diagnose(cluster.bundle(app)).plans[0]
    assert [f.path.rpartition(".")[2] for c in plan.kubernetes_changes for f in c.fields] == [
        "image"
    ]


def test_a_stateful_set_goes_back_by_its_controller_revisions() -> None:
    cluster = Cluster(43)
    name, labels = cluster.word(), {"app": "s"}
    container = {"name": "main", "image": "registry.example/s:2"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    cluster.add(
        "statefulsets",
        name,
        api="apps/v1",
        kind="StatefulSet",
        spec={"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        status={},
    )
    for number, image in ((1, "registry.example/s:1"), (2, "registry.example/s:2")):
        kept = cluster.add(
            "controllerrevisions",
            f"{name}-{number}",
            api="apps/v1",
            kind="ControllerRevision",
            revision=number,
            data={
                "spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}
            },
        )
        kept["metadata"]["ownerReferences"] = [
            {"kind": "StatefulSet", "name": name, "controller": True}
        ]
    pod = cluster.add(
        "pods",
        f"{name}-0",
        kind="Pod",
        spec={"containers": [container]},
        status={
            "phase": "Pending",
            "containerStatuses": [
                {
                    "name": "main",
                    "ready": False,
                    "restartCount": 0,
                    "state": {
                        "waiting": {
                            "reason": "ErrImagePull",
                            "message": "registry.example/s:2: not found",
                        }
                    },
                }
            ],
        },
    )
    pod["metadata"] |= {
        "labels": labels,
        "ownerReferences": [{"kind": "StatefulSet", "name": name, "controller": True}],
    }
    plans = diagnose(cluster.bundle()).plans
    assert [f.after for p in plans for c in p.kubernetes_changes for f in c.fields] == [
        "registry.example/s:1"
    ]


def test_the_image_of_before_the_commit_is_taken_where_the_cluster_remembers_nothing() -> None:
    cluster = Cluster(44)
    app = cluster.app()
    FAULTS["image_not_found"](cluster, app)
    now = cluster.container(app)["image"]
    before = now.rpartition(":")[0] + ":0.9"
    diff = f"-          image: {before}\n+          image: {now}\n"
    change = Change(kind="commit", revision="abcdef123456", at=AT, detail={"diff": diff})
    verdict = diagnose(cluster.bundle(app).model_copy(update={"changes": (change,)}))
    assert [f.after for p in verdict.plans for c in p.kubernetes_changes for f in c.fields] == [
        before
    ]


def test_a_cause_comes_with_at_least_three_hypotheses_and_what_speaks_against_the_others() -> None:
    for key in sorted(FAULTS):
        cluster = Cluster(45)
        app = cluster.app()
        FAULTS[key](cluster, app)
        analysis = diagnose(cluster.bundle()).analysis
        assert analysis is not None
        assert len(analysis.hypotheses) >= 3, key
        assert all(h.evidence_for or h.evidence_against for h in analysis.hypotheses), key
