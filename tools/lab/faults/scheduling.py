"""Pods that find no node or no volume. The scheduler and the volume controller say it themselves."""

from __future__ import annotations

from tools.lab.faults import fault
from tools.lab.scene import App, Obj, Scene


def unplaced(scene: Scene, app: App, words: str) -> None:
    """The scheduler says these words about the application's pods."""
    scene.broken.add(app.name)
    scene.visible.append(lambda live: live.said(app, "FailedScheduling", words))


def _label(node: Obj, key: str) -> str:
    return str(node["metadata"]["labels"][key])


@fault("scheduling", "insufficient_cpu", outage=True, kinds=("StatefulSet",))
def cpu(scene: Scene, app: App) -> str:
    """One pod asks for more CPU than any node has."""
    unplaced(scene, app, "Insufficient cpu")
    asked = scene.pick(("20", "24", "32", "64000m", "120"))
    app.container["resources"] = {"requests": {"cpu": asked, "memory": "64Mi"}}
    _maybe_pinned(scene, app)
    return ""


@fault("scheduling", "insufficient_memory", outage=True, kinds=("StatefulSet",))
def memory(scene: Scene, app: App) -> str:
    """One pod asks for more memory than any node has."""
    unplaced(scene, app, "Insufficient memory")
    asked = scene.pick(("96Gi", "128Gi", "300G", "131072Mi"))
    app.container["resources"] = {
        "requests": {"cpu": "50m", "memory": asked},
        "limits": {"memory": asked},
    }
    _maybe_pinned(scene, app)
    return ""


def _maybe_pinned(scene: Scene, app: App) -> None:
    """It may also want the ordinary pool: other nodes are then excluded for another reason."""
    if scene.rng.random() < 0.4:
        app.spec["nodeSelector"] = {"pool": _label(scene.fleet.workers[0], "pool")}


@fault("scheduling", "node_selector_mismatch", outage=True, kinds=("StatefulSet",))
def node_selector(scene: Scene, app: App) -> str:
    """The nodeSelector names a label, or a value, that no node has."""
    unplaced(scene, app, "node affinity/selector")
    pool = _label(scene.fleet.workers[0], "pool")
    app.spec["nodeSelector"] = scene.pick(
        (
            {"pool": scene.words.misspelt(pool)},
            {"disktype": "ssd"},
            {f"{scene.words.word()}.example.com/class": "fast"},
            {"kubernetes.io/hostname": scene.words.word()},
            {"pool": pool, "topology.kubernetes.io/zone": scene.words.word()},
        )
    )
    return ""


def _required(*expressions: Obj) -> Obj:
    terms = [{"matchExpressions": list(expressions)}]
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}
        }
    }


