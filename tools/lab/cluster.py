"""One control plane with its nodes, system pods, simulated kubelets and the servers it calls."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from manifests.objects import quantities
from tools.lab import fleet as nodes
from tools.lab.api import Api, NotServed
from tools.lab.apps import deployment
from tools.lab.dump import write
from tools.lab.live import Live, Unsettled, run
from tools.lab.nodes_agent import Kubelets
from tools.lab.repair import release, repaired
from tools.lab.scene import Fleet, Obj, Scene
from tools.lab.serving import authority, serving
from tools.realparts.kubernetes import ControlPlane, control_plane

#: Cases that run at once; each mostly waits.
_AT_ONCE = 12
_CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemonset-controller",
    "job-controller",
    "cronjob-controller",
    "resourcequota-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "garbage-collector-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "disruption-controller",
    "persistentvolume-binder-controller",
    "horizontal-pod-autoscaler-controller",
    "persistentvolumeclaim-protection-controller",
)
_SERVER = (
    "--service-cluster-ip-range=10.96.0.0/16",
    "--max-requests-inflight=2000",
    "--max-mutating-requests-inflight=1000",
    "--event-ttl=3h",
    "--allow-privileged=true",
)
_CONTROLLER_FLAGS = (
    f"--controllers={','.join(_CONTROLLERS)}",
    "--kube-api-qps=1000",
    "--kube-api-burst=2000",
    "--horizontal-pod-autoscaler-sync-period=2s",
    "--horizontal-pod-autoscaler-initial-readiness-delay=1s",
    "--horizontal-pod-autoscaler-cpu-initialization-period=1s",
    "--pvclaimbinder-sync-period=3s",
)
_SCHEDULER_FLAGS = ("--kube-api-qps=1000", "--kube-api-burst=2000")


@dataclass
class Cluster:
    """A running cluster and the cases on it."""

    plane: ControlPlane
    api: Api
    fleet: Fleet
    kubelets: Kubelets
    scenes: dict[str, Scene]
    port: int = 0
    failures: list[str] = field(default_factory=list)

    def play(self, scenes: list[Scene], out: Path, *, repair: bool = False) -> list[Scene]:
        """Runs the cases side by side and dumps each; those that did not settle are named in ``failures``.

        With ``repair`` the proposed change of each is applied, and what came of it stands in ``repairs/``.
        """
        for scene in scenes:
            self.scenes |= dict.fromkeys((scene.namespace, *scene.others), scene)
            self._point_webhooks(scene)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            done = list(pool.map(lambda scene: self._one(scene, out, repair=repair), scenes))
        return [scene for scene, ok in zip(scenes, done, strict=True) if ok]

    def _one(self, scene: Scene, out: Path, *, repair: bool) -> bool:
        live = Live(scene, self.api, self.kubelets)
        try:
            run(live)
            folder = write(live, out)
            if repair and scene.family != "two":
                path = out / "repairs" / f"{scene.name}.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(repaired(live, folder)))
                release(live)
        except (Unsettled, NotServed) as trouble:
            self.failures.append(f"{scene.name} ({'; '.join(scene.notes)}): {trouble}")
            return False
        return True

    def _point_webhooks(self, scene: Scene) -> None:
        """Port 0 in a webhook's address means the lab's own server."""
        for manifest in scene.before:
            for hook in manifest.get("webhooks", ()):
                url = hook["clientConfig"].get("url", "")
                if ":0/" in url:
                    hook["clientConfig"]["url"] = url.replace(":0/", f":{self.port}/")
                    hook["clientConfig"]["caBundle"] = authority(self.plane)


@contextmanager
def cluster(seed: int) -> Iterator[Cluster]:
    """Starts one, ready for cases. Raises Unbuildable where the servers cannot be had."""
    scenes: dict[str, Scene] = {}
    with (
        tempfile.TemporaryDirectory(prefix="lab-") as place,
        control_plane(
            Path(place),
            controllers=True,
            scheduler=True,
            service_accounts=True,
            extra=_SERVER,
            controller_flags=_CONTROLLER_FLAGS,
            scheduler_flags=_SCHEDULER_FLAGS,
        ) as plane,
    ):
        api = Api(plane)
        made = nodes.fleet(random.Random(f"{seed}/fleet"))
        kubelets = Kubelets(api, scenes)
        with serving(plane, lambda space: _metrics(api, scenes, space)) as port:
            kubelets.start()
            nodes.deploy(api, made)
            _system(api, port)
            try:
                yield Cluster(plane, api, made, kubelets, scenes, port)
            finally:
                kubelets.stop()
        api.close()


def _system(api: Api, port: int) -> None:
    """Cluster DNS, and the metrics API as an aggregated one."""
    labels = {"k8s-app": "kube-dns"}
    container: Obj = {
        "name": "coredns",
        "image": "registry.k8s.io/coredns/coredns:v1.12.1",
        "ports": [{"name": "dns", "containerPort": 53, "protocol": "UDP"}],
    }
    api.create(deployment("coredns", "kube-system", labels, {"containers": [container]}, 2))
    dns: Obj = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": labels},
        "spec": {
            "selector": labels,
            "clusterIP": "10.96.0.10",
            "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}],
        },
    }
    api.create(dns)
    api.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "metrics-server", "namespace": "kube-system"},
            "spec": {
                "type": "ExternalName",
                "externalName": "localhost",
                "ports": [{"port": port}],
            },
        }
    )
    api.create(
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "insecureSkipTLSVerify": True,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "service": {"name": "metrics-server", "namespace": "kube-system", "port": port},
            },
        }
    )


def _metrics(api: Api, scenes: dict[str, Scene], space: str) -> list[Obj]:
    """Usage of pods whose case says how busy they are."""
    scene = scenes.get(space)
    if scene is None:
        return []
    out = []
    try:
        pods = api.items(f"/api/v1/namespaces/{space}/pods")
    except (httpx.HTTPError, RuntimeError):  # the cluster is closing
        return []
    for pod in pods:
        name = pod["metadata"]["name"]
        percent = next((p for app, p in scene.usage.items() if name.startswith(f"{app}-")), None)
        if percent is not None:
            out.append(_measured(pod, percent))
    return out


def _measured(pod: Obj, percent: int) -> Obj:
    meta = pod["metadata"]
    containers = []
    for one in pod["spec"]["containers"]:
        asked = one.get("resources", {}).get("requests", {})
        cores = float(quantities.parse(str(asked.get("cpu", "100m")))) * percent / 100
        size = float(quantities.parse(str(asked.get("memory", "64Mi")))) * percent / 100
        containers.append(
            {
                "name": one["name"],
                "usage": {"cpu": f"{int(cores * 1e9)}n", "memory": f"{int(size / 1024)}Ki"},
            }
        )
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": meta.get("labels", {}),
        },
        "timestamp": now,
        "window": "30s",
        "containers": containers,
    }
