"""Too few pods on purpose, or by an autoscaler. The autoscaler is real, the metrics it reads are made up."""

from __future__ import annotations

import json

from tools.lab.faults import fault
from tools.lab.live import Live
from tools.lab.scene import App, Obj, Scene, Visible


@fault("scaling", "zero_replicas", outage=True)
def zero(scene: Scene, app: App) -> str:
    """Somebody scaled it to zero by hand; the repository still wants pods."""
    app.declared = json.loads(json.dumps(app.workload))
    if scene.rng.random() < 0.3:
        app.declared["spec"].pop("replicas")
    app.workload["spec"]["replicas"] = 0
    return ""


def _scaler(scene: Scene, app: App, least: int, most: int, percent: int) -> Obj:
    metric = {
        "type": "Resource",
        "resource": {
            "name": "cpu",
            "target": {"type": "Utilization", "averageUtilization": percent},
        },
    }
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": app.name}
    scaler: Obj = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": scene.pick((app.name, f"{app.name}-hpa")),
            "namespace": scene.namespace,
        },
        "spec": {
            "scaleTargetRef": target,
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [metric],
        },
    }
    app.extras.append(scaler)
    return scaler


def _condition(scaler: str, kind: str, status: str, reason: str) -> Visible:
    def visible(live: Live) -> bool:
        for found in live.items("autoscaling/v2", "horizontalpodautoscalers"):
            if found["metadata"]["name"] == scaler:
                conditions = (found.get("status") or {}).get("conditions") or []
                return any(
                    (c["type"], c["status"], c["reason"]) == (kind, status, reason)
                    for c in conditions
                )
        return False

    return visible


@fault("scaling", "autoscaler_at_ceiling")
def ceiling(scene: Scene, app: App) -> str:
    """It is at its maximum and still above the target."""
    scene.title = scene.pick(
        ("CPU of {app} is high for 15 minutes", "{app}: latency above threshold")
    )
    most = app.replicas + scene.rng.randint(1, 2)
    target = scene.pick((50, 60, 70, 80))
    scaler = _scaler(scene, app, scene.pick((1, app.replicas)), most, target)
    scene.usage[app.name] = target + scene.rng.randint(45, 220)
    app.workload["spec"].pop("replicas")
    scene.broken.add(app.name)
    scene.visible.append(
        _condition(scaler["metadata"]["name"], "ScalingLimited", "True", "TooManyReplicas")
    )
    scene.visible.append(lambda live: _serving(live, app, most))
    return ""


def _serving(live: Live, app: App, most: int) -> bool:
    for scaler in live.items("autoscaling/v2", "horizontalpodautoscalers"):
        target = scaler["spec"]["scaleTargetRef"]["name"]
        if target == app.name and (scaler.get("status") or {}).get("currentReplicas") != most:
            return False
    found = {d["metadata"]["name"]: d for d in live.items("apps/v1", "deployments")}
    return bool(((found.get(app.name) or {}).get("status") or {}).get("readyReplicas") == most)


@fault("scaling", "autoscaler_without_metrics")
def no_request(scene: Scene, app: App) -> str:
    """The container states no CPU request: utilisation cannot be computed."""
    scene.title = "{app} does not scale with its load"
    app.container["resources"] = {
        "limits": {"memory": app.container["resources"]["limits"]["memory"]}
    }
    scene.usage[app.name] = 90
    scaler = _scaler(scene, app, 1, 6, 70)
    scene.visible.append(
        _condition(scaler["metadata"]["name"], "ScalingActive", "False", "FailedGetResourceMetric")
    )
    return ""


@fault("scaling", "autoscaler_without_metrics")
def no_metrics(scene: Scene, app: App) -> str:
    """Nobody reports metrics of its pods."""
    scene.title = "{app} does not scale with its load"
    scaler = _scaler(scene, app, 1, 6, 70)
    scene.visible.append(
        _condition(scaler["metadata"]["name"], "ScalingActive", "False", "FailedGetResourceMetric")
    )
    return ""


@fault("scaling", "autoscaler_target_missing")
def no_target(scene: Scene, app: App) -> str:
    """The autoscaler's target is misspelt: nobody scales the application."""
    scaler = _scaler(scene, app, 1, 6, 70)
    scaler["spec"]["scaleTargetRef"]["name"] = scene.words.misspelt(app.name)
    scene.title = "{app} does not scale with its load"
    scene.visible.append(
        _condition(scaler["metadata"]["name"], "AbleToScale", "False", "FailedGetScale")
    )
    return f"horizontalpodautoscaler/{scaler['metadata']['name']}"


@fault("scaling", "autoscaler_conflict")
def two_scalers(scene: Scene, app: App) -> str:
    """Two autoscalers want the same pods."""
    scene.usage[app.name] = 60
    for name in (f"{app.name}-a", f"{app.name}-b"):
        scaler = _scaler(scene, app, app.replicas, 6, 70)
        scaler["metadata"]["name"] = name
    scene.title = "{app} does not scale with its load"
    scene.visible.append(_condition(f"{app.name}-a", "ScalingActive", "False", "AmbiguousSelector"))
    return ""
