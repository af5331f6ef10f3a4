"""Nodes and the control plane: kubelet, runtime, proxy, scheduler, pressure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from decide.core.families.scheduling.rules import control_plane, unscheduled
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView, node_ready, node_ref
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


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about nodes."""
    units = list(_units(view))
    yield from units
    for node in view.nodes:
        yield from _state(view, node)
    yield from _runtime_events(view)
    yield from _scheduler(view)
    yield from _one_sided(view)
    yield from _pressure(view)


def _units(view: ClusterView) -> Iterator[Finding]:
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
        yield Finding(
            failure_class=class_id,
            object=node_ref(node),
            score=0.4 if masked else 0.97,
            detail=f"{unit} on {node}: {quote(line)}",
            evidence=[
                Fact(
                    source="object",
                    statement=quote(f"{unit} on {node}: {line}"),
                    object=node_ref(node),
                )
            ],
        )


def _state(view: ClusterView, node: Obj) -> Iterator[Finding]:
    ready, name = condition(node, "Ready"), name_of(node)
    state = node_ready(node)
    if state == "True":
        return
    text = quote(f"Ready is {state}: {ready.get('message') or ready.get('reason') or ''}")
    fact = Fact(source="object", statement=f"node {name}: {text}", object=node_ref(name))
    message = str(ready.get("message") or "")
    if state == "Unknown" or "stopped posting" in message:
        yield Finding(
            failure_class="node_kubelet_unavailable",
            object=node_ref(name),
            score=0.93,
            detail=text,
            evidence=[fact],
        )
    elif "NetworkPluginNotReady" in message or "cni plugin not initialized" in message:
        yield Finding(
            failure_class="node_network_plugin_unavailable",
            object=node_ref(name),
            score=0.94,
            detail=text,
            evidence=[fact],
        )
    elif _RUNTIME.search(message) or _runtime_trouble(view, name):
        yield Finding(
            failure_class="node_runtime_unavailable",
            object=node_ref(name),
            score=0.94,
            detail=text,
            evidence=[fact],
        )
    else:
        yield Finding(
            failure_class="node_not_ready",
            object=node_ref(name),
            score=0.85,
            detail=text,
            evidence=[fact],
        )


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


def _runtime_events(view: ClusterView) -> Iterator[Finding]:
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


def _scheduler(view: ClusterView) -> Iterator[Finding]:
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
    text = f"pod {pod.name} is Pending and the scheduler {custom} said nothing about it"
    if custom != "default-scheduler" and not _heard_of(view, custom):
        yield Finding(
            failure_class="scheduler_unknown",
            object=workload.ref,
            score=0.9,
            detail=text,
            evidence=[Fact(source="object", statement=text, object=workload.ref)],
            against=[],
            facts={"workload": workload},
        )
        return
    plane = _control_plane(view)
    ref = node_ref(plane) if plane else workload.ref
    yield Finding(
        failure_class="scheduler_unavailable",
        object=ref,
        score=0.8,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=workload.ref)],
    )


def _heard_of(view: ClusterView, scheduler: str) -> bool:
    """Some pod of that scheduler has a node."""
    return any(
        p.node and p.spec.get("schedulerName") == scheduler for w in view.workloads for p in w.pods
    )


def _one_sided(view: ClusterView) -> Iterator[Finding]:
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
            text = f"from node {node} {count} of {total[node]} Services are out of reach, from the others they answer"
            yield Finding(
                failure_class="node_kube_proxy_unavailable",
                object=node_ref(node),
                score=0.75,
                detail=text,
                evidence=[Fact(source="object", statement=text, object=node_ref(node))],
            )


def _pressure(view: ClusterView) -> Iterator[Finding]:
    for node in view.nodes:
        for kind in _PRESSURES:
            said = condition(node, kind)
            if said.get("status") == "True":
                text = f"{kind}: {quote(str(said.get('message') or said.get('reason') or ''))}"
                hit = any(
                    p.node == name_of(node) and (not p.ready or p.phase == "Failed")
                    for w in view.workloads
                    for p in w.pods
                )
                yield Finding(
                    failure_class="node_pressure",
                    object=node_ref(name_of(node)),
                    score=0.85 if hit else 0.55,
                    detail=text,
                    evidence=[
                        Fact(source="object", statement=text, object=node_ref(name_of(node)))
                    ],
                )
