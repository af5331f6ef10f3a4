"""Faults that need more than one thing to be wrong: names that are nearly right, bounds on whole pods, routes in text."""

from __future__ import annotations

import json
from typing import Any

from tests.support.decide.clusters import Cluster
from tests.support.decide.faults import fault


def _specs(c: Cluster, app: str) -> tuple[dict[str, Any], ...]:
    return c.pod(app)["spec"], c.get("deployments", app)["spec"]["template"]["spec"]


def _misnamed(kind: str, place: str) -> None:
    plural, field = f"{kind}s", "configMap" if kind == "configmap" else "secret"

    @fault("config_reference_missing", f"{kind} misnamed in {place}")
    def _(c: Cluster, app: str) -> None:
        there = c.word() + "-settings"
        c.add(plural, there, data={"level": "x"})
        wrong = there + "s"
        if place == "a volume":
            inner = "name" if field == "configMap" else "secretName"
            for spec in _specs(c, app):
                spec["volumes"] = [{"name": "settings", field: {inner: wrong}}]
        elif place == "a variable":
            c.container(app)["env"] = [
                {"name": "A", "value": "1"},
                {
                    "name": "LEVEL",
                    "valueFrom": {f"{field}KeyRef": {"name": wrong, "key": "level"}},
                },
            ]
        else:
            c.container(app)["envFrom"] = [{"prefix": "X_"}, {f"{field}Ref": {"name": wrong}}]
        c.waiting(app, "CreateContainerConfigError", f'{kind} "{wrong}" not found')


for _kind in ("configmap", "secret"):
    for _place in ("a volume", "a variable", "envFrom"):
        _misnamed(_kind, _place)


def _misspelt(kind: str) -> None:
    field, said = (
        ("configMapKeyRef", "ConfigMap") if kind == "configmap" else ("secretKeyRef", "Secret")
    )

    @fault("config_reference_missing", f"key of a {kind} misspelt")
    def _(c: Cluster, app: str) -> None:
        name = c.word()
        c.add(f"{kind}s", name, data={"other": "1", "database-url": "x"})
        source = {field: {"name": name, "key": "databse-url"}}
        c.container(app)["env"] = [{"name": "STORE", "valueFrom": source}]
        text = f"couldn't find key databse-url in {said} {c.namespace}/{name}"
        c.waiting(app, "CreateContainerConfigError", text)


_misspelt("configmap")
_misspelt("secret")


def _bounded(text: str, variant: str, **resources: Any) -> None:
    @fault("limit_range_violated", variant)
    def _(c: Cluster, app: str) -> None:
        c.container(app)["resources"] = resources
        c.refused(app, text)


_bounded(
    "maximum memory usage per Pod is 1Gi, but limit is 2147483648",
    "of the whole pod",
    requests={"cpu": "1", "memory": "1536Mi"},
    limits={"cpu": "1", "memory": "2Gi"},
)
_bounded(
    "cpu max limit to request ratio per Container is 4, but provided ratio is 10.000000",
    "ratio",
    requests={"cpu": "100m", "memory": "128Mi"},
    limits={"cpu": "1", "memory": "128Mi"},
)
_bounded(
    "minimum cpu usage per Container is 200m. No request is specified",
    "nothing stated",
    limits={"memory": "128Mi"},
)


def _unclaimed(class_id: str, variant: str, hard: dict[str, str], size: str) -> None:
    @fault(class_id, variant)
    def _(c: Cluster, app: str) -> str | None:
        claim, quota = c.word(), c.word()
        for spec in _specs(c, app):
            spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
        if hard:
            used = {name: "1" if name.endswith("claims") else "8Gi" for name in hard}
            status = {"hard": hard, "used": used}
            c.add("resourcequotas", quota, spec={"hard": hard}, status=status)
        if size:
            c.declared.append(
                {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "metadata": {"name": claim, "namespace": c.namespace},
                    "spec": {"resources": {"requests": {"storage": size}}},
                }
            )
        c.unschedulable(app, f'0/3 nodes are available: persistentvolumeclaim "{claim}" not found.')
        return quota if class_id.startswith("quota") else None


_unclaimed("pvc_missing", "claimed by nobody", {}, "")
_unclaimed("pvc_missing", "declared, with room", {"requests.storage": "10Gi"}, "2Gi")
_unclaimed("quota_storage_exceeded", "no room", {"requests.storage": "10Gi"}, "3Gi")
_unclaimed("quota_storage_exceeded", "size unknown", {"requests.storage": "10Gi"}, "")
_unclaimed("quota_storage_exceeded", "no claim more", {"persistentvolumeclaims": "1"}, "1Gi")


def _unit(class_id: str, unit: str, text: str, variant: str) -> None:
    @fault(class_id, variant)
    def _(c: Cluster, app: str) -> str:
        c.extra["node_services"] = {
            f"{c.nodes[0]}/{unit}": "x\n   Active: active (running)",
            f"{c.nodes[1]}/{unit}": f"{unit}.service\n   {text}\n  Main PID: 1",
        }
        return c.nodes[1]


_unit("node_kubelet_unavailable", "kubelet", "Active: inactive (dead) since Mon", "systemd")
_unit("node_runtime_unavailable", "containerd", "Active: failed (Result: exit-code)", "systemd")


@fault("node_kube_proxy_unavailable", "one node reaches nothing")
def _(c: Cluster, app: str) -> str:
    good = [f"deployed on {node}: Connection Succeeded" for node in c.nodes[1:]]
    said = " ".join([f"deployed on {c.nodes[0]}: Connection failed", *good])
    c.extra["service_connectivity"] = {f"service-{n}": said for n in range(4)}
    return c.nodes[0]


@fault("route_backend_mismatch", "in a gateway's configuration")
def _(c: Cluster, app: str) -> None:
    other = c.objects["deployments"][0]["metadata"]["name"]
    text = (
        f"routes:\n- id: {other}\n  uri: lb://{other}\n  predicates: [Path=/{other}/**]\n"
        f"- id: {app}\n  uri: http://{other}.x.svc:80\n  predicates: ['Path=/{app}/**']\n"
    )
    c.add("configmaps", "gateway", kind="ConfigMap", data={"application.yml": text, "a": "b"})
    told = {"url": f"/{app}/list", "entry_service": app, "raw_error": "404 Not Found"}
    c.anomalies.append(json.dumps(told))
