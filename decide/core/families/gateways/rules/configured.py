"""Routes in the configuration of gateways that lead to the wrong backend: text in ConfigMaps against the alert."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from decide.core.findings import Fact, Finding
from decide.core.view import ClusterView
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import Obj, mapping
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef

_BACKEND = re.compile(r"(?:lb|http|https|grpc|ws)s?://(?:\$\{[^:}]*:)?([a-z0-9][a-z0-9.-]*)")
#: The C implementation of the safe loader where there is one: ten times faster.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MARK = re.compile(r"uri:|proxy_pass|upstream|routes?:|cluster:")


@dataclass(frozen=True, slots=True)
class Route:
    """A path and where it leads."""

    owner: ObjectRef
    name: str
    path: str
    backend: str
    where: str


def find(view: ClusterView) -> Iterator[Finding]:
    """Findings about routes, at the workload that should have been reached."""
    routes = list(_routes(view))
    used: dict[tuple[str, str], list[Route]] = {}
    for route in routes:
        used.setdefault((route.owner.key, route.backend), []).append(route)
    for route in routes:
        yield from _failing(view, route)
    yield from _doubled(view, used)


def _routes(view: ClusterView) -> Iterator[Route]:
    for config in view.all("configmaps"):
        if namespace_of(config) in view.focus:
            for key, text in mapping(config.get("data")).items():
                if (
                    isinstance(text, str)
                    and len(text) < 200_000
                    and _MARK.search(text)
                    and "://" in text
                ):
                    yield from _in_text(config, str(key), text)


def _in_text(config: Obj, key: str, text: str) -> Iterator[Route]:
    ref = ObjectRef(
        api_version="v1", kind="ConfigMap", namespace=namespace_of(config), name=name_of(config)
    )
    if text.count("&") + text.count("*") < 1000:
        try:
            tree = yaml.load(text, Loader=_LOADER)  # noqa: S506
        except yaml.YAMLError:
            return
        yield from _in_tree(ref, key, tree, 0)


def _in_tree(ref: ObjectRef, key: str, node: object, depth: int) -> Iterator[Route]:
    if depth > 20:
        return
    if isinstance(node, dict):
        target = node.get("uri") or node.get("url")
        match = _BACKEND.match(target) if isinstance(target, str) else None
        if match:
            paths = list(re.findall(r"Path=([^\s,\]'\"]+)", str(node.get("predicates") or "")))
            for path in paths or [str(node.get("path") or "")]:
                if path:
                    yield Route(
                        ref,
                        str(node.get("id") or node.get("name") or ""),
                        path,
                        match[1].split(".")[0],
                        key,
                    )
        for value in node.values():
            yield from _in_tree(ref, key, value, depth + 1)
    elif isinstance(node, list):
        for value in node:
            yield from _in_tree(ref, key, value, depth + 1)


def _tokens(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _covers(route: Route, url: str) -> bool:
    stem = route.path.split("*")[0].rstrip("/")
    return bool(stem) and (url == stem or url.startswith(stem + "/"))


def _failing(view: ClusterView, route: Route) -> Iterator[Finding]:
    """The alert's failing request goes through this route, and not to the service that should answer it."""
    for anomaly in view.anomalies:
        url, entry = str(anomaly.get("url") or ""), str(anomaly.get("entry_service") or "")
        if not url or not _covers(route, url):
            continue
        error = str(anomaly.get("raw_error") or "")
        if not entry or entry == route.backend:
            continue
        target = _workload(view, entry)
        if target is None:
            continue
        lost = "404" in error or "405" in error
        text = f"{url} fails ({error}); route {route.name or route.path} in {route.owner.key} leads to {route.backend}, not to {entry}"
        yield Finding(
            failure_class="route_backend_mismatch",
            object=target.ref,
            score=0.95 if lost else 0.8,
            detail=text,
            evidence=[
                Fact(source="object", statement=text, object=route.owner),
                Fact(source="alert", statement=text),
            ],
            against=[],
            facts={"workload": target, "route": route, "right": entry},
        )


def _workload(view: ClusterView, name: str) -> Workload | None:
    for namespace in view.focus:
        found = view.resolve(namespace, name)
        if found:
            return found
    return None


def _doubled(view: ClusterView, used: dict[tuple[str, str], list[Route]]) -> Iterator[Finding]:
    """Two routes to one backend, and one of them is named like a Service that no route leads to."""
    for (owner, backend), routes in used.items():
        if len(routes) < 2 or not routes:
            continue
        reached = {b for o, b in used if o == owner}
        for route in routes:
            stem = _tokens(route.path.split("*")[0].rstrip("/").split("/")[-1])
            name = _tokens(route.name)
            if stem and (stem in _tokens(backend) or (name and name in _tokens(backend))):
                continue
            idle = [
                w
                for w in view.workloads
                if w.name not in reached
                and stem
                and (stem in _tokens(w.name) or (name and name in _tokens(w.name)))
            ]
            best = min(idle, key=lambda w: len(w.name), default=None)
            if best is None:
                continue
            text = f"route {route.name or route.path} leads to {backend} like another route; none leads to {best.name}"
            failing = any(_covers(route, str(a.get("url") or "")) for a in view.anomalies)
            yield Finding(
                failure_class="route_backend_mismatch",
                object=best.ref,
                score=0.65 if failing else 0.45,
                detail=text,
                evidence=[Fact(source="object", statement=text, object=route.owner)],
                against=[],
                facts={"workload": best, "route": route, "right": best.name},
            )
