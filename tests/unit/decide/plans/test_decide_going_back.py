"""Back to what ran before: which revision that is, whether the newest is suspect, and what of it is changed back."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest

from decide.core.drafting import history
from decide.core.facts import Facts
from decide.core.findings import Finding
from decide.core.view import ClusterView
from schemas.context import Change
from tests.support.decide.clusters import AT, Cluster
from tests.support.decide.drafted import pod_spec, shop, shown, workload_of


def _revised(*older: tuple[int, int, str], newest: int = 9, minutes: float | None = 30) -> Cluster:
    """``web`` runs image ``i:now``; revisions before it by number, ready pods and image."""
    cluster = shop()
    pod_spec(cluster)["containers"][0]["image"] = "i:now"
    child = cluster.objects["replicasets"][0]
    child["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": str(newest)}
    if minutes is not None:
        child["metadata"]["creationTimestamp"] = (AT - timedelta(minutes=minutes)).isoformat()
    child["status"]["readyReplicas"] = 0
    cluster.objects["pods"].clear()
    for number, ready, image in older:
        before = copy.deepcopy(child)
        before["metadata"] |= {
            "name": f"web-{number}",
            "annotations": {"deployment.kubernetes.io/revision": str(number)},
            "creationTimestamp": "2026-01-01T00:00:00Z",
        }
        before["status"]["readyReplicas"] = ready
        before["spec"]["template"]["spec"] = copy.deepcopy(pod_spec(cluster))
        before["spec"]["template"]["spec"]["containers"][0]["image"] = image
        cluster.objects["replicasets"].insert(0, before)
    return cluster


def _back(cluster: Cluster) -> list[str]:
    view = ClusterView(cluster.bundle())
    return shown(history.to_last_good(workload_of(view, "web"), view))


def _fields(cluster: Cluster) -> list[str]:
    """Just the fields that go back."""
    start = "  apps/v1 Deployment/shop/web :"
    return [x.removeprefix(start) for x in _back(cluster) if x.startswith(start)]


def test_the_newest_older_revision_whose_pods_were_ready_is_the_good_one() -> None:
    cluster = _revised((10, 0, "i:10"), (8, 1, "i:8"), (7, 2, "i:7"), (11, 0, "i:11"), newest=12)
    assert _back(cluster) == [
        "rollback_revision 0.85 drafting.back.title revision=8 workload=web",
        "  why drafting.back.why count=1 name=web-8 revision=8",
        "  risk drafting.risk.only_change",
        '  apps/v1 Deployment/shop/web :containers[name=main].image: "i:now" → "i:8"',
    ]


def test_without_ready_pods_it_is_the_revision_just_before() -> None:
    assert _fields(_revised((7, 0, "i:7"), (8, 0, "i:8"))) == [
        'containers[name=main].image: "i:now" → "i:8"',
    ]
    three = _revised((6, 0, "i:6"), (7, 0, "i:7"), (8, 0, "i:8"))
    assert _fields(three) == ['containers[name=main].image: "i:now" → "i:8"']
    assert _fields(_revised((8, 0, "i:8"))) == ['containers[name=main].image: "i:now" → "i:8"']
    assert _fields(_revised()) == []


def test_nothing_goes_back_where_nothing_differs() -> None:
    assert _fields(_revised((8, 1, "i:now"))) == []


def test_nothing_goes_back_where_the_repository_declares_the_revision_before_already() -> None:
    cluster = _revised((8, 1, "i:8"))
    declared = copy.deepcopy(cluster.get("deployments", "web"))
    declared["spec"]["template"]["spec"]["containers"][0]["image"] = "i:8"
    cluster.declared.append(declared)
    assert _fields(cluster) == []


@pytest.mark.parametrize(
    ("minutes", "ready", "available", "goes_back"),
    [
        # young, whatever else
        (60 * 24 - 1, 1, {"lastTransitionTime": "2026-05-04T11:50:00Z"}, True),
        (None, 1, {}, True),
        # older than a day: only while it has never been ready
        (60 * 24, 0, {}, True),
        (60 * 24, 1, {}, False),
        # and never after it had worked for an hour
        (60 * 24, 0, {"lastTransitionTime": (AT - timedelta(hours=23)).isoformat()}, True),
        (60 * 24, 0, {"lastTransitionTime": (AT - timedelta(hours=22.9)).isoformat()}, False),
    ],
)
def test_a_revision_is_suspect_while_it_is_young_or_never_got_well(
    minutes: float | None, ready: int, available: dict[str, str], goes_back: bool
) -> None:
    cluster = _revised((8, 1, "i:8"), minutes=minutes)
    newest = cluster.objects["replicasets"][-1]
    newest["status"]["readyReplicas"] = ready
    cluster.get("deployments", "web")["status"]["conditions"] = [
        {"type": "Available", "status": "False", **available}
    ]
    assert bool(_fields(cluster)) is goes_back


def test_a_cluster_without_replica_sets_remembers_nothing() -> None:
    cluster = shop()
    cluster.objects["replicasets"].clear()
    assert _back(cluster) == []


def _kept(kind: str, *revisions: int, image: str = "i:{}") -> Cluster:
    """A StatefulSet or DaemonSet with these ControllerRevisions, in this order."""
    cluster = shop()
    found = cluster.objects["deployments"].pop() | {"kind": kind}
    cluster.objects[f"{kind.lower()}s"] = [found]
    pod_spec(cluster)["containers"][0]["image"] = "i:now"
    for number in revisions:
        spec = copy.deepcopy(pod_spec(cluster))
        spec["containers"][0]["image"] = image.format(number)
        one = cluster.add("controllerrevisions", f"web-{number}", revision=number)
        one["data"] = {"spec": {"template": {"spec": spec}}}
        one["metadata"]["ownerReferences"] = [{"kind": kind, "name": "web", "controller": True}]
    return cluster


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_a_set_goes_back_to_its_last_controller_revision_but_one(kind: str) -> None:
    assert _back(_kept(kind, 2, 10, 9)) == [
        "rollback_revision 0.85 drafting.back.title revision=9 workload=web",
        "  why drafting.back.why_unseen count=1 name=web-9 revision=9",
        "  risk drafting.risk.only_change",
        f'  apps/v1 {kind}/shop/web :containers[name=main].image: "i:now" → "i:9"',
    ]
    assert _back(_kept(kind, 9)) == []
    assert _back(_kept(kind)) == []


def test_revisions_of_another_owner_do_not_count() -> None:
    cluster = _kept("StatefulSet", 8, 9)
    owner = cluster.objects["controllerrevisions"][0]["metadata"]["ownerReferences"][0]
    for field, other in (("kind", "DaemonSet"), ("name", "cart")):
        before = dict(owner)
        owner[field] = other
        assert _back(cluster) == [], field
        owner.update(before)
    assert _back(cluster) != []


def test_what_is_no_such_kind_has_no_revisions() -> None:
    cluster = _kept("StatefulSet", 8, 9)
    found = cluster.objects["statefulsets"].pop() | {"kind": "CronJob"}
    found["spec"] = {"jobTemplate": {"spec": found["spec"]}}
    cluster.objects["cronjobs"] = [found]
    for one in cluster.objects["controllerrevisions"]:
        one["metadata"]["ownerReferences"][0]["kind"] = "CronJob"
    assert _back(cluster) == []


def _differing(now: dict[str, Any], before: dict[str, Any]) -> Cluster:
    """``web`` whose pod spec has got ``now`` in place of ``before``."""
    cluster = _revised((8, 1, "i:now"))
    old = cluster.objects["replicasets"][0]["spec"]["template"]["spec"]
    old.update(copy.deepcopy(before))
    pod_spec(cluster).update(now)
    return cluster


_PARTS = (
    "nodeSelector",
    "serviceAccountName",
    "schedulerName",
    "priorityClassName",
    "runtimeClassName",
    "dnsPolicy",
    "dnsConfig",
    "tolerations",
    "affinity",
    "volumes",
    "imagePullSecrets",
    "topologySpreadConstraints",
    "hostNetwork",
)


@pytest.mark.parametrize("part", _PARTS)
def test_each_part_of_a_pod_spec_goes_back(part: str) -> None:
    assert _fields(_differing({part: "new"}, {part: "old"})) == [f'{part}: "new" → "old"']
    assert _fields(_differing({part: {"a": 1, "b": 2}}, {part: {"a": 3, "b": 2}})) == [
        f"{part}.a: 1 → 3"
    ]
    assert _fields(_differing({part: "new"}, {})) == [f'{part}: - "new"']


@pytest.mark.parametrize(
    ("part", "default"),
    [
        ("restartPolicy", "Always"),
        ("terminationGracePeriodSeconds", 30),
        ("dnsPolicy", "ClusterFirst"),
        ("schedulerName", "default-scheduler"),
        ("enableServiceLinks", True),
        ("securityContext", {}),
        ("tolerations", []),
    ],
)
def test_a_default_that_is_stated_on_one_side_is_no_change(part: str, default: object) -> None:
    assert _fields(_differing({part: default}, {})) == []
    assert _fields(_differing({}, {part: default})) == []


def test_the_old_name_of_the_service_account_says_nothing_new() -> None:
    assert _fields(_differing({"serviceAccount": "new"}, {"serviceAccount": "old"})) == []


@pytest.mark.parametrize("part", ["hostPID", "hostIPC", "terminationGracePeriodSeconds"])
def test_a_part_that_the_revision_lacked_goes(part: str) -> None:
    assert _fields(_differing({part: 1}, {})) == [f"{part}: - 1"]


@pytest.mark.parametrize("opens", ["privileged", "allowPrivilegeEscalation"])
def test_what_opens_a_guard_goes_and_the_guard_stays(opens: str) -> None:
    now = {"containers": [_main(securityContext={opens: True, "runAsNonRoot": True})]}
    before = {"containers": [_main(securityContext={"runAsUser": 7})]}
    assert _fields(_differing(now, before)) == [
        f"containers[name=main].securityContext.{opens}: - true",
        "containers[name=main].securityContext.runAsUser: + 7",
    ]


def _main(**fields: Any) -> dict[str, Any]:
    return {"name": "main", "image": "i:now", **fields}


def test_fields_of_containers_go_back_init_containers_first() -> None:
    now = {
        "containers": [_main(command=["new"], args=["same"]), {"name": "side", "image": "s:2"}],
        "initContainers": [{"name": "first", "image": "f:2"}],
    }
    before = {
        "containers": [_main(command=["old"], args=["same"]), {"name": "side", "image": "s:1"}],
        "initContainers": [{"name": "first", "image": "f:1"}],
    }
    assert _fields(_differing(now, before)) == [
        'initContainers[name=first].image: "f:2" → "f:1"',
        'containers[name=main].command: ["new"] → ["old"]',
        'containers[name=side].image: "s:2" → "s:1"',
    ]


def test_what_the_api_server_fills_in_is_no_change() -> None:
    filled = {
        "terminationMessagePath": "/dev/log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "Always",
    }
    cluster = _differing({"containers": [_main(**filled)]}, {"containers": [_main()]})
    assert _fields(cluster) == []


@pytest.mark.parametrize(
    "guard", ["livenessProbe", "readinessProbe", "startupProbe", "securityContext"]
)
def test_a_guard_that_was_added_stays_and_one_that_was_changed_goes_back(guard: str) -> None:
    added = {"containers": [_main(**{guard: {"x": 1}}, command=["new"])]}
    cluster = _differing(added, {"containers": [_main(command=["old"])]})
    assert _fields(cluster) == ['containers[name=main].command: ["new"] → ["old"]']
    changed = {"containers": [_main(**{guard: {"x": 1}})]}
    cluster = _differing(changed, {"containers": [_main(**{guard: {"x": 2}})]})
    assert _fields(cluster) == [f"containers[name=main].{guard}.x: 1 → 2"]


def test_a_limit_that_was_added_stays() -> None:
    now = {"containers": [_main(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "1"}})]}
    before = {"containers": [_main(resources={"requests": {"cpu": "2"}})]}
    assert _fields(_differing(now, before)) == [
        'containers[name=main].resources.requests.cpu: "1" → "2"',
    ]


def test_a_container_more_is_no_small_step_back_and_one_less_is_not_seen() -> None:
    two = {"containers": [_main(), {"name": "side", "image": "s:1"}]}
    assert _fields(_differing(two, {"containers": [_main(command=["old"])]})) == []
    assert _fields(_differing({"containers": [_main(command=["new"])]}, two)) == [
        'containers[name=main].command: - ["new"]',
    ]
    init = {"containers": [{"name": "side"}], "initContainers": [_main()]}
    assert _fields(_differing({"containers": [_main(command=["new"])]}, init)) == []


def test_six_fields_go_back_and_seven_are_for_people_to_read() -> None:
    for count, goes in ((6, True), (7, False)):
        now = {"containers": [_main(**{f"f{n}": "new" for n in range(count)})]}
        before = {"containers": [_main(**{f"f{n}": "old" for n in range(count)})]}
        found = _back(_differing(now, before))
        assert bool(found) is goes
        if goes:
            assert found[1:3] == [
                "  why drafting.back.why count=6 name=web-8 revision=8",
                "  risk drafting.risk.other_changes",
            ]


def test_a_finding_of_no_workload_goes_back_to_nothing() -> None:
    cluster = _revised((8, 1, "i:8"))
    view = ClusterView(cluster.bundle())
    workload = workload_of(view, "web")
    finding = Finding(failure_class="bad_rollout", object=workload.ref, score=0.9)
    assert history.rollback(finding, view) == []
    finding.facts = Facts(workload=workload)
    assert len(history.rollback(finding, view)) == 1


def _commit(diff: object, kind: str = "commit") -> Change:
    return Change(kind=kind, revision="abcdef0123456789", at=AT, detail={"diff": diff})


def _committed(*changes: Change, image: str = "r.io/x/web:2") -> list[str]:
    cluster = shop()
    cluster.objects["replicasets"].clear()
    spec = pod_spec(cluster)
    spec["containers"][0]["image"] = image
    spec["initContainers"] = [{"name": "first", "image": "first:2"}]
    view = ClusterView(cluster.bundle().model_copy(update={"changes": changes}))
    return shown(history.to_last_good(workload_of(view, "web"), view))


_DIFF = '@@ -1 +1 @@\n-        image: r.io/x/web:1\n+        image: "r.io/x/web:2"  # new\n'


def test_the_image_that_the_last_commit_took_away_comes_back() -> None:
    assert _committed(_commit(_DIFF)) == [
        "rollback_revision 0.85 drafting.back.commit_title image=r.io/x/web:1",
        "  why drafting.back.commit_why before=r.io/x/web:1 commit=abcdef0123 now=r.io/x/web:2",
        "  risk drafting.risk.older_image",
        '  apps/v1 Deployment/shop/web :containers[name=main].image: "r.io/x/web:2" → "r.io/x/web:1"',
    ]


def test_images_of_lists_of_init_containers_and_of_another_folder_are_read_too() -> None:
    diff = "-      - image: 'first:1'\n+      - image: 'first:2'\n"
    assert (
        _committed(_commit(diff))[-1]
        == '  apps/v1 Deployment/shop/web :initContainers[name=first].image: "first:2" → "first:1"'
    )
    diff = "- image: old.io/web@sha256:1\n+ image: r.io/x/web:2\n"
    assert (
        _committed(_commit(diff))[-1]
        == '  apps/v1 Deployment/shop/web :containers[name=main].image: "r.io/x/web:2" → "old.io/web@sha256:1"'
    )


def test_a_commit_that_is_not_that_clear_is_not_taken_back() -> None:
    for diff in (
        "+ image: r.io/x/web:2\n",
        "- image: r.io/x/web:1\n",
        "- image: r.io/x/web:1\n+ image: r.io/x/web:3\n",
        "- image: r.io/x/web:1\n- image: r.io/x/web:0\n+ image: r.io/x/web:2\n",
        "- image: r.io/x/cart:1\n+ image: r.io/x/web:2\n",
        "- image: r.io/x/web:2\n+ image: r.io/x/web:2\n",
        " image: r.io/x/web:1\n+ image: r.io/x/web:2\n",
    ):
        assert _committed(_commit(diff)) == [], diff


def test_only_commits_with_a_diff_count_and_the_first_that_tells_is_taken() -> None:
    assert _committed(_commit(_DIFF, kind="rollout")) == []
    assert _committed(_commit(5)) == []
    other = _DIFF.replace("web:1", "web:0")
    found = _committed(_commit(5), _commit("+ nothing"), _commit(_DIFF), _commit(other))
    assert (
        found[-1]
        == '  apps/v1 Deployment/shop/web :containers[name=main].image: "r.io/x/web:2" → "r.io/x/web:1"'
    )
