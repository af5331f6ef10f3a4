"""Lists with selectors and pages, single objects, logs."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from sandbox.kubernetes import selectors
from sandbox.kubernetes.kinds import Kind
from sandbox.kubernetes.status import Flaw, Refusal, bad_request, invalid, not_found
from sandbox.kubernetes.store import Cluster

Object = dict[str, Any]
_POD_LOG = Kind("v1", "pods", "PodLogOptions")
_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without"
    " the continue parameter, or use the continue token in this response to retrieve the remainder of the results."
)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _token(version: int, after: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps({"rv": version, "after": after}).encode()).decode()


def _read_token(text: str) -> tuple[int, list[str]]:
    try:
        token = json.loads(base64.urlsafe_b64decode(text + "==="))
        return int(token["rv"]), [str(part) for part in token["after"]]
    except (ValueError, KeyError, TypeError):
        raise bad_request("invalid continue token: continue key is not valid") from None


def _place(obj: Object) -> list[str]:
    return [obj["metadata"].get("namespace", ""), obj["metadata"]["name"]]


def listed(cluster: Cluster, kind: Kind, namespace: str, request: Request) -> Object:
    """One page of a list."""
    query = request.query_params
    by_labels = selectors.by_labels(query.get("labelSelector", ""))
    by_fields = selectors.by_fields(query.get("fieldSelector", ""), kind.plural)
    limit = _number(query.get("limit", "0") or "0")
    version = cluster.resource_version
    items = cluster.list(kind.plural, namespace, version=kind.version)
    items = [item for item in items if by_labels(item) and by_fields(item)]
    if token := query.get("continue", ""):
        version, after = _read_token(token)
        if 0 < version < cluster.compacted:
            fresh = {"continue": _token(-1, after)}
            raise Refusal(410, "Expired", _EXPIRED, metadata=fresh)
        items = [item for item in items if _place(item) > after]
    metadata: Object = {"resourceVersion": str(abs(version))}
    if limit and len(items) > limit:
        metadata["continue"] = _token(version, _place(items[limit - 1]))
        if not query.get("labelSelector") and not query.get("fieldSelector"):
            metadata["remainingItemCount"] = len(items) - limit
        items = items[:limit]
    for item in items:
        item.pop("apiVersion", None)
        item.pop("kind", None)
    if "PartialObjectMetadataList" in request.headers.get("accept", ""):
        partial = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
        return partial | {"metadata": metadata, "items": [_partial(item) for item in items]}
    return {
        "kind": f"{kind.kind}List",
        "apiVersion": kind.version,
        "metadata": metadata,
        "items": items,
    }


def _partial(item: Object) -> Object:
    names = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return names | {"metadata": item["metadata"]}


def one(cluster: Cluster, kind: Kind, namespace: str, name: str, request: Request) -> Object:
    """One object."""
    found = cluster.get(kind, namespace, name)
    if found is None:
        raise not_found(kind, name)
    partial = "PartialObjectMetadata" in request.headers.get("accept", "")
    return _partial(found) if partial else found


def log(cluster: Cluster, kind: Kind, namespace: str, name: str, query: Mapping[str, str]) -> str:
    """``pods/log``: of a container or its previous run, the last lines, at most so many bytes."""
    pod = cluster.get(kind, namespace, name)
    if pod is None:
        raise not_found(kind, name)
    tail = _number(query["tailLines"]) if query.get("tailLines") else None
    if tail is not None and tail < 0:
        why = f"Invalid value: {tail}: must be greater than or equal to 0"
        raise invalid(_POD_LOG, name, [Flaw("tailLines", "FieldValueInvalid", why)])
    container = _container(pod, query.get("container", ""))
    previous = query.get("previous") == "true"
    text = cluster.log(namespace, name, container, previous=previous)
    if text is None:
        if previous:
            raise bad_request(
                f'previous terminated container "{container}" in pod "{name}" not found'
            )
        text = _without_log(pod, container)
    lines = text.splitlines(keepends=True)
    text = "".join(lines[-tail:] if tail else [] if tail == 0 else lines)
    if query.get("limitBytes"):
        text = text.encode()[: _number(query["limitBytes"])].decode(errors="ignore")
    return text


def _without_log(pod: Object, container: str) -> str:
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        waiting = (status.get("state") or {}).get("waiting")
        if status.get("name") == container and waiting:
            name = pod["metadata"]["name"]
            why = waiting.get("reason", "ContainerCreating")
            verb = "waiting to start" if why != "CrashLoopBackOff" else ""
            if verb:
                raise bad_request(f'container "{container}" in pod "{name}" is {verb}: {why}')
    return ""


def _container(pod: Object, wanted: str) -> str:
    spec = pod.get("spec") or {}
    names = [c["name"] for c in spec.get("containers") or ()]
    every = names + [c["name"] for c in spec.get("initContainers") or ()]
    name = pod["metadata"]["name"]
    if wanted:
        if wanted not in every:
            raise bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    default = (pod["metadata"].get("annotations") or {}).get(
        "kubectl.kubernetes.io/default-container"
    )
    if len(names) > 1 and not default:
        choice = " ".join(names)
        raise bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{choice}]"
        )
    return str(default or names[0])
