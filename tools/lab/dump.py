"""Writes a case as it is captured: ``alert.json``, ``cluster/``, ``manifests/``, and beside it the answer."""

from __future__ import annotations

import copy
import json
import random
import shutil
import time
from pathlib import Path
from typing import Any

import yaml

from tools.lab.api import CLUSTER_WIDE, GROUPS, Api, root
from tools.lab.live import Live
from tools.lab.scene import App, Obj, Scene
from tools.lab.talk import logs_of

#: Namespaces of the cluster itself that a dump shows, with their kinds.
_SYSTEM = ("pods", "services", "events", "deployments")


def write(live: Live, out: Path) -> Path:
    """One case below ``out``: ``cases/<name>/…`` (its folder is returned) and ``expected/<name>.json``."""
    scene = live.scene
    folder = out / "cases" / scene.name
    shutil.rmtree(folder, ignore_errors=True)
    objects = read(live)
    for where, items in objects.items():
        gone = scene.expired and where == f"{scene.namespace}/events"
        _save(folder / "cluster" / f"{where}.json", [] if gone else items)
    for namespace, pod, stem, lines in () if "logs" in scene.without else logs_of(live, objects):
        path = folder / "cluster" / namespace / pod / f"{stem}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
    if "repository" not in scene.without:
        _repository(folder / "manifests", scene)
    pods = objects[f"{scene.namespace}/pods"]
    (folder / "alert.json").write_text(json.dumps(alert(scene, pods), indent=1) + "\n")
    expected = out / "expected" / f"{scene.name}.json"
    expected.parent.mkdir(parents=True, exist_ok=True)
    expected.write_text(json.dumps(_answer(scene), indent=1) + "\n")
    return folder


def _repository(folder: Path, scene: Scene) -> None:
    """What the deployment repository declares."""
    for app in scene.apps:
        _manifest(folder / f"{app.name}.yaml", app)
    shared = [m for m in scene.before if m["metadata"].get("namespace")]
    if shared:
        _yaml(folder / "namespace.yaml", shared)


def read(live: Live) -> dict[str, list[Obj]]:
    """Items by their place below ``cluster/``."""
    api, scene = live.api, live.scene
    out: dict[str, list[Obj]] = {}
    for version, plurals in CLUSTER_WIDE.items():
        for plural in plurals:
            out[plural] = [
                _clean(o, version)
                for o in api.items(f"{root(version)}/{plural}")
                if _own(scene, plural, o)
            ]
    for namespace in (scene.namespace, *scene.others):
        for version, plurals in GROUPS.items():
            for plural in plurals:
                found = _items(api, version, namespace, plural)
                out[f"{namespace}/{plural}"] = [_clean(o, version) for o in found]
    for version, plurals in GROUPS.items():
        for plural in plurals:
            if plural in _SYSTEM:
                out[f"kube-system/{plural}"] = [
                    _clean(o, version) for o in _items(api, version, "kube-system", plural)
                ]
    return out


def _items(api: Api, version: str, namespace: str, plural: str) -> list[Obj]:
    return api.items(f"{root(version)}/namespaces/{namespace}/{plural}")


def _own(scene: Scene, plural: str, obj: Obj) -> bool:
    """Cluster-scoped objects of other cases stay out."""
    name = obj["metadata"]["name"]
    if plural == "namespaces":
        return name in (scene.namespace, *scene.others, "default", "kube-system")
    if plural in ("persistentvolumes", "storageclasses", "validatingwebhookconfigurations"):
        return name in scene.owned
    return plural != "apiservices" or name.endswith("metrics.k8s.io")


def _clean(obj: Obj, version: str) -> Obj:
    """Without what ``kubectl`` does not show, and secrets' values masked."""
    meta = {k: v for k, v in obj["metadata"].items() if k not in ("managedFields", "selfLink")}
    out = {"apiVersion": version, **obj, "metadata": meta}
    if obj.get("type") and "data" in obj and "involvedObject" not in obj:
        out["data"] = dict.fromkeys(obj["data"] or {}, "REDACTED")
    return out


