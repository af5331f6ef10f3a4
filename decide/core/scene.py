"""The names that commands about an answer are filled with: of the object, and of what stands around it. Pure.

Names come from objects, and a dump may say anything: only what Kubernetes takes for a name becomes part of a command.
Source: kubernetes.io "Object Names and IDs" (RFC 1123 subdomains); none begins with a dash, so none is an option.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from decide.core.view import ClusterView
from kfix.incident.images import parse
from manifests.objects.kinds import is_namespaced, known
from manifests.objects.pods import Container, Pod
from manifests.objects.shapes import at, mappings, text
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}")
#: Controllers that ``kubectl rollout`` knows the revisions of.
_ROLLED = ("Deployment", "StatefulSet", "DaemonSet")
#: Controllers that ``kubectl logs`` finds a pod of.
_LOGGED = (*_ROLLED, "ReplicaSet", "Job")
_GATEWAYS = "gateways.gateway.networking.k8s.io"


def named(name: str) -> bool:
    """Whether Kubernetes takes this for the name of an object."""
    return _NAME.fullmatch(name) is not None


def scene(view: ClusterView, refs: Sequence[ObjectRef]) -> dict[str, str]:
    """What ``decide.core.looks`` can be filled with. ``refs``: what the answer is about, the object itself first."""
    workload = _workload(view, refs)
    pod = _pod(refs, workload)
    found = {name: value for name, value in _around(view, refs, workload, pod) if value}
    found |= _image(_container(pod, workload))
    if view.collected("pods") and pod is None:
        found.pop("logged", None)  # it has no pod that could say anything
    return found | _place(view, refs, workload)


def image_of(view: ClusterView, refs: Sequence[ObjectRef]) -> str:
    """The image of the container that suffers, as it is written; empty where none is known. Outside text."""
    workload = _workload(view, refs)
    pod = _pod(refs, workload)
    container = _container(pod, workload)
    return text(container.spec, "image") if container is not None else ""


def _image(container: Container | None) -> dict[str, str]:
    """The suffering container's image as a registry's clients take it; nothing where it is no reference."""
    found = parse(text(container.spec, "image")) if container is not None else None
    if found is None:
        return {}
    return {"image": found.canonical, "image_repository": found.repository}


def resource(ref: ObjectRef) -> str:
    """``kind/name -n namespace`` as kubectl takes it; empty where a part of it is no name, or is missing."""
    placed = bool(ref.namespace) or not is_namespaced(ref.kind)
    parts = (ref.name, ref.namespace) if ref.namespace else (ref.name,)
    if not placed or not all(map(named, parts)) or not _KIND.fullmatch(ref.kind):
        return ""
    entry = known(ref.kind, ref.api_version)
    group = entry.group if entry is not None else ref.api_version.rpartition("/")[0]
    kind = ref.kind.lower()
    if group and not _plain(group):
        if not named(group):
            return ""
        kind = f"{kind}.{group}"
    return f"{kind}/{ref.name}" + (f" -n {ref.namespace}" if ref.namespace else "")


def _plain(group: str) -> bool:
    """Whether a kind of that group is found without it."""
    own = "." not in group or group.endswith(".k8s.io")
    return own and not group.startswith("gateway.")


def _place(
    view: ClusterView, refs: Sequence[ObjectRef], workload: Workload | None
) -> dict[str, str]:
    """The namespace; all of them where none is known."""
    first = next(iter(refs), None)
    own = first.name if first is not None and first.kind == "Namespace" else ""
    spaces = [own, *(ref.namespace for ref in refs), view.namespace]
    space = next((one for one in spaces if one), workload.namespace if workload else "")
    if not named(space):
        return {"where": "--all-namespaces"}
    return {"namespace": space, "where": f"-n {space}"}


def _around(
    view: ClusterView, refs: Sequence[ObjectRef], workload: Workload | None, pod: Pod | None
) -> Iterator[tuple[str, str]]:
    first = next(iter(refs), None)
    secret = first is not None and first.kind == "Secret"
    yield "object", resource(first) if first is not None and not secret else ""
    if first is not None and first.kind in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"):
        yield "gateways", _GATEWAYS
    if workload is not None:
        yield "workload", resource(workload.ref)
        yield "rollout", resource(workload.ref) if workload.kind in _ROLLED else ""
        yield "logged", resource(workload.ref) if workload.kind in _LOGGED else ""
        account = text(workload.spec, "serviceAccountName") or "default"
        yield "account", account if named(account) else ""
    container = _container(pod, workload)
    if container is not None and named(container.name):
        yield "container", container.name
    if pod is not None:
        ref = resource(ObjectRef(kind="Pod", namespace=pod.namespace, name=pod.name))
        yield "pod", ref
        yield "measured", ref.removeprefix("pod/")
        yield "crashed", ref if container is not None and container.restarts else ""
    yield from _beside(view, refs, workload, pod)


def _beside(
    view: ClusterView, refs: Sequence[ObjectRef], workload: Workload | None, pod: Pod | None
) -> Iterator[tuple[str, str]]:
    of = {ref.kind: ref for ref in reversed(refs)}
    service = of.get("Service") or _service(view, workload)
    if service is not None and resource(service):
        yield "service", resource(service)
        yield "service_name", service.name
    claim = of.get("PersistentVolumeClaim") or _claim(pod, workload)
    yield "claim", resource(claim) if claim is not None else ""
    yield "quota", resource(of["ResourceQuota"]) if "ResourceQuota" in of else ""
    sick = of["Node"].name if "Node" in of else ""
    node = sick or (pod.node if pod is not None else "")
    yield "sick_node", sick if named(sick) else ""
    yield "node", node if named(node) else ""


def _workload(view: ClusterView, refs: Sequence[ObjectRef]) -> Workload | None:
    """The first workload that the references lead to: itself, a pod's, the one behind a Service."""
    for ref in refs:
        found = view.workload(ref.kind, ref.namespace, ref.name)
        if found is None and ref.kind == "Pod":
            found = view.owner_of_pod(ref.namespace, ref.name)
        if found is None and ref.kind == "Service":
            service = view.get("services", ref.namespace, ref.name)
            found = next(iter(view.backends(service)), None) if service else None
        if found is not None:
            return found
    return None


