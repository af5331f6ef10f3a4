"""Routes in the configuration of gateways that lead to the wrong backend: text in ConfigMaps against the alert."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from decide.core.families.gateways.facts import ConfiguredRoute, Route
from decide.core.findings import Fact, Finding, quote
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import Obj, mapping
from manifests.objects.workloads import Workload
from schemas.base import ObjectRef

_BACKEND = re.compile(r"(?:lb|http|https|grpc|ws)s?://(?:\$\{[^:}]*:)?([a-z0-9][a-z0-9.-]*)")
#: Mappings and lists inside each other that are followed.
_DEPTH = 20
#: The C implementation of the safe loader where there is one: ten times faster.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MARK = re.compile(r"uri:|proxy_pass|upstream|routes?:|cluster:")


def find(view: ClusterView) -> Iterator[Finding[ConfiguredRoute]]:
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
        except (yaml.YAMLError, ValueError, RecursionError):  # a date that is none, nested too deep
            return
        yield from _in_tree(ref, key, tree, 0)


def _in_tree(ref: ObjectRef, key: str, node: object, depth: int) -> Iterator[Route]:
    if depth > _DEPTH:
        return
    if isinstance(node, dict):
        yield from _of_node(ref, key, node)
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for value in inner:
        yield from _in_tree(ref, key, value, depth + 1)


def _of_node(ref: ObjectRef, key: str, node: Obj) -> Iterator[Route]:
    """The routes of a mapping that names an address and paths."""
    target = node.get("uri") or node.get("url")
    match = _BACKEND.match(target) if isinstance(target, str) else None
    if not match:
        return
    paths = re.findall(r"Path=([^\s,\]'\"]+)", str(node.get("predicates") or ""))
    name = str(node.get("id") or node.get("name") or "")
    for path in paths or [str(node.get("path") or "")]:
        if path:
            yield Route(ref, name, path, match[1].split(".")[0], key)


def _tokens(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _covers(route: Route, url: str) -> bool:
    stem = route.path.split("*")[0].rstrip("/")
    return bool(stem) and (url == stem or url.startswith(stem + "/"))


def _failing(view: ClusterView, route: Route) -> Iterator[Finding[ConfiguredRoute]]:
    """The alert's failing request goes through this route, and not to the service that should answer it."""
    for anomaly in view.anomalies:
        url, entry = str(anomaly.get("url") or ""), str(anomaly.get("entry_service") or "")
        astray = bool(url) and _covers(route, url) and entry not in ("", route.backend)
        target = _workload(view, entry) if astray else None
        if target is None:
            continue
        error = str(anomaly.get("raw_error") or "")
        text = say(
            "gateways.configured.fails",
            url=quote(url),
            error=quote(error),
            route=quote(route.name or route.path),
            owner=route.owner.key,
            backend=route.backend,
            right=entry,
        )
        yield Finding(
            failure_class="route_backend_mismatch",
            object=target.ref,
            score=0.95 if "404" in error or "405" in error else 0.8,
            detail=text,
            evidence=[
                Fact(source="object", statement=text, object=route.owner),
                Fact(source="alert", statement=text),
            ],
            facts=ConfiguredRoute(workload=target, route=route, right=entry),
        )


def _workload(view: ClusterView, name: str) -> Workload | None:
    for namespace in view.focus:
        found = view.resolve(namespace, name)
        if found:
            return found
    return None


def _doubled(
    view: ClusterView, used: dict[tuple[str, str], list[Route]]
) -> Iterator[Finding[ConfiguredRoute]]:
    """Two routes to one backend, and one of them is named like a workload that no route leads to."""
    for (owner, backend), routes in used.items():
        reached = {b for o, b in used if o == owner}
        for route in routes if len(routes) > 1 else ():
            best = None if _named_like(route, backend) else _idle(view, route, reached)
            if best is not None:
                yield _stray(view, route, best)


def _named_like(route: Route, workload: str) -> bool:
    """The last word of its path, or its name, stands in the workload's name."""
    stem, name, whole = _stem(route), _tokens(route.name), _tokens(workload)
    return bool(stem) and (stem in whole or bool(name and name in whole))


def _stem(route: Route) -> str:
    return _tokens(route.path.split("*")[0].rstrip("/").split("/")[-1])


def _idle(view: ClusterView, route: Route, reached: set[str]) -> Workload | None:
    """The workload that the route is named like and that no route reaches; of several the shortest name."""
    idle = [w for w in view.workloads if w.name not in reached and _named_like(route, w.name)]
    return min(idle, key=lambda w: len(w.name), default=None)


def _stray(view: ClusterView, route: Route, best: Workload) -> Finding[ConfiguredRoute]:
    text = say(
        "gateways.configured.doubled",
        route=quote(route.name or route.path),
        backend=route.backend,
        right=best.name,
    )
    failing = any(_covers(route, str(a.get("url") or "")) for a in view.anomalies)
    return Finding(
        failure_class="route_backend_mismatch",
        object=best.ref,
        score=0.65 if failing else 0.45,
        detail=text,
        evidence=[Fact(source="object", statement=text, object=route.owner)],
        facts=ConfiguredRoute(workload=best, route=route, right=best.name),
    )