def _save(path: Path, items: list[Obj]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kinds = {"apiVersion": "v1", "kind": "List", "metadata": {}}
    singular = _KINDS.get(path.stem, "")
    full = [{"kind": singular, **item} if singular else item for item in items]
    path.write_text(json.dumps({**kinds, "items": full}))


_KINDS = {
    "pods": "Pod",
    "services": "Service",
    "endpoints": "Endpoints",
    "events": "Event",
    "configmaps": "ConfigMap",
    "secrets": "Secret",
    "serviceaccounts": "ServiceAccount",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "resourcequotas": "ResourceQuota",
    "limitranges": "LimitRange",
    "deployments": "Deployment",
    "replicasets": "ReplicaSet",
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "jobs": "Job",
    "cronjobs": "CronJob",
    "horizontalpodautoscalers": "HorizontalPodAutoscaler",
    "poddisruptionbudgets": "PodDisruptionBudget",
    "ingresses": "Ingress",
    "networkpolicies": "NetworkPolicy",
    "roles": "Role",
    "rolebindings": "RoleBinding",
    "endpointslices": "EndpointSlice",
    "nodes": "Node",
    "namespaces": "Namespace",
    "persistentvolumes": "PersistentVolume",
    "storageclasses": "StorageClass",
    "apiservices": "APIService",
    "validatingwebhookconfigurations": "ValidatingWebhookConfiguration",
}


def _manifest(path: Path, app: App) -> None:
    workload = app.declared if app.declared is not None else app.workload
    _yaml(path, [*app.extras, *([app.service] if app.service else []), workload])


def _yaml(path: Path, documents: list[Obj]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Deep copies: two documents that share a dict would become an anchor and an alias.
    text = yaml.safe_dump_all([json.loads(json.dumps(d)) for d in documents], sort_keys=False)
    path.write_text(text)


def alert(scene: Scene, pods: list[Obj]) -> dict[str, Any]:
    """The webhook's payload. It tells a symptom, and its tags sometimes name what it is about.

    It comes some minutes after all that: monitors wait before they speak.
    """
    rng = random.Random(f"{scene.seed}/alert")
    tags = [f"kube_namespace:{scene.namespace}"] if scene.placed else []
    tags += [_tag(scene.subject, pods)] if scene.subject else []
    number, now = rng.randrange(10**7, 10**9), int((time.time() + 60 * rng.randint(6, 15)) * 1000)
    return {
        "id": str(rng.randrange(10**12, 10**13)),
        "event_type": "query_alert_monitor",
        "title": f"[Triggered] {scene.title}",
        "body": f"%%%\n{scene.title}\n%%%",
        "alert_id": str(number),
        "alert_title": f"[Triggered] {scene.title}",
        "alert_status": scene.title,
        "alert_transition": "Triggered",
        "alert_type": "error",
        "alert_cycle_key": str(rng.randrange(10**12, 10**13)),
        "alert_scope": ",".join(tags),
        "alert_metric": "",
        "alert_query": "",
        "aggreg_key": f"{rng.getrandbits(48):012x}",
        "priority": "normal",
        "hostname": "",
        "date": now,
        "last_updated": now,
        "org": {"id": "1", "name": "lab"},
        "link": f"https://app.datadoghq.com/monitors/{number}",
        "tags": [*tags, "kube_cluster_name:lab", "env:lab"],
        "anomalies": [],
    }


def _tag(subject: str, pods: list[Obj]) -> str:
    """``pod_name`` with a pod of the application, the unready first; the service where it has none."""
    key, _, name = subject.partition(":")
    if key != "pod_name":
        return subject
    mine = [p for p in pods if p["metadata"]["name"].startswith(f"{name}-")]
    mine.sort(
        key=lambda p: any(
            c["type"] == "Ready" and c["status"] == "True"
            for c in (p.get("status") or {}).get("conditions") or []
        )
    )
    return f"pod_name:{mine[0]['metadata']['name']}" if mine else f"service:{name}"


def _answer(scene: Scene) -> dict[str, Any]:
    answer = copy.copy(scene.answer)
    assert answer is not None
    family, _, _ = scene.family.partition("/")
    return {
        "case": scene.name,
        "category": family,
        "namespace": scene.namespace,
        "query": scene.title,
        "fault_object": answer.object,
        "root_cause": label(answer.failure_class),
        "failure_class": answer.failure_class,
        "status": answer.status,
        "evidence": answer.evidence,
        "notes": scene.notes,
        "seed": scene.seed,
        "synthetic": "kubelet status, events and logs of pods; every other object and event was written by Kubernetes' own programs",
    }


def label(failure_class: str) -> str:
    """The label that a class counts as in the eval."""
    from tools.evaluation.score import labels_of

    path = Path(__file__).parents[2] / "tools" / "evaluation" / "mapping.json"
    return min(labels_of(json.loads(path.read_text())["classes"], failure_class))
