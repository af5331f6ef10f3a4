"""Where rules and plans turn: numbers just on either side, which of several containers, nodes and revisions, and what must not
break a rule.
"""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decide.core import diagnose
from decide.core.deciding import Verdict
from manifests.objects import quantities
from schemas.plans import ActionPlan
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster


def ground(seed: int = 77) -> tuple[Cluster, str]:
    cluster = Cluster(seed)
    cluster.app()
    return cluster, cluster.app()


def fields(plan: ActionPlan) -> dict[str, Any]:
    """What a plan sets, by the last words of the path."""
    return {f.path: f.after for change in plan.kubernetes_changes for f in change.fields}


def cause(verdict: Verdict) -> str:
    return verdict.analysis.failure_class if verdict.analysis is not None else ""


# --- room on nodes: allocatable minus what is requested there


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 4000), min_size=3, max_size=3),
    st.sampled_from(["cpu", "memory"]),
    st.integers(1, 3),
)
def test_a_request_that_is_made_smaller_fits_on_the_nodes_for_all_pods_that_wait(
    used: list[int], resource: str, replicas: int
) -> None:
    """Each node gives 4 cores and 8 GiB; a pod that is there holds some of it."""
    cluster, app = ground()
    share = 2 * 2**20 if resource == "memory" else 1
    for node, held in zip(cluster.nodes, used, strict=True):
        text = f"{held * 2}Mi" if resource == "memory" else f"{held}m"
        holder = copy.deepcopy(cluster.objects["pods"][0])
        holder["metadata"] = {"name": f"holder-{node}", "namespace": "elsewhere"}
        holder["spec"] = {
            "nodeName": node,
            "containers": [{"name": "h", "resources": {"requests": {resource: text}}}],
        }
        cluster.objects["pods"].append(holder)
    other = cluster.objects["pods"][0]
    other["spec"]["containers"][0]["resources"] = {}
    cluster.container(app)["resources"] = {
        "requests": {resource: "64" if resource == "cpu" else "1Ti"}
    }
    cluster.get("deployments", app)["spec"]["replicas"] = replicas
    cluster.get("deployments", app)["status"]["replicas"] = replicas
    cluster.unschedulable(app, f"0/3 nodes are available: 3 Insufficient {resource}.")
    verdict = diagnose(cluster.bundle(app))
    assert cause(verdict) == f"insufficient_{resource}"
    free = [(4000 - held) * (share if resource == "memory" else 1) for held in used]
    if resource == "memory":
        free = [8 * 2**30 - held * share for held in used]
    for plan in verdict.plans:
        for path, after in fields(plan).items():
            assert path.endswith(f"resources.requests.{resource}")
            asked = quantities.parse(after) * (1000 if resource == "cpu" else 1)
            slots = sum(int(Decimal(gap) // asked) for gap in free if gap > 0)
            assert slots >= replicas, (after, free)


# --- probes


@pytest.mark.parametrize(
    ("code", "wrong_path"),
    [
        *((code, True) for code in (301, 302, 401, 403, 404, 405)),
        *((code, False) for code in (400, 429, 500, 502, 503)),
    ],
)
@pytest.mark.parametrize("probe", ["readiness", "liveness"])
def test_only_an_answer_that_speaks_of_the_path_makes_the_path_wrong(
    code: int, wrong_path: bool, probe: str
) -> None:
    cluster, app = ground()
    port = cluster.container(app)["ports"][0]["containerPort"]
    cluster.container(app)[f"{probe}Probe"] = {"httpGet": {"port": port, "path": "/health"}}
    cluster.event(
        "Pod",
        cluster.pod(app)["metadata"]["name"],
        "Unhealthy",
        f"{probe.title()} probe failed: HTTP probe failed with statuscode: {code}",
        9,
    )
    if probe == "readiness":
        cluster.stopped(app)
    else:
        cluster.crashed(app, 137)
    verdict = diagnose(cluster.bundle(app))
    assert (cause(verdict) == f"{probe}_probe_path") is wrong_path
    assert not verdict.broken


@settings(max_examples=60)
@given(
    st.sampled_from(["readiness", "liveness", "startup"]),
    st.sampled_from(
        [
            "HTTP probe failed with statuscode: 500",
            "HTTP probe failed with statuscode: ",
            'Get "http://10.0.0.1:80/": context deadline exceeded',
            "dial tcp 10.0.0.1:80: connect: connection refused",
            "command timed out",
            "",
        ]
    ),
    st.dictionaries(
        st.sampled_from(
            ["httpGet", "tcpSocket", "grpc", "exec", "periodSeconds", "failureThreshold"]
        ),
        st.sampled_from([None, {}, {"port": "web"}, {"port": 0}, {"path": None}, 1, "x", []]),
        max_size=3,
    ),
)
def test_no_probe_and_no_message_breaks_a_rule(probe: str, text: str, spec: dict[str, Any]) -> None:
    cluster, app = ground()
    cluster.container(app)[f"{probe}Probe"] = spec
    name = cluster.pod(app)["metadata"]["name"]
    cluster.event("Pod", name, "Unhealthy", f"{probe.title()} probe failed: {text}", 9)
    cluster.stopped(app)
    assert not diagnose(cluster.bundle(app)).broken


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"failureThreshold": 2}, {"failureThreshold": 3}),
        ({"failureThreshold": 3}, {}),
        ({"failureThreshold": 4}, {}),
        ({"periodSeconds": 9}, {"periodSeconds": 10}),
        ({"periodSeconds": 10}, {}),
        ({"timeoutSeconds": 2}, {"timeoutSeconds": 3}),
        ({"timeoutSeconds": 3}, {}),
        ({"timeoutSeconds": 5}, {}),
        ({"initialDelaySeconds": 14}, {"initialDelaySeconds": 15}),
        ({"initialDelaySeconds": 15}, {}),
    ],
)
def test_only_what_is_tighter_than_the_defaults_is_loosened(
    given: dict[str, int], expected: dict[str, int]
) -> None:
    cluster, app = ground()
    FAULTS["liveness_probe_timing"](cluster, app)
    probe = cluster.container(app)["livenessProbe"]
    (name,) = given
    probe |= {"timeoutSeconds": 5, **given}
    (first, *_) = diagnose(cluster.bundle(app)).plans
    told = {
        path.rpartition("livenessProbe.")[2]: value
        for path, value in fields(first).items()
        if "livenessProbe" in path
    }
    assert {n: v for n, v in told.items() if n == name} == expected