@fault("scheduling", "node_affinity_mismatch", outage=True, kinds=("StatefulSet",))
def node_affinity(scene: Scene, app: App) -> str:
    """The required node affinity fits no node."""
    unplaced(scene, app, "node affinity/selector")
    zone = scene.words.misspelt(scene.fleet.zones[0])
    app.spec["affinity"] = scene.pick(
        (
            _required({"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}),
            _required({"key": scene.words.word(), "operator": "Exists"}),
            _required({"key": "kubernetes.io/arch", "operator": "NotIn", "values": ["amd64"]}),
            _required(
                {
                    "key": "pool",
                    "operator": "In",
                    "values": [scene.words.word(), scene.words.word()],
                }
            ),
        )
    )
    return ""


def _pod_rule(labels: dict[str, str], key: str) -> list[Obj]:
    return [{"labelSelector": {"matchLabels": labels}, "topologyKey": key}]


@fault("scheduling", "pod_affinity_mismatch", outage=True, kinds=("StatefulSet",))
def pod_affinity(scene: Scene, app: App) -> str:
    """It must stand beside a pod that is not there."""
    unplaced(scene, app, "didn't match pod affinity")
    labels = {next(iter(app.template["metadata"]["labels"])): scene.words.app()}
    rules = _pod_rule(labels, scene.pick(("kubernetes.io/hostname", "topology.kubernetes.io/zone")))
    app.spec["affinity"] = {
        "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": rules}
    }
    return ""


@fault("scheduling", "pod_anti_affinity_conflict")
def pod_anti_affinity(scene: Scene, app: App) -> str:
    """More replicas than nodes, or zones, may hold one of."""
    unplaced(scene, app, "anti-affinity")
    key = scene.pick(("kubernetes.io/hostname", "topology.kubernetes.io/zone"))
    places = len(scene.fleet.workers) if key.endswith("hostname") else 2
    app.workload["spec"]["replicas"] = places + scene.rng.randint(1, 2)
    rules = _pod_rule(dict(app.template["metadata"]["labels"]), key)
    app.spec["affinity"] = {
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": rules}
    }
    return ""


@fault("scheduling", "taint_not_tolerated", outage=True, kinds=("StatefulSet",))
def taint(scene: Scene, app: App) -> str:
    """It is pinned to a tainted pool without the toleration, or with a wrong one."""
    unplaced(scene, app, "untolerated taint")
    node = scene.pick(scene.fleet.tainted)
    app.spec["nodeSelector"] = {"pool": _label(node, "pool")}
    if scene.rng.random() < 0.4:
        given = node["spec"]["taints"][0]
        wrong = {**given, "value": scene.words.misspelt(given["value"]), "operator": "Equal"}
        app.spec["tolerations"] = [wrong]
    return ""


@fault("scheduling", "node_cordoned", outage=True, kinds=("StatefulSet",))
def cordon(scene: Scene, app: App) -> str:
    """It is pinned to nodes that are all cordoned."""
    unplaced(scene, app, "were unschedulable")
    pool = {"pool": _label(scene.fleet.cordoned[0], "pool")}
    app.spec["nodeSelector"] = pool
    if scene.rng.random() < 0.4:
        app.spec.pop("nodeSelector")
        app.spec["affinity"] = _required(
            {"key": "pool", "operator": "In", "values": [pool["pool"]]}
        )
    return ""


@fault("scheduling", "topology_spread_unsatisfied")
def spread(scene: Scene, app: App) -> str:
    """The third zone has only nodes that it may not use, or no node has the key."""
    unplaced(scene, app, "topology spread constraints")
    key = scene.pick(
        ("topology.kubernetes.io/zone", "topology.kubernetes.io/zone", f"{scene.words.word()}/rack")
    )
    app.workload["spec"]["replicas"] = max(4, app.replicas)
    rule = {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": dict(app.template["metadata"]["labels"])},
    }
    app.spec["topologySpreadConstraints"] = [rule]
    return ""


@fault("scheduling", "host_port_conflict")
def host_port(scene: Scene, app: App) -> str:
    """More replicas than nodes with that port free."""
    unplaced(scene, app, "free ports")
    app.workload["spec"]["replicas"] = len(scene.fleet.workers) + 1
    app.container["ports"][0]["hostPort"] = scene.rng.randint(20000, 60000)
    if scene.rng.random() < 0.5:
        app.workload["spec"]["replicas"] = 2
        name = _label(scene.pick(scene.fleet.workers), "kubernetes.io/hostname")
        app.spec["nodeSelector"] = {"kubernetes.io/hostname": name}
    return ""


@fault("scheduling", "too_many_pods", outage=True, kinds=("StatefulSet",))
def full_node(scene: Scene, app: App) -> str:
    """It is pinned to a node that holds all the pods it may."""
    unplaced(scene, app, "Too many pods")
    app.spec["nodeSelector"] = {"pool": _label(scene.fleet.full, "pool")}
    return ""


def _claim(scene: Scene, app: App, spec: Obj) -> Obj:
    name = scene.pick((f"{app.name}-data", f"data-{app.name}", scene.words.word()))
    claim: Obj = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": scene.namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "5Gi"}},
            **spec,
        },
    }
    _mount(app, name)
    app.extras.append(claim)
    return claim


def _mount(app: App, claim: str) -> None:
    app.workload["spec"]["replicas"] = 1
    app.spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    app.container["volumeMounts"] = [{"name": "data", "mountPath": "/var/lib/data"}]


def _volume(scene: Scene, storage_class: str, **spec: object) -> Obj:
    """A volume of this case, and its class."""
    name = f"pv-{scene.words.word()}"
    scene.owned |= {name, storage_class}
    kinds = [m["metadata"]["name"] for m in scene.before]
    if storage_class not in kinds:
        scene.before.append(
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {"name": storage_class},
                "provisioner": "kubernetes.io/no-provisioner",
                "volumeBindingMode": "Immediate",
            }
        )
    volume: Obj = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": {"disk": scene.words.word()}},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": storage_class,
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": f"/mnt/{name}"},
            **spec,
        },
    }
    scene.before.append(volume)
    return volume


def _unbound(scene: Scene, app: App) -> str:
    unplaced(scene, app, "PersistentVolumeClaim")
    return f"{scene.words.word()}-disk"


@fault("scheduling", "pvc_missing", outage=True)
def claim_missing(scene: Scene, app: App) -> str:
    """The pods mount a claim that is not there."""
    unplaced(scene, app, "not found")
    _mount(app, f"{app.name}-data")
    return ""


@fault("scheduling", "pvc_storage_class_mismatch", outage=True)
def claim_class(scene: Scene, app: App) -> str:
    """The claim's class does not exist, or is not the free volume's."""
    name = _unbound(scene, app)
    _volume(scene, name)
    other = scene.words.misspelt(name)
    if scene.rng.random() < 0.4:  # it exists, and has no volume
        extra = f"{scene.words.word()}-slow"
        scene.owned.add(extra)
        scene.before.append(
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {"name": extra},
                "provisioner": "kubernetes.io/no-provisioner",
                "volumeBindingMode": "Immediate",
            }
        )
        other = extra
    _claim(scene, app, {"storageClassName": other})
    return ""


@fault("scheduling", "pvc_capacity_mismatch", outage=True)
def claim_capacity(scene: Scene, app: App) -> str:
    """The claim asks for more than the free volume holds."""
    name = _unbound(scene, app)
    _volume(scene, name)
    size = scene.pick(("11Gi", "20Gi", "500Gi", "1Ti"))
    _claim(scene, app, {"storageClassName": name, "resources": {"requests": {"storage": size}}})
    return ""