def _pod(refs: Sequence[ObjectRef], workload: Workload | None) -> Pod | None:
    """The pod that the answer names, else the workload's least well one."""
    pods = workload.pods if workload is not None else ()
    told = {ref.name for ref in refs if ref.kind == "Pod"}
    ranked = sorted(
        pods,
        key=lambda p: (p.name not in told, _ended(p), p.deleting, p.ready, -_restarts(p)),
    )
    return ranked[0] if ranked else None


def _ended(pod: Pod) -> bool:
    """It did what it was for, as a job's pod does: it is not ready, and does not suffer."""
    return pod.phase == "Succeeded"


def _restarts(pod: Pod) -> int:
    return sum(container.restarts for container in pod.containers())


def _container(pod: Pod | None, workload: Workload | None) -> Container | None:
    """The container that suffers: not ready, then most often restarted; of a template the first."""
    if pod is not None and pod.containers():
        return min(pod.containers(), key=lambda c: (_done(c), c.ready, -c.restarts))
    return next(iter(workload.containers()), None) if workload is not None else None


def _done(container: Container) -> bool:
    """It ended well, as init containers do."""
    ended = container.terminated
    return bool(ended) and ended.get("exitCode") == 0 and not container.waiting


def _service(view: ClusterView, workload: Workload | None) -> ObjectRef | None:
    found = view.services_of.get(workload.ref.key, []) if workload is not None else []
    if not found:
        return None
    space, name = text(found[0], "metadata", "namespace"), text(found[0], "metadata", "name")
    return ObjectRef(api_version="v1", kind="Service", namespace=space, name=name)


def _claim(pod: Pod | None, workload: Workload | None) -> ObjectRef | None:
    spec, space = (pod.spec, pod.namespace) if pod is not None else ({}, "")
    if pod is None and workload is not None:
        spec, space = workload.spec, workload.namespace
    for volume in mappings(spec, "volumes"):
        name = str(at(volume, "persistentVolumeClaim", "claimName") or "")
        if name:
            return ObjectRef(kind="PersistentVolumeClaim", namespace=space, name=name)
    return None
