"""What looks like trouble and is none: old warnings, restarts long ago, what rests on purpose, troubled neighbours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tools.lab.apps import deployment
from tools.lab.fleet import stamp
from tools.lab.live import Live
from tools.lab.nodes_agent import event
from tools.lab.scene import App, Scene
from tools.lab.starting import Said

Step = Callable[[Live], None]
Way = Callable[[Scene, App], "Step | None"]


def disturb(scene: Scene, target: App) -> None:
    """One or two red herrings, not at the application at fault."""
    usable = [a for a in scene.apps if a.workload["kind"] in ("Deployment", "StatefulSet")]
    others = [a for a in usable if a is not target and a.name not in scene.broken]
    if not others:
        return
    counted = any(m["kind"] == "ResourceQuota" for m in scene.before)
    ways = [way for way in _WAYS if not (counted and way is _idle)]  # it would use up the quota
    for way in scene.rng.sample(ways, scene.rng.choice((1, 1, 2))):
        app: App = scene.pick(others)
        scene.notes.append(f"decoy: {way.__name__.strip('_')} at {app.name}")
        step = way(scene, app)
        if step is not None:
            scene.steps.append(step)


def _idle(scene: Scene, app: App) -> None:
    """A workload that nobody needs now: at zero, and the repository says so."""
    name = scene.words.app()
    labels = {"app": name}
    idle = deployment(name, scene.namespace, labels, {"containers": [dict(app.container)]}, 0)
    scene.apps.append(App(name, scene.namespace, app.program, idle))


def _paused(scene: Scene, app: App) -> None:
    """A cron job that is suspended on purpose: the repository says so."""
    pod = {
        "restartPolicy": "Never",
        "containers": [{"name": "task", "image": app.container["image"]}],
    }
    spec = {
        "schedule": "0 3 * * *",
        "suspend": True,
        "jobTemplate": {"spec": {"template": {"spec": pod}}},
    }
    name = f"{scene.words.word()}-report"
    cron = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name, "namespace": scene.namespace},
        "spec": spec,
    }
    scene.apps.append(App(name, scene.namespace, app.program, cron))


def _strict_budget(scene: Scene, app: App) -> None:
    """A budget without room, while nobody wants to disrupt anything."""
    spec = {
        "minAvailable": app.replicas,
        "selector": {"matchLabels": dict(app.template["metadata"]["labels"])},
    }
    app.extras.append(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": app.name, "namespace": scene.namespace},
            "spec": spec,
        }
    )


def _neighbour(scene: Scene, app: App) -> None:
    """Another namespace has a trouble of its own: its image does not exist."""
    space, name = scene.words.word(), scene.words.app()
    container = {"name": "main", "image": f"{app.container['image']}-gone"}
    labels = {"app": name}
    sick = deployment(name, space, labels, {"containers": [container]}, 1)
    scene.others.append(space)
    scene.broken.add(name)
    scene.apps.append(App(name, space, app.program, sick))


def _before(scene: Scene) -> str:
    return stamp(datetime.now(UTC) - timedelta(minutes=scene.rng.randint(25, 160)))


def _old_restarts(scene: Scene, app: App) -> Step:
    """It was restarted some hours ago and runs since."""
    number = scene.rng.randint(1, 4)
    code, reason = scene.pick(((1, "Error"), (137, "OOMKilled"), (143, "Error")))
    hours = scene.rng.randint(3, 70)

    def step(live: Live) -> None:
        live.wait(lambda: live.played(app), f"{app.name} is not there")
        for pod in live.pods(app)[:1]:
            meta = pod["metadata"]
            then = datetime.now(UTC) - timedelta(hours=hours)
            last = {
                "terminated": {
                    "exitCode": code,
                    "reason": reason,
                    "startedAt": stamp(then - timedelta(hours=1)),
                    "finishedAt": stamp(then),
                }
            }
            statuses = [dict(s) for s in pod["status"]["containerStatuses"]]
            if "running" not in statuses[0].get("state", {}):
                continue
            statuses[0] |= {
                "restartCount": number,
                "lastState": last,
                "state": {"running": {"startedAt": stamp(then)}},
            }
            path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
            live.api.merge(path, {"status": {"containerStatuses": statuses}})

    return step


def _old_warning(scene: Scene, app: App) -> Step:
    """A warning of an hour ago about pods that are well now."""
    said = scene.pick(
        (
            Said(
                "FailedScheduling",
                "0/7 nodes are available: 7 Insufficient cpu. preemption: 0/7 nodes are available: 7 No preemption victims found for incoming pods.",
                True,
                3,
            ),
            Said(
                "Unhealthy",
                f"Readiness probe failed: dial tcp 10.244.7.7:{app.program.port}: connect: connection refused",
                True,
                2,
            ),
            Said("BackOff", f'Back-off pulling image "{app.container["image"]}"', True, 5),
            Said(
                "FailedMount",
                'MountVolume.SetUp failed for volume "kube-api-access-x2x4k" : failed to sync configmap cache: timed out waiting for the condition',
                True,
                1,
            ),
        )
    )

    def step(live: Live) -> None:
        live.wait(lambda: live.played(app), f"{app.name} is not there")
        for pod in live.pods(app)[:1]:
            source = "default-scheduler" if said.reason == "FailedScheduling" else "kubelet"
            live.api.create(
                event(pod, said, "", scene.namespace, at=_before(scene), component=source)
            )

    return step


def _gone_pod(scene: Scene, app: App) -> Step:
    """Warnings about a pod of an earlier revision that is gone."""

    def step(live: Live) -> None:
        name = f"{app.name}-{scene.rng.getrandbits(36):09x}-{scene.words.word()[:5]:x<5}"
        about = {"metadata": {"name": name, "namespace": scene.namespace, "uid": ""}}
        text = f"Back-off restarting failed container {app.container['name']} in pod {name}"
        live.api.create(
            event(about, Said("BackOff", text, True, 14), "", scene.namespace, at=_before(scene))
        )

    return step


_WAYS: tuple[Way, ...] = (
    _old_restarts,
    _old_warning,
    _gone_pod,
    _idle,
    _paused,
    _strict_budget,
    _neighbour,
)