@fault("scheduling", "pvc_access_mode_mismatch", outage=True)
def claim_mode(scene: Scene, app: App) -> str:
    """The claim wants to be shared, the free volume cannot be."""
    name = _unbound(scene, app)
    _volume(scene, name)
    mode = scene.pick(("ReadWriteMany", "ReadOnlyMany"))
    _claim(scene, app, {"storageClassName": name, "accessModes": [mode]})
    return ""


@fault("scheduling", "pvc_selector_mismatch", outage=True)
def claim_selector(scene: Scene, app: App) -> str:
    """The claim's selector fits no free volume."""
    name = _unbound(scene, app)
    volume = _volume(scene, name)
    label = volume["metadata"]["labels"]["disk"]
    _claim(
        scene,
        app,
        {
            "storageClassName": name,
            "selector": {"matchLabels": {"disk": scene.words.misspelt(label)}},
        },
    )
    return ""


@fault("scheduling", "pv_bound_elsewhere", outage=True)
def volume_taken(scene: Scene, app: App) -> str:
    """The volume that fits serves another claim, or is kept for one."""
    name = _unbound(scene, app)
    volume = _volume(scene, name)
    rival = scene.words.word()
    if scene.rng.random() < 0.5:  # kept for a claim that is gone
        volume["spec"]["claimRef"] = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": scene.namespace,
            "name": rival,
        }
    else:
        scene.before.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": rival, "namespace": scene.namespace},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "8Gi"}},
                    "storageClassName": name,
                    "volumeName": volume["metadata"]["name"],
                },
            }
        )
        app.late = True
        scene.bound_first.append(rival)
    _claim(scene, app, {"storageClassName": name})
    return ""


@fault("scheduling", "volume_node_conflict", outage=True)
def volume_elsewhere(scene: Scene, app: App) -> str:
    """Its volume is on one node, its selector wants another."""
    unplaced(scene, app, "PersistentVolume's node affinity")
    name = f"{scene.words.word()}-local"
    here, there = scene.rng.sample(scene.fleet.workers, 2)
    term = {
        "key": "kubernetes.io/hostname",
        "operator": "In",
        "values": [_label(here, "kubernetes.io/hostname")],
    }
    _volume(
        scene,
        name,
        nodeAffinity={"required": {"nodeSelectorTerms": [{"matchExpressions": [term]}]}},
    )
    _claim(scene, app, {"storageClassName": name})
    app.spec["nodeSelector"] = {"kubernetes.io/hostname": _label(there, "kubernetes.io/hostname")}
    return ""


@fault("scheduling", "insufficient_resource", outage=True, kinds=("StatefulSet",))
def extended(scene: Scene, app: App) -> str:
    """The pods want a device that no node has, or more scratch disk."""
    what, much = scene.pick(
        (
            ("nvidia.com/gpu", "1"),
            (f"{scene.words.word()}.example.com/fpga", "2"),
            ("ephemeral-storage", "900Gi"),
        )
    )
    unplaced(scene, app, f"Insufficient {what}")
    app.container["resources"]["limits"][what] = much
    app.container["resources"]["requests"][what] = much
    return ""


@fault("scheduling", "scheduler_unknown", outage=True)
def scheduler(scene: Scene, app: App) -> str:
    """The pods want a scheduler that does not run."""
    scene.broken.add(app.name)
    app.spec["schedulerName"] = f"{scene.words.word()}-scheduler"
    scene.visible.append(lambda live: len(live.pods(app)) >= app.replicas)
    return ""


@fault("scheduling", "scheduling_gated", outage=True, kinds=("StatefulSet",))
def gated(scene: Scene, app: App) -> str:
    """A scheduling gate that nobody lifts."""
    scene.broken.add(app.name)
    app.spec["schedulingGates"] = [{"name": f"{scene.words.word()}.example.com/quota"}]
    scene.visible.append(lambda live: len(live.pods(app)) >= app.replicas)
    return ""


@fault("scheduling", "volume_limit_reached", outage=True)
def volume_limit(scene: Scene, app: App) -> str:
    """The nodes hold as many volumes of that driver as they may."""
    unplaced(scene, app, "exceed max volume count")
    name = f"{scene.words.word()}-block"
    volume = _volume(scene, name)
    volume["spec"].pop("hostPath")
    volume["spec"]["csi"] = {"driver": scene.fleet.driver, "volumeHandle": scene.words.word()}
    _claim(scene, app, {"storageClassName": name})
    return ""


@fault("scheduling", "pvc_storage_class_mismatch", outage=True)
def template_class(scene: Scene, app: App) -> str:
    """A StatefulSet's claims name a class that does not exist."""
    unplaced(scene, app, "unbound immediate PersistentVolumeClaims")
    known = f"{scene.words.word()}-disk"
    _volume(scene, known)
    asked = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "2Gi"}},
        "storageClassName": scene.words.misspelt(known),
    }
    app.workload["kind"] = "StatefulSet"
    app.workload["spec"] |= {
        "serviceName": app.name,
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": asked}],
    }
    app.container["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    return ""
