"""Small clusters written out object by object, for questions to one part of the rules."""

from __future__ import annotations

from typing import Any

from decide.core.facts import Facts
from decide.core.findings import Fact, Finding
from decide.core.view import ClusterView
from manifests.objects.workloads import Workload
from schemas.alerts import Alert
from schemas.base import ObjectRef
from schemas.context import ContextBundle, KubernetesContext, LogExcerpt, Series
from tests.support.decide.clusters import AT

Obj = dict[str, Any]
SHOP = "shop"


def bundle_of(
    objects: dict[str, list[Obj]] | None = None,
    *,
    namespace: str = SHOP,
    subject: ObjectRef | None = None,
    title: str = "Something is wrong",
    anomalies: tuple[str, ...] = (),
    **fields: Any,
) -> ContextBundle:
    """A bundle with just these objects."""
    given: dict[str, Any] = {
        "event_id": "ctx-1",
        "trace_id": "d-1",
        "occurred_at": AT,
        "alerted_at": AT,
        "cycle": "cy-1",
        "alert": Alert(title=title, state="firing", anomalies=anomalies),
        "k8s_context": KubernetesContext(
            cluster="c", namespace=namespace, subject=subject, objects=objects or {}
        ),
    }
    return ContextBundle(**(given | fields))


def view_of(objects: dict[str, list[Obj]] | None = None, **fields: Any) -> ClusterView:
    """The view of such a bundle."""
    return ClusterView(bundle_of(objects, **fields))


def meta(name: str, namespace: str = SHOP, **fields: Any) -> Obj:
    """``metadata``."""
    return {"name": name, "namespace": namespace, **fields}


def deployment(name: str, namespace: str = SHOP, *containers: Obj, **spec: Any) -> Obj:
    """A Deployment whose pods have the label ``app`` with its name."""
    labels = spec.pop("labels", {"app": name})
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta(name, namespace),
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": list(containers) or [{"name": "main"}]},
            },
            **spec,
        },
    }


def pod(name: str, namespace: str = SHOP, **fields: Any) -> Obj:
    """A running, ready pod."""
    labels, owner = fields.pop("labels", {}), fields.pop("owner", None)
    owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
    spec = {"containers": fields.pop("containers", [{"name": "main"}])}
    node, ip = fields.pop("node", ""), fields.pop("ip", "")
    return {
        "kind": "Pod",
        "metadata": meta(name, namespace, labels=labels, ownerReferences=owners),
        "spec": {**spec, **({"nodeName": node} if node else {})},
        "status": {"phase": "Running", **({"podIP": ip} if ip else {}), **fields},
    }


def service(name: str, namespace: str = SHOP, *ports: Obj, **spec: Any) -> Obj:
    """A Service of the pods with the label ``app`` and its name."""
    chosen = {"selector": {"app": name}, "ports": list(ports) or [{"port": 80}], **spec}
    return {"kind": "Service", "metadata": meta(name, namespace), "spec": chosen}


def env(**values: str) -> Obj:
    """A container with this environment."""
    return {"name": "main", "env": [{"name": key, "value": v} for key, v in values.items()]}


def workload(view: ClusterView, name: str, namespace: str = SHOP) -> Workload:
    """The workload of that name; fails the test when there is none."""
    found = view.named(namespace, name)
    assert found is not None
    return found


def log(pod: str, *lines: str, **fields: Any) -> LogExcerpt:
    """An excerpt of a pod of the shop."""
    return LogExcerpt(
        **({"namespace": SHOP, "pod": pod, "container": "main", "lines": lines} | fields)
    )


def series(metric: str, *values: float | None, step: float = 15, **fields: Any) -> Series:
    """Samples every ``step`` seconds from 0 on."""
    times = tuple(step * n for n in range(len(values)))
    return Series(**({"metric": metric, "timestamps": times, "values": values} | fields))


def ref(kind: str, name: str, namespace: str = SHOP) -> ObjectRef:
    """A reference; cluster-scoped kinds have no namespace."""
    return ObjectRef(kind=kind, namespace="" if kind == "Node" else namespace, name=name)


def finding(
    failure_class: str, about: ObjectRef, score: float, *statements: str, **fields: Any
) -> Finding[Facts]:
    """A finding, as a rule would yield it."""
    evidence = [Fact(source="object", statement=said) for said in statements]
    return Finding(
        failure_class=failure_class, object=about, score=score, evidence=evidence, **fields
    )
