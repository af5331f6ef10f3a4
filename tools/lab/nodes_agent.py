"""The simulated kubelets of all nodes: watches pods, writes the status and events of each that is bound."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping

import httpx

from tools.lab.api import Api, NotServed
from tools.lab.fleet import stamp
from tools.lab.kubelet import Outcome, outcome, running
from tools.lab.scene import App, Obj, Scene
from tools.lab.starting import Lookup, Said

_numbers = itertools.count(1)


class Kubelets:
    """One thread that plays every kubelet. ``scenes`` are by namespace; other pods simply run."""

    def __init__(self, api: Api, scenes: Mapping[str, Scene]) -> None:
        self._api, self._scenes = api, scenes
        self._addresses = (f"10.244.{n // 250}.{n % 250 + 2}" for n in itertools.count(1))
        self._done: set[str] = set()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True)]
        #: Logs by namespace, pod and container: (current, previous).
        self.logs: dict[tuple[str, str, str], tuple[list[str], list[str]]] = {}
        #: What the server said to a kubelet that it should not have.
        self.troubles: list[str] = []

    def start(self) -> None:
        """Starts watching."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stops at the next change."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                for change, pod in self._api.watch("/api/v1/pods"):
                    if self._stopped.is_set():
                        return
                    self._see(change, pod)
            except (httpx.HTTPError, NotServed) as error:
                if not self._stopped.is_set():
                    self.troubles.append(f"watch: {error}")

    def _see(self, change: str, pod: Obj) -> None:
        meta = pod.get("metadata", {})
        uid = meta.get("uid", "")
        if change not in ("ADDED", "MODIFIED") or not pod["spec"].get("nodeName"):
            return
        try:
            if meta.get("deletionTimestamp"):
                if not meta.get("finalizers"):
                    self._api.call("DELETE", _path(pod), {"gracePeriodSeconds": 0})
            elif uid not in self._done:
                self._done.add(uid)
                self._play(pod)
        except NotServed as refused:
            if refused.code not in (404, 409):
                self.troubles.append(f"{_path(pod)}: {refused}")

    def _play(self, pod: Obj) -> None:
        meta = pod["metadata"]
        scene = self._scenes.get(meta["namespace"])
        app = _app_of(scene, pod) if scene else None
        ip = next(self._addresses)
        fate: Outcome = running(pod, ip)
        if scene and app:
            fate = outcome(scene, app, pod, ip, self._lookup(meta["namespace"]))
        self._api.merge(f"{_path(pod)}/status", {"status": fate.status}, strategic=True)
        for said in fate.events:
            self._tell(pod, said)
        for container, (now, before) in fate.logs.items():
            self.logs[(meta["namespace"], meta["name"], container)] = (now, before)

    def _lookup(self, namespace: str) -> Lookup:
        def find(plural: str, name: str) -> Obj | None:
            try:
                found: Obj = self._api.get(f"/api/v1/namespaces/{namespace}/{plural}/{name}")
            except NotServed:
                return None
            return found

        return find

    def _tell(self, pod: Obj, said: Said) -> None:
        meta = pod["metadata"]
        self._api.create(event(pod, said, pod["spec"]["nodeName"], meta["namespace"]))


def event(
    about: Obj, said: Said, host: str, namespace: str, *, at: str = "", component: str = "kubelet"
) -> Obj:
    """An Event object as a kubelet's recorder writes it."""
    meta = about["metadata"]
    now = at or stamp()
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{meta['name']}.{next(_numbers):016x}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": about.get("apiVersion") or "v1",
            "kind": about.get("kind") or "Pod",
            "namespace": meta.get("namespace", ""),
            "name": meta["name"],
            "uid": meta.get("uid", ""),
        },
        "reason": said.reason,
        "message": said.message[:1024],
        "type": "Warning" if said.warning else "Normal",
        "source": {"component": component, **({"host": host} if host else {})},
        "reportingComponent": component,
        "reportingInstance": host,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": said.count,
    }


def _app_of(scene: Scene, pod: Obj) -> App | None:
    """By the labels that its own manifest gave it, else by its owner's name."""
    name = pod["metadata"]["name"]
    fitting = [a for a in scene.apps if name == a.name or name.startswith(f"{a.name}-")]
    return max(fitting, key=lambda a: len(a.name), default=None)


def _path(pod: Obj) -> str:
    meta = pod["metadata"]
    return f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
