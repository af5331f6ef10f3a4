"""Nodes and the control plane: kubelet, runtime, proxy, scheduler, pressure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from decide.core.facts import Facts
from decide.core.families.nodes.facts import UnknownScheduler
from decide.core.families.scheduling.rules import control_plane, unscheduled
from decide.core.findings import Fact, Finding, quote, shows_itself
from decide.core.view import ClusterView, node_ready, node_ref
from kfix.texts import say
from manifests.objects.meta import condition, name_of
from manifests.objects.shapes import Obj

_RUNTIME = re.compile(
    r"(containerd|crio|cri-dockerd|docker)(\.sock|d?\.service)?.{0,40}(no such file|connection refused)|"
    r"container runtime is down|PLEG is not healthy|"
    r"runtime network not ready|rpc error: code = Unavailable desc = connection error.*sock",
    re.I,
)
_DEAD = re.compile(
    r"Active:\s*(inactive|failed|deactivating|activating)|could not be found|Unit .* not found",
    re.I,
)
_UNITS = (
    ("kubelet", "node_kubelet_unavailable"),
    ("containerd", "node_runtime_unavailable"),
    ("crio", "node_runtime_unavailable"),
    ("docker", "node_runtime_unavailable"),
    ("kube-proxy", "node_kube_proxy_unavailable"),
    ("kube-scheduler", "scheduler_unavailable"),
)
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def find(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Findings about nodes."""
    units = list(_units(view))
    yield from units
    for node in view.nodes:
        yield from _state(view, node)
    yield from _runtime_events(view)
    yield from _scheduler(view)
    yield from _one_sided(view)
    yield from _pressure(view)


