"""Pods and objects that the API server refuses. Every word of it is the server's own."""

from __future__ import annotations

from manifests.objects import quantities
from tools.lab.faults import ANY, fault
from tools.lab.scene import App, Obj, Scene


def refused(scene: Scene, app: App, words: str) -> None:
    """The application's pods are refused with these words; it comes last."""
    app.late = True
    scene.broken.add(app.name)
    scene.visible.append(lambda live: live.said(app, "FailedCreate", words))


def _quota(scene: Scene, hard: dict[str, str]) -> str:
    name = scene.pick(("quota", "limits", scene.words.word(), f"{scene.namespace}-quota"))
    scene.before.append(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": name, "namespace": scene.namespace},
            "spec": {"hard": hard},
        }
    )
    return f"namespace/{scene.namespace}"


def _sum(apps: list[App], kind: str, resource: str) -> float:
    return sum(
        a.replicas * float(quantities.parse(c["resources"][kind][resource]))
        for a in apps
        for c in a.spec["containers"]
    )


def _room(scene: Scene, app: App, kind: str, resource: str) -> float:
    """What the others use and part of what this one wants."""
    others = _sum([a for a in scene.apps if a is not app], kind, resource)
    return others + _sum([app], kind, resource) * scene.rng.uniform(0.1, 0.9)


@fault("admission", "quota_cpu_exceeded", alone=True)
def quota_cpu(scene: Scene, app: App) -> str:
    """The namespace's CPU quota has no room for the last application."""
    refused(scene, app, "exceeded quota")
    kind, key = scene.pick(
        (("requests", "requests.cpu"), ("limits", "limits.cpu"), ("requests", "cpu"))
    )
    milli = int(_room(scene, app, kind, "cpu") * 1000)
    return _quota(scene, {key: f"{milli}m", **_plenty(scene, key)})


@fault("admission", "quota_memory_exceeded", alone=True)
def quota_memory(scene: Scene, app: App) -> str:
    """The namespace's memory quota has no room for the last application."""
    refused(scene, app, "exceeded quota")
    kind, key = scene.pick((("requests", "requests.memory"), ("limits", "limits.memory")))
    mebi = int(_room(scene, app, kind, "memory") / 2**20)
    return _quota(scene, {key: f"{mebi}Mi", **_plenty(scene, key)})


def _plenty(scene: Scene, but: str) -> dict[str, str]:
    """Other limits of the same quota that nobody reaches."""
    rest = {"requests.cpu": "40", "limits.memory": "64Gi", "pods": "80", "services": "40"}
    keys = scene.rng.sample(sorted(rest), scene.rng.randint(0, 2))
    return {k: rest[k] for k in keys if k != but and not (k == "requests.cpu" and but == "cpu")}


@fault("admission", "quota_pods_exceeded", alone=True)
def quota_pods(scene: Scene, app: App) -> str:
    """Fewer pods are allowed than asked for."""
    refused(scene, app, "exceeded quota")
    others = sum(a.replicas for a in scene.apps if a is not app)
    room = scene.rng.randrange(app.replicas)
    return _quota(scene, {scene.pick(("pods", "count/pods")): str(others + room)})


@fault("admission", "quota_services_exceeded", alone=True, outage=True)
def quota_services(scene: Scene, app: App) -> str:
    """The application's Service is refused; its callers do not find it."""
    app.late = True
    others = sum(a.service is not None for a in scene.apps if a is not app)
    if not any(app.name in a.calls.values() for a in scene.apps):
        from tools.lab.apps import connect

        connect(scene, next(a for a in scene.apps if a is not app), app)
    return _quota(scene, {scene.pick(("services", "count/services")): str(others)})


@fault("admission", "quota_objects_exceeded", alone=True, outage=True)
def quota_replicasets(scene: Scene, app: App) -> str:
    """No ReplicaSet may be made for the last application."""
    app.late = True
    scene.broken.add(app.name)
    scene.visible.append(lambda live: live.said(app, "ReplicaSetCreateError", "exceeded quota"))
    return _quota(
        scene,
        {
            "count/replicasets.apps": str(
                sum(a is not app and a.workload["kind"] == "Deployment" for a in scene.apps)
            )
        },
    )


@fault("admission", "quota_storage_exceeded", alone=True, outage=True)
def quota_storage(scene: Scene, app: App) -> str:
    """The application's claim is refused, its pods wait for it."""
    app.late = True
    scene.broken.add(app.name)
    size = scene.rng.randint(5, 40)
    claim: Obj = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"{app.name}-data", "namespace": scene.namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": f"{size}Gi"}},
        },
    }
    app.extras.append(claim)
    app.spec["volumes"] = [
        {"name": "data", "persistentVolumeClaim": {"claimName": f"{app.name}-data"}}
    ]
    app.container["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    scene.visible.append(lambda live: live.said(app, "FailedScheduling", "not found"))
    hard = (
        {"requests.storage": f"{max(1, size - 3)}Gi"}
        if scene.rng.random() < 0.6
        else {"persistentvolumeclaims": "0"}
    )
    return _quota(scene, hard)


@fault("admission", "quota_needs_values", alone=True, outage=True)
def quota_needs_values(scene: Scene, app: App) -> str:
    """A quota demands a limit that the containers do not state."""
    refused(scene, app, "failed quota")
    kind, resource = scene.pick((("limits", "memory"), ("requests", "cpu"), ("limits", "cpu")))
    _quota(scene, {f"{kind}.{resource}": "200" if resource == "cpu" else "200Gi"})
    app.container["resources"][kind].pop(resource)
    if kind == "requests":  # a limit alone would stand in for the request
        app.container["resources"]["limits"].pop(resource)
    return ""


@fault("admission", "limit_range_violated", alone=True, outage=True)
def limit_range(scene: Scene, app: App) -> str:
    """The container asks for more, or less, than the LimitRange allows."""
    way = scene.pick(("max", "min", "pod"))
    words = {
        "max": "usage per Container is",
        "min": "usage per Container is",
        "pod": "usage per Pod is",
    }
    refused(scene, app, words[way])
    limits = app.container["resources"]["limits"]
    most = max(_sum([a], "limits", "memory") / a.replicas for a in scene.apps) / 2**20
    item: Obj = {"type": "Pod" if way == "pod" else "Container"}
    if way == "min":
        item["min"] = {"memory": "12Mi"}
        app.container["resources"]["requests"]["memory"] = "8Mi"
    else:
        item["max"] = {"memory": f"{int(most)}Mi"}
        limits["memory"] = f"{int(most) + scene.rng.choice((64, 256, 1024))}Mi"
    scene.before.append(
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": scene.words.word(), "namespace": scene.namespace},
            "spec": {"limits": [item]},
        }
    )
    return ""


