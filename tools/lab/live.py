"""A scene on the cluster: applying it, waiting until it has shown itself, asking what is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.lab.api import Api, NotServed, root
from tools.lab.nodes_agent import Kubelets
from tools.lab.scene import App, Obj, Scene

#: Seconds for a case to show its fault; what takes longer is left out and counted.
_PATIENCE_S = 40.0


class Unsettled(Exception):
    """The case did not become what it should be."""


@dataclass
class Live:
    """A scene and its namespace."""

    scene: Scene
    api: Api
    kubelets: Kubelets
    #: Objects that the server refused, with its words.
    refused: list[tuple[Obj, str]] = field(default_factory=list)

    def apply(self, manifest: Obj) -> None:
        """Creates an object; a refusal by admission is part of the case."""
        for _ in range(100):
            try:
                self.api.create(manifest)
                return
            except NotServed as refused:
                if refused.code == 403 and "quota" in refused.message:
                    if "status unknown for quota" in refused.message:
                        time.sleep(0.1)
                        continue
                    self.refused.append((manifest, refused.message))
                    return
                raise
        raise Unsettled(f"no quota status for {manifest['kind']}")

    def items(self, version: str, plural: str) -> list[Obj]:
        """The namespace's objects of a kind."""
        return self.api.items(f"{root(version)}/namespaces/{self.scene.namespace}/{plural}")

    def events(self, reason: str = "") -> list[Obj]:
        """The namespace's events, of one reason where given."""
        found = self.items("v1", "events")
        return [e for e in found if reason in ("", e.get("reason"))]

    def said(self, app: App, reason: str, words: str) -> bool:
        """An event of that reason about the application or its children holds these words."""
        return any(
            words in e.get("message", "")
            and str(e["involvedObject"].get("name", "")).startswith(app.name)
            for e in self.events(reason)
        )

    def pods(self, app: App) -> list[Obj]:
        """Pods that an application's name begins."""
        found = self.items("v1", "pods")
        longer = [
            a.name for a in self.scene.apps if a.name != app.name and a.name.startswith(app.name)
        ]
        return [
            p
            for p in found
            if p["metadata"]["name"].startswith(f"{app.name}-")
            and not any(p["metadata"]["name"].startswith(f"{name}-") for name in longer)
        ]

    def played(self, app: App) -> bool:
        """Each of its pods has a status from a kubelet."""
        pods = self.pods(app)
        enough = len(pods) >= app.replicas
        return enough and all("startTime" in (p.get("status") or {}) for p in pods)

    def wait(self, until: Callable[[], bool], what: str) -> None:
        """Waits. Raises Unsettled when it takes too long."""
        deadline = time.monotonic() + _PATIENCE_S
        while not until():
            if time.monotonic() > deadline:
                raise Unsettled(what)
            time.sleep(0.25)


def run(live: Live) -> None:
    """Plays a scene to the point where it can be dumped. Raises Unsettled."""
    scene = live.scene
    for name in (scene.namespace, *scene.others):
        _space(live, name, scene.labels if name == scene.namespace else {})
    for manifest in scene.before:
        live.apply(manifest)
    if any(m["kind"] == "ResourceQuota" for m in scene.before):
        live.wait(lambda: counted(live), "a quota was not computed")
    live.wait(lambda: all(_bound(live, name) for name in scene.bound_first), "a claim is not bound")
    early = [a for a in scene.apps if not a.late]
    for app in early:
        for manifest in app.objects:
            live.apply(manifest)
    live.wait(lambda: well(live, early), "an application that is well did not get ready")
    for app in (a for a in scene.apps if a.late):
        for manifest in app.objects:
            live.apply(manifest)
    for step in scene.steps:
        step(live)
    what = f"{scene.answer.failure_class if scene.answer else 'nothing'} does not show"
    live.wait(lambda: all(visible(live) for visible in scene.visible), what)
    live.wait(lambda: well(live, scene.apps), "an application that is well did not get ready")
    live.wait(lambda: _at_rest(live), "a pod has no status yet")


def _space(live: Live, name: str, labels: dict[str, str]) -> None:
    """A namespace with its default account, without which there are no pods."""
    meta = {"name": name, "labels": labels}
    live.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    live.wait(lambda: _there(live.api, account), "no default service account")


def _at_rest(live: Live) -> bool:
    """Each pod on a node has heard of its kubelet."""
    bound = [p for p in live.items("v1", "pods") if p["spec"].get("nodeName")]
    return all("startTime" in (p.get("status") or {}) for p in bound)


def _there(api: Api, path: str) -> bool:
    try:
        api.get(path)
    except NotServed:
        return False
    return True


def _bound(live: Live, claim: str) -> bool:
    found = {c["metadata"]["name"]: c for c in live.items("v1", "persistentvolumeclaims")}
    return bool((found.get(claim) or {}).get("status", {}).get("phase") == "Bound")


def counted(live: Live) -> bool:
    """The quota controller has seen the quotas as they are."""
    quotas = live.items("v1", "resourcequotas")
    return all((q.get("status") or {}).get("hard") == q["spec"]["hard"] for q in quotas)


def well(live: Live, apps: list[App], *, declared: bool = True) -> bool:
    """Those that should be ready are: as the scene declares, or as the live object asks now."""
    kinds = {"Deployment": "deployments", "StatefulSet": "statefulsets"}
    found = {
        o["metadata"]["name"]: o for kind in kinds.values() for o in live.items("apps/v1", kind)
    }
    for app in apps:
        elsewhere = app.namespace != live.scene.namespace
        if app.name in live.scene.broken or app.workload["kind"] not in kinds or elsewhere:
            continue
        obj = found.get(app.name) or {}
        status = obj.get("status") or {}
        wanted = app.replicas if declared else int((obj.get("spec") or {}).get("replicas", 1))
        stale = status.get("observedGeneration") != (obj.get("metadata") or {}).get("generation")
        late = not declared and status.get("updatedReplicas", 0) < wanted
        if status.get("readyReplicas", 0) < wanted or stale or late:
            return False
    return True
