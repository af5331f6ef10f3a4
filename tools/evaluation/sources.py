"""Takes one source of evidence away from a bundle, as if it had not been collected. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.context import ContextBundle, SourceStatus

#: Sources that are kinds of objects, with the plurals that each holds.
KINDS: dict[str, frozenset[str]] = {
    "events": frozenset({"events"}),
    "pods": frozenset({"pods"}),
    "controllers": frozenset(
        {
            "deployments",
            "statefulsets",
            "daemonsets",
            "replicasets",
            "jobs",
            "cronjobs",
            "horizontalpodautoscalers",
        }
    ),
    "nodes": frozenset({"nodes"}),
    "services": frozenset(
        {"services", "endpoints", "endpointslices", "ingresses", "httproutes", "gateways"}
    ),
    "storage": frozenset({"persistentvolumeclaims", "persistentvolumes", "storageclasses"}),
    "policies": frozenset(
        {
            "resourcequotas",
            "limitranges",
            "networkpolicies",
            "serviceaccounts",
            "roles",
            "rolebindings",
            "poddisruptionbudgets",
        }
    ),
    "configuration": frozenset({"configmaps", "secrets"}),
}
#: Every source that can be taken away. ``tools``: outputs without an object form; ``anomalies``: what the alert itself
#: lists as abnormal; ``history``: rollouts, commits, similar incidents and what worked before.
SOURCES: tuple[str, ...] = (
    *KINDS,
    "logs",
    "metrics",
    "manifests",
    "tools",
    "anomalies",
    "history",
)


def without(bundle: ContextBundle, sources: Iterable[str]) -> ContextBundle:
    """The bundle without those sources, which it lists as missing. Raises ValueError for an unknown one."""
    for source in sources:
        bundle = _without(bundle, source)
    return bundle


def _without(bundle: ContextBundle, source: str) -> ContextBundle:
    changed: dict[str, object]
    if source in KINDS:
        context = bundle.k8s_context
        left = {k: found for k, found in context.objects.items() if k not in KINDS[source]}
        changed = {"k8s_context": context.model_copy(update={"objects": left})}
    elif source == "logs":
        changed = {"logs": ()}
    elif source == "metrics":
        changed = {"metrics": ()}
    elif source == "manifests":
        changed = {"declared": ()}
    elif source == "tools":
        changed = {"extra": {}}
    elif source == "anomalies":
        changed = {"alert": bundle.alert.model_copy(update={"anomalies": ()})}
    elif source == "history":
        changed = {
            "changes": (),
            "similar_incidents": (),
            "lessons_learned": (),
            "successful_patterns": (),
            "failed_patterns": (),
        }
    else:
        raise ValueError(f"no source {source}; there are {', '.join(SOURCES)}")
    name = {"manifests": "repository"}.get(source, source)
    missing = SourceStatus(name=name, state="missing", reason="taken away")
    kept = tuple(s for s in bundle.sources if s.name != name)
    return bundle.model_copy(update={**changed, "sources": (*kept, missing)})