@fault("admission", "missing_service_account", outage=True, kinds=ANY)
def service_account(scene: Scene, app: App) -> str:
    """The pods name an account that is not there."""
    refused(scene, app, "error looking up service account")
    name = app.name if scene.rng.random() < 0.5 else scene.words.word()
    if scene.rng.random() < 0.6:  # the right account exists under another spelling
        app.extras.append(
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": name, "namespace": scene.namespace},
            }
        )
        name = scene.words.misspelt(name)
    app.spec["serviceAccountName"] = name
    return ""


@fault("admission", "pod_security_violation", alone=True, outage=True)
def pod_security(scene: Scene, app: App) -> str:
    """The namespace enforces a Pod Security level that the application breaks."""
    refused(scene, app, "violates PodSecurity")
    level = scene.pick(("restricted", "baseline"))
    scene.labels["pod-security.kubernetes.io/enforce"] = level
    for one in scene.apps:
        one.spec["securityContext"] = {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        for container in one.spec["containers"]:
            container["securityContext"] = {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }
    way = (
        scene.pick(("privileged", "host", "port"))
        if level == "baseline"
        else scene.pick(("root", "caps", "privileged"))
    )
    if way == "privileged":
        app.container["securityContext"] = {"privileged": True}
    elif way == "host":
        app.spec["hostNetwork"] = True
    elif way == "port":
        app.spec["volumes"] = [{"name": "logs", "hostPath": {"path": "/var/log"}}]
    elif way == "root":
        app.spec.pop("securityContext")
    else:
        app.container.pop("securityContext")
    return ""


def webhook(scene: Scene, app: App, client: Obj) -> None:
    """A validating webhook on this namespace's pods; it comes before the application."""
    name = f"{scene.words.word()}.{scene.words.word()}.example.com"
    hook: Obj = {
        "name": name,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Fail",
        "timeoutSeconds": 2,
        "clientConfig": client,
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": scene.namespace}},
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["pods"],
            }
        ],
        "objectSelector": {"matchLabels": app.template["metadata"]["labels"]},
    }
    scene.owned.add(name)
    scene.before.append(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [hook],
        }
    )


@fault("admission", "webhook_unavailable", outage=True, kinds=ANY)
def webhook_down(scene: Scene, app: App) -> str:
    """The webhook's server is not there, or nothing listens."""
    refused(scene, app, "failed calling webhook")
    service = {
        "service": {
            "namespace": scene.pick(("kube-system", scene.namespace)),
            "name": scene.words.word(),
            "path": "/validate",
        }
    }
    webhook(
        scene,
        app,
        scene.pick((service, {"url": f"https://127.0.0.1:{scene.rng.randint(1, 900)}/validate"})),
    )
    return ""


@fault("admission", "webhook_refused", outage=True, kinds=ANY)
def webhook_refuses(scene: Scene, app: App) -> str:
    """The webhook's server says no."""
    refused(scene, app, "denied the request")
    why = scene.pick(("label-team-is-required", "image-is-not-signed", "tag-latest-is-not-allowed"))
    webhook(scene, app, {"url": f"https://127.0.0.1:0/{why}"})
    return ""


@fault("admission", "priority_class_missing", outage=True, kinds=ANY)
def priority_class(scene: Scene, app: App) -> str:
    """The pods name a PriorityClass that is not there."""
    refused(scene, app, "no PriorityClass with name")
    app.spec["priorityClassName"] = f"{scene.words.word()}-priority"
    return ""


@fault("admission", "runtime_class_missing", outage=True, kinds=ANY)
def runtime_class(scene: Scene, app: App) -> str:
    """The pods name a RuntimeClass that is not there."""
    refused(scene, app, "RuntimeClass")
    app.spec["runtimeClassName"] = scene.pick(("gvisor", "kata", scene.words.word()))
    return ""


@fault("admission", "pod_spec_invalid", alone=True, outage=True)
def invalid_by_default(scene: Scene, app: App) -> str:
    """The LimitRange's default limit is below what the container requests."""
    refused(scene, app, "must be less than or equal to memory limit")
    item = {"type": "Container", "default": {"memory": "96Mi"}}
    app.container["resources"] = {
        "requests": {"cpu": "20m", "memory": f"{scene.pick((128, 256, 512))}Mi"}
    }
    scene.before.append(
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": scene.words.word(), "namespace": scene.namespace},
            "spec": {"limits": [item]},
        }
    )
    return ""