def _units(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Services of the machines, as systemd reports them."""
    given = view.tool("node_services")
    if not isinstance(given, dict):
        return
    for key, text in given.items():
        node, _, unit = str(key).partition("/")
        class_id = next((c for word, c in _UNITS if word == unit or word in unit), "")
        dead = _DEAD.search(str(text)[:1500])
        if not class_id or not dead:
            continue
        masked = "could not be found" in dead[0] or "not found" in dead[0]
        line = next((one.strip() for one in str(text).splitlines() if "Active:" in one), dead[0])
        told = say("nodes.unit", unit=unit, node=node, line=quote(line))
        yield shows_itself(class_id, node_ref(node), 0.4 if masked else 0.97, told)


def _state(view: ClusterView, node: Obj) -> Iterator[Finding[Facts]]:
    state, name = node_ready(node), name_of(node)
    if state == "True":
        return
    ready = condition(node, "Ready")
    said = quote(str(ready.get("message") or ready.get("reason") or ""))
    text = say("nodes.ready_is", state=state, message=said) if said else ""
    text = text or say("nodes.ready_is_alone", state=state)
    class_id, score = _state_class(view, name, state, str(ready.get("message") or ""))
    fact = Fact(
        source="object",
        statement=say("nodes.node", node=name, told=text),
        object=node_ref(name),
    )
    yield Finding(
        failure_class=class_id, object=node_ref(name), score=score, detail=text, evidence=[fact]
    )


def _state_class(view: ClusterView, node: str, state: str, message: str) -> tuple[str, float]:
    """Which part of a node that is not ready fails, and the belief."""
    if state == "Unknown" or "stopped posting" in message:
        return "node_kubelet_unavailable", 0.93
    if "NetworkPluginNotReady" in message or "cni plugin not initialized" in message:
        return "node_network_plugin_unavailable", 0.94
    if _RUNTIME.search(message) or _runtime_trouble(view, node):
        return "node_runtime_unavailable", 0.94
    return "node_not_ready", 0.85


def _runtime_trouble(view: ClusterView, node: str) -> str:
    for event in view.events_of("Node", "", node) + view.events_of("Node", "default", node):
        if event.warning and _RUNTIME.search(event.message):
            return event.message
    for workload in view.workloads:
        for pod in workload.pods:
            if pod.node == node:
                for event in view.events_of("Pod", pod.namespace, pod.name):
                    if event.reason == "FailedCreatePodSandBox" and _RUNTIME.search(event.message):
                        return event.message
    return ""


def _runtime_events(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Pods that cannot get a sandbox because the runtime is away, on a node that still says it is ready."""
    for node in view.nodes:
        name = name_of(node)
        if node_ready(node) != "True":
            continue
        waiting = any(p.node == name and not p.ready for w in view.workloads for p in w.pods)
        text = _runtime_trouble(view, name) if waiting else ""
        if text:
            yield Finding(
                failure_class="node_runtime_unavailable",
                object=node_ref(name),
                score=0.85,
                detail=quote(text),
                evidence=[Fact(source="event", statement=quote(text), object=node_ref(name))],
            )


def _control_plane(view: ClusterView) -> str:
    return next((name_of(n) for n in view.nodes if control_plane(n)), "")


def _scheduler(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Pods that nobody even looked at."""
    ignored = [
        (w, p)
        for w in view.workloads
        for p, text in unscheduled(view, w)
        if not text and not condition(p.obj, "PodScheduled")
    ]
    gated = [p for _, p in ignored if p.spec.get("schedulingGates")]
    if not ignored or gated:
        return
    workload, pod = ignored[0]
    custom = str(pod.spec.get("schedulerName") or "default-scheduler")
    text = say("nodes.scheduler.silent", pod=pod.name, scheduler=custom)
    fact = Fact(source="object", statement=text, object=workload.ref)
    if custom != "default-scheduler" and not _heard_of(view, custom):
        yield Finding(
            failure_class="scheduler_unknown",
            object=workload.ref,
            score=0.9,
            detail=text,
            evidence=[fact],
            facts=UnknownScheduler(workload=workload),
        )
        return
    plane = _control_plane(view)
    yield Finding(
        failure_class="scheduler_unavailable",
        object=node_ref(plane) if plane else workload.ref,
        score=0.8,
        detail=text,
        evidence=[fact],
    )


def _heard_of(view: ClusterView, scheduler: str) -> bool:
    """Some pod of that scheduler has a node."""
    return any(
        p.node and p.spec.get("schedulerName") == scheduler for w in view.workloads for p in w.pods
    )


def _one_sided(view: ClusterView) -> Iterator[Finding[Facts]]:
    """Services reachable from every node but one."""
    tests = view.tool("service_connectivity")
    if not isinstance(tests, dict):
        return
    failed: dict[str, int] = {}
    total: dict[str, int] = {}
    for text in tests.values():
        for part in str(text).split("deployed on ")[1:]:
            node = part.split(":")[0].strip()
            total[node] = total.get(node, 0) + 1
            failed[node] = failed.get(node, 0) + ("Connection Succeeded" not in part)
    for node, count in failed.items():
        rest = [failed[n] / total[n] for n in total if n != node]
        if total[node] >= 3 and count / total[node] > 0.8 and rest and max(rest) < 0.5:
            text = say("nodes.one_sided", node=node, n=count, total=total[node])
            yield shows_itself("node_kube_proxy_unavailable", node_ref(node), 0.75, text)


def _pressure(view: ClusterView) -> Iterator[Finding[Facts]]:
    for node in view.nodes:
        for kind in _PRESSURES:
            said = condition(node, kind)
            if said.get("status") == "True":
                words = quote(str(said.get("message") or said.get("reason") or ""))
                text = say("nodes.pressure", condition=kind, message=words)
                score = 0.85 if _suffers(view, name_of(node)) else 0.55
                yield shows_itself("node_pressure", node_ref(name_of(node)), score, text)


def _suffers(view: ClusterView, node: str) -> bool:
    """A pod of the node is not well."""
    pods = (p for w in view.workloads for p in w.pods if p.node == node)
    return any(not p.ready or p.phase == "Failed" for p in pods)
