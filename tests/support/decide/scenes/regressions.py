"""Jumps of latency and errors, with and without a revision, more requests, and neighbours that take a node's CPU."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from schemas.base import ObjectRef
from schemas.context import Change
from tests.support.decide.clusters import AT, Cluster
from tests.support.decide.scenes import scene
from tests.support.decide.scenes.arranging import cpu_limit, level, on_node, stepping, unlimited

_FAMILY = "regressions"
#: Minutes before the alert at which the middle of sixty samples lies.
_JUMP = 7.5


def _success(before: float, after: float, told: str) -> None:
    @scene(_FAMILY, f"success from {before} to {after} {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        stepping(c, app, success=(before, after))


_success(100, 98, "is noise")
_success(100, 97.9, "is a failure")
_success(1, 0.98, "is noise of a share")
_success(1, 0.97, "is a failure of a share")
_success(0.5, 0.48, "is noise of a half")
_success(0.5, 0.47, "is a failure of a half")
_success(98, 100, "became better")


def _errors(before: float, after: float, told: str) -> None:
    @scene(_FAMILY, f"errors from {before} to {after} {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        level(c, "trace.http.request.errors", before, after, service=app)


_errors(2, 4, "have doubled")
_errors(2, 4.1, "have more than doubled")
_errors(0, 1, "came out of nothing")
_errors(0, 0, "are none")


@scene(_FAMILY, "latency and success are both worse, errors too")
def _(c: Cluster, app: str) -> None:
    stepping(c, app, latency=(10, 90), success=(100, 50))
    level(c, "trace.http.request.errors", 1, 50, service=app)


@scene(_FAMILY, "errors rise, and the success was never known")
def _(c: Cluster, app: str) -> None:
    stepping(c, app, latency=(10, 90))
    level(c, "trace.http.request.errors", 1, 50, service=app)


@scene(_FAMILY, "what it calls is worse too, and what that calls")
def _(c: Cluster, app: str) -> None:
    middle, last, well = c.app("middle"), c.app("last"), c.app("able")
    for caller, callee in ((app, middle), (app, last), (app, well), (middle, last)):
        c.calls(caller, callee)
    stepping(c, app, latency=(10, 90), success=(100, 50))
    stepping(c, middle, success=(100, 60))
    stepping(c, last, latency=(10, 80))
    stepping(c, well, latency=(10, 11))
    c.revise(app, minutes=_JUMP, image="registry.example/app:2")


@scene(_FAMILY, "a node's measures are no workload's")
def _(c: Cluster, app: str) -> None:
    level(c, "node.cpu", 0.1, 3.9, host=c.nodes[0])
    level(c, "node.tcp_retrans", 0.1, 3.9, host=app)


def _revised(minutes: float, told: str, image: str = "registry.example/app:2") -> None:
    @scene(
        _FAMILY,
        f"latency jumped, the revision was {minutes} minutes before the alert: {told}",
        varied=False,
    )
    def _(c: Cluster, app: str) -> None:
        stepping(c, app, latency=(10, 90))
        c.revise(app, minutes=minutes, image=image or c.container(app)["image"])


_revised(_JUMP + 30, "half an hour before the jump")
_revised(_JUMP + 30.1, "too long before the jump")
_revised(_JUMP - 3, "three minutes after the jump")
_revised(_JUMP - 3.1, "too long after the jump")
_revised(_JUMP, "at the jump")
_revised(_JUMP + 1, "which changed no container", image="")


@scene(_FAMILY, "success jumped after the revision, errors as well and earlier")
def _(c: Cluster, app: str) -> None:
    c.series("trace.http.request.errors", [1.0] * 28 + [60.0] * 32, service=app)
    c.series("service.success_rate", [100.0] * 34 + [40.0] * 26, service=app)
    c.revise(app, minutes=_JUMP + 2, image="registry.example/app:2")


@scene(_FAMILY, "errors alone jumped after the revision, which is the third one")
def _(c: Cluster, app: str) -> None:
    level(c, "trace.http.request.errors", 1, 60, service=app)
    c.revise(app, minutes=_JUMP + 20, image="registry.example/app:2")
    newest = c.objects["replicasets"][-1]
    newest["metadata"]["creationTimestamp"] = (AT - timedelta(minutes=_JUMP + 4)).isoformat()
    c.add("replicasets", "of-nobody", kind="ReplicaSet")
    c.add("replicasets", "of-another", kind="ReplicaSet")["metadata"]["ownerReferences"] = [
        {"kind": "StatefulSet", "name": app}
    ]


@scene(_FAMILY, "cpu jumped after a revision, and nothing that people feel")
def _(c: Cluster, app: str) -> None:
    stepping(c, app, cpu=(0.01, 0.1), rps=(5, 50))
    c.revise(app, minutes=_JUMP, image="registry.example/app:2")


def _samples(told: str, *values: float) -> None:
    @scene(_FAMILY, f"a revision, and latency {told}", varied=False)
    def _(c: Cluster, app: str) -> None:
        c.series("service.p95latency", list(values), service=app)
        c.revise(app, minutes=2, image="registry.example/app:2")


_samples("of seven samples", *([10] * 4), *([90] * 3))
_samples("of eight samples", *([10] * 4), *([90] * 4))
_samples("that rises slowly", *range(10, 70))
_samples("that jumps up and somewhat down", *([10] * 20), *([90] * 20), *([60] * 20))
_samples("that dips before it jumps", *([30] * 20), *([10] * 10), *([90] * 30))


@scene(_FAMILY, "errors jumped after the revision, and seven samples of latency say nothing")
def _(c: Cluster, app: str) -> None:
    level(c, "trace.http.request.errors", 1, 60, service=app)
    c.series("service.p95latency", [10.0] * 4 + [90.0] * 3, service=app)
    c.revise(app, minutes=_JUMP, image="registry.example/app:2")


@scene(_FAMILY, "a series with more values than times jumped after a revision")
def _(c: Cluster, app: str) -> None:
    stepping(c, app, latency=(10, 90))
    told = c.metrics[-1]
    c.metrics[-1] = told.model_copy(update={"timestamps": told.timestamps[:-3]})
    c.revise(app, minutes=_JUMP, image="registry.example/app:2")


@scene(_FAMILY, "a share of success jumped by little after a revision")
def _(c: Cluster, app: str) -> None:
    stepping(c, app, success=(1.0, 0.97))
    c.revise(app, minutes=_JUMP, image="registry.example/app:2")


@scene(_FAMILY, "a series with gaps jumped after a revision")
def _(c: Cluster, app: str) -> None:
    values = [None if n % 5 == 2 else 10.0 + 80 * (n >= 30) for n in range(60)]
    c.series("service.p95latency", values, service=app)  # type: ignore[arg-type]
    c.revise(app, minutes=_JUMP, image="registry.example/app:2")


def _rollout(told: str, **fields: Any) -> None:
    @scene(_FAMILY, f"latency jumped after a change that was told: {told}", varied=False)
    def _(c: Cluster, app: str) -> dict[str, Any]:
        stepping(c, app, latency=(10, 90))
        ref = ObjectRef(api_version="apps/v1", kind="Deployment", namespace=c.namespace, name=app)
        told = {
            "kind": "rollout",
            "at": AT - timedelta(minutes=9),
            "summary": "rolled out",
            "detail": "image: 1 → 2",
            "object": ref,
        }
        return {"changes": (Change(**(told | fields)),)}


_rollout("a rollout")
_rollout("a rollout without a detail", detail="")
_rollout("a rollout without a time", at=None)
_rollout("a rollout of nobody", object=None)
_rollout(
    "a rollout of another",
    object=ObjectRef(api_version="apps/v1", kind="Deployment", namespace="x", name="other"),
)


def _surge(told: str, requests: float, cpu: float, latency: float = 90) -> None:
    @scene(
        _FAMILY, f"requests {requests} times as many, cpu {cpu} times as much: {told}", varied=False
    )
    def _(c: Cluster, app: str) -> None:
        unlimited(c, app)
        stepping(c, app, rps=(10, 10 * requests), cpu=(1, cpu), latency=(10, latency))


_surge("too few more", 1.7, 1.7)
_surge("just enough more", 1.8, 1.8)
_surge("each request costs what it did", 4.0, 4.0)
_surge("each request costs hardly less enough", 2.0, 1.2)
_surge("each request costs too little", 2.0, 1.1)
_surge("each request costs a little more", 2.0, 3.4)
_surge("each request costs too much", 2.0, 3.5)
_surge("nobody feels it", 3.0, 3.0, latency=17)


def _beside(
    told: str,
    *,
    own: tuple[float, float] = (0.1, 0.1),
    node: tuple[float, float] = (0.5, 3.9),
    greedy: tuple[float, float] = (0.1, 3.0),
    limited: bool = False,
    apart: bool = False,
    cores: str = "4",
    latency: float = 90,
    varied: bool = False,
) -> None:
    @scene(_FAMILY, f"a slow workload beside another, {told}", varied=varied)
    def _(c: Cluster, app: str) -> None:
        c.app("greedy")
        place = on_node(c, app, 1)
        on_node(c, "greedy", 0 if apart else 1)
        if not limited:
            unlimited(c, "greedy")
        c.get("nodes", place)["status"]["allocatable"]["cpu"] = cores
        level(c, "node.cpu", *node, host=place)
        stepping(c, "greedy", cpu=greedy)
        stepping(c, app, latency=(10, latency), cpu=own)


_beside("that takes the node's cpu", varied=True)
_beside("and its own cpu is half as much again", own=(0.1, 0.15))
_beside("and its own cpu is more than half as much again", own=(0.1, 0.16))
_beside("on a node that is just full", node=(0.5, 3.4))
_beside("on a node that is not quite full", node=(0.5, 3.3))
_beside("which only doubled", greedy=(1.5, 3.0))
_beside("which more than doubled", greedy=(1.4, 3.0))
_beside("which took a fifth of the node", greedy=(0.0, 0.8))
_beside("which took more than a fifth of the node", greedy=(0.0, 0.81))
_beside("which has a limit", limited=True)
_beside("which runs elsewhere", apart=True)
_beside("on a node of which nobody knows the size", cores="many")
_beside("and is not slow", latency=11)


@scene(_FAMILY, "two slow workloads of two full nodes, and who takes the cpu runs on both")
def _(c: Cluster, app: str) -> None:
    c.app("greedy")
    unlimited(c, "greedy")
    c.app("second")
    unlimited(c, "second")
    for n in (0, 1):
        node = c.get("nodes", c.nodes[n])
        node["status"] = {"capacity": {"cpu": "4"}, "conditions": node["status"]["conditions"]}
        level(c, "node.cpu", 0.5, 3.9, host=c.nodes[n])
    for name in (app, "greedy"):
        pod = c.pod(name)
        twin = {**pod, "metadata": {**pod["metadata"], "name": pod["metadata"]["name"][:-1] + "0"}}
        twin["spec"] = {**pod["spec"], "nodeName": c.nodes[0]}
        c.objects["pods"].append(twin)
        on_node(c, name, 1)
    on_node(c, "second", 1)
    stepping(c, "greedy", cpu=(0.1, 3.0), latency=(10, 80))
    stepping(c, "second", cpu=(0.1, 0.9))
    stepping(c, app, latency=(10, 90))


@scene(_FAMILY, "a node that nobody measured, and one that nobody listed")
def _(c: Cluster, app: str) -> None:
    c.app("greedy")
    unlimited(c, "greedy")
    c.pod(app)["spec"]["nodeName"] = "unlisted"
    c.pod("greedy")["spec"]["nodeName"] = "unlisted"
    cpu_limit(c, app, "1")
    level(c, "node.cpu", 0.5, 3.9, host="unlisted")
    stepping(c, "greedy", cpu=(0.1, 3.0))
    stepping(c, app, latency=(10, 90))
