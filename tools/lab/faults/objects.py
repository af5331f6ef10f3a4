"""Rollouts, jobs, budgets and finalizers: the controllers' own objects decide, except where pods have to fail first."""

from __future__ import annotations

from dataclasses import replace

from tools.lab import words
from tools.lab.api import NotServed, path_of
from tools.lab.faults import fault
from tools.lab.live import Live
from tools.lab.nodes_agent import event
from tools.lab.scene import App, Obj, Scene
from tools.lab.starting import Said


@fault("configuration", "bad_rollout", "synthetic")
def regression(scene: Scene, app: App) -> str:
    """A new image crashes; the pods of the one before still serve, the rollout is stuck."""
    repository = app.container["image"].rpartition(":")[0]
    image = f"{repository}:9.{scene.rng.randint(0, 9)}.0"
    scene.images.add(image)
    app.program = replace(
        app.program, dying_words=words.PANIC[app.program.language], broken_image=image
    )
    app.workload["spec"] |= {"progressDeadlineSeconds": 4, "replicas": max(2, app.replicas)}
    _new_revision(scene, app, image)
    return ""


@fault("configuration", "image_not_found", "synthetic")
def stuck_rollout(scene: Scene, app: App) -> str:
    """A new revision names an image that is not there; the pods of the one before still serve."""
    image = f"{app.container['image']}-{scene.words.word()}"
    app.workload["spec"] |= {"progressDeadlineSeconds": 4, "replicas": max(2, app.replicas)}
    _new_revision(scene, app, image)
    return ""


def _new_revision(scene: Scene, app: App, image: str) -> None:
    patch = {
        "spec": {
            "template": {"spec": {"containers": [{"name": app.container["name"], "image": image}]}}
        }
    }

    def step(live: Live) -> None:
        live.api.merge(path_of(app.workload, app.name), patch, strategic=True)
        app.container["image"] = image

    def stuck(live: Live) -> bool:
        found = live.api.get(path_of(app.workload, app.name))
        conditions = (found.get("status") or {}).get("conditions") or []
        return any(c.get("reason") == "ProgressDeadlineExceeded" for c in conditions)

    scene.steps.append(step)
    scene.visible.append(stuck)


def _job(scene: Scene, name: str, image: str, kind: str, spec: Obj) -> Obj:
    template = {
        "spec": {
            "restartPolicy": "Never",
            "containers": [
                {"name": "task", "image": image, "resources": {"requests": {"cpu": "10m"}}}
            ],
        }
    }
    job: Obj = {"backoffLimit": 0, "template": template}
    body = (
        job if kind == "Job" else {"schedule": "*/5 * * * *", "jobTemplate": {"spec": job}, **spec}
    )
    return {
        "apiVersion": "batch/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": scene.namespace},
        "spec": body,
    }


@fault("configuration", "job_failing", "synthetic")
def failing_job(scene: Scene, app: App) -> str:
    """A job's pod ends with an error and may not be tried again."""
    name = f"{scene.words.word()}-import"
    scene.title = scene.pick(("Job {app} failed", ""))
    image = app.container["image"]
    program = replace(
        app.program,
        needs_env=(),
        dying_words=("import failed: 3 of 41 records are invalid",),
        finishes=True,
    )
    scene.apps.append(App(name, scene.namespace, program, _job(scene, name, image, "Job", {})))
    scene.visible.append(
        lambda live: live.said(scene.app(name), "BackoffLimitExceeded", "backoff limit")
    )
    scene.broken.add(name)
    return f"app/{name}"


@fault("configuration", "cron_suspended")
def suspended(scene: Scene, app: App) -> str:
    """A cron job that should run does not: somebody suspended it. The repository does not say so."""
    name = f"{scene.words.word()}-nightly"
    cron = _job(scene, name, app.container["image"], "CronJob", {"suspend": True})
    made = App(name, scene.namespace, replace(app.program, finishes=True), cron)
    made.declared = _job(scene, name, app.container["image"], "CronJob", {})
    scene.title = "No run of {app} for a day"
    scene.apps.append(made)
    return f"app/{name}"


@fault("configuration", "disruption_budget_blocks")
def budget(scene: Scene, app: App) -> str:
    """The budget allows no disruption at all: a node cannot be drained."""
    labels = dict(app.template["metadata"]["labels"])
    scene.title = "A node drain does not finish"
    spec = scene.pick(
        ({"minAvailable": app.replicas}, {"maxUnavailable": 0}, {"minAvailable": "100%"})
    )
    made: Obj = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": f"{app.name}-pdb", "namespace": scene.namespace},
    }
    app.extras.append({**made, "spec": {**spec, "selector": {"matchLabels": labels}}})

    def step(live: Live) -> None:
        live.wait(lambda: live.played(app), "no pod to evict")
        pod = live.pods(app)[0]
        place = path_of(pod | {"apiVersion": "v1", "kind": "Pod"}, pod["metadata"]["name"])
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod["metadata"]["name"], "namespace": scene.namespace},
        }

        def kept() -> bool:
            try:
                live.api.call("POST", f"{place}/eviction?dryRun=All", eviction)
            except NotServed as refused:
                words_ = refused.message
                live.api.create(
                    event(
                        pod,
                        Said("FailedEviction", words_, True, 7),
                        "",
                        scene.namespace,
                        component="drainer",
                    )
                )
                return "disruption budget" in words_
            return False

        live.wait(kept, "the budget lets the pod go")

    scene.steps.append(step)
    return ""


@fault("configuration", "finalizer_stuck")
def finalizer(scene: Scene, app: App) -> str:
    """Its workload was deleted and waits for a finalizer whose controller is gone."""
    name = f"{scene.words.word()}.example.com/cleanup"
    scene.title = "Deletion of {app} does not finish"
    app.workload["metadata"]["finalizers"] = [name]

    def step(live: Live) -> None:
        live.wait(lambda: live.played(app), f"{app.name} is not there")
        live.api.call(
            "DELETE", path_of(app.workload, app.name), {"propagationPolicy": "Background"}
        )

    scene.steps.append(step)
    scene.broken.add(app.name)
    return ""


@fault("configuration", "job_deadline_exceeded")
def late_job(scene: Scene, app: App) -> str:
    """A job takes longer than it may."""
    name = f"{scene.words.word()}-export"
    job = _job(scene, name, app.container["image"], "Job", {})
    job["spec"] |= {"activeDeadlineSeconds": 2, "backoffLimit": 3}
    scene.apps.append(App(name, scene.namespace, replace(app.program, finishes=False), job))
    scene.broken.add(name)
    scene.visible.append(lambda live: live.said(scene.app(name), "DeadlineExceeded", "deadline"))
    return f"app/{name}"


@fault("configuration", "rollout_stuck")
def paused(scene: Scene, app: App) -> str:
    """A new revision was asked for while the rollout is paused: it never comes."""
    image = f"{app.container['image']}-{scene.words.word()}"
    scene.images.add(image)
    patch = {
        "spec": {
            "paused": True,
            "template": {"spec": {"containers": [{"name": app.container["name"], "image": image}]}},
        }
    }

    def step(live: Live) -> None:
        live.wait(lambda: live.played(app), f"{app.name} is not there")
        live.api.merge(path_of(app.workload, app.name), patch, strategic=True)
        app.workload["spec"]["paused"] = True
        app.container["image"] = image

    scene.title = "The new version of {app} does not arrive"
    scene.steps.append(step)
    return ""