# --- back to what ran before


def revised(init: bool) -> tuple[Cluster, str]:
    """The newest revision has another image, in an init container or in the container."""
    cluster, app = ground()
    prepare = {"name": "prepare", "image": "registry.example/prepare:1"}
    specs = [
        cluster.get("deployments", app)["spec"]["template"]["spec"],
        cluster.pod(app)["spec"],
        next(
            r
            for r in cluster.objects["replicasets"]
            if r["metadata"]["ownerReferences"][0]["name"] == app
        )["spec"]["template"]["spec"],
    ]
    for spec in specs:
        spec["initContainers"] = [dict(prepare)]
    cluster.revise(app, **({} if init else {"image": "registry.example/new:2"}))
    if init:
        for spec in specs:
            spec["initContainers"] = [{**prepare, "image": "registry.example/prepare:2"}]
    cluster.crashed(app, 1, "fatal: invalid configuration value for x")
    return cluster, app


@pytest.mark.parametrize("init", [True, False])
def test_a_rollback_takes_back_what_differs_in_every_kind_of_container(init: bool) -> None:
    cluster, app = revised(init)
    (plan,) = [p for p in diagnose(cluster.bundle(app)).plans if p.fix_kind == "rollback_revision"]
    (path,) = fields(plan)
    if init:
        assert path == "spec.template.spec.initContainers[name=prepare].image"
        assert fields(plan)[path] == "registry.example/prepare:1"
    else:
        assert path == "spec.template.spec.containers[name=main].image"
        assert fields(plan)[path].endswith(":1.0")


def test_a_container_more_than_before_is_no_small_step_back() -> None:
    cluster, app = revised(False)
    more = {"name": "more", "image": "registry.example/more:1"}
    cluster.get("deployments", app)["spec"]["template"]["spec"]["initContainers"].append(more)
    plans = diagnose(cluster.bundle(app)).plans
    assert "rollback_revision" not in [p.fix_kind for p in plans]
