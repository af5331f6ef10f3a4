"""Plays rollouts on a real control plane and writes down what became of them. A pod of a good template gets ready at once."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from manifests.objects import quantities
from tools.lab.api import Api, NotServed
from tools.lab.rollouts.cases import Case, Json, Step
from tools.lab.rollouts.objects import NAME, template, workload
from tools.realparts.kubernetes import CONTROLLERS, control_plane

#: Seconds without a change after which nothing more is expected; a refused pod is tried again in growing steps.
QUIET_S = 15.0
_LONGEST_S = 300.0
#: Nodes that DaemonSets are placed on; nothing runs there.
_NODES = 6
_PLURALS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}
_FLAGS = (
    f"--controllers={','.join((*CONTROLLERS, 'statefulset-controller', 'daemonset-controller'))}",
    "--kube-api-qps=1000",
    "--kube-api-burst=2000",
    "--concurrent-deployment-syncs=20",
    "--concurrent-replicaset-syncs=20",
    "--concurrent-statefulset-syncs=20",
    "--concurrent-daemonset-syncs=20",
    "--concurrent-resource-quota-syncs=20",
)


class Unsettled(Exception):
    """A rollout still moves after a long time."""


@dataclass
class _Watched:
    """A namespace's pods that are not being deleted: template and whether ready, by name; and when they last changed."""

    pods: dict[str, tuple[str, bool]] = field(default_factory=dict)
    changed: float = 0.0
    most: int = 0
    most_cpu: int = 0
    fewest_ready: int = 10**6


@dataclass
class Table:
    """A running control plane that measures rollouts."""

    api: Api
    cases: dict[str, Case] = field(default_factory=dict)
    seen: dict[str, _Watched] = field(default_factory=lambda: defaultdict(_Watched))
    stopped: threading.Event = field(default_factory=threading.Event)
    hands: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(6))

    def measured(self, name: str, case: Case) -> Json:
        """The case with the state before its last step, and after."""
        self.cases[name] = case
        _create(self.api, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        if case.hard:
            self._quota(name, case.hard)
        for number, step in enumerate(case.steps[:-1]):
            self._apply(name, case, step, first=number == 0)
            self._rest(name, case, step)
        before, seen = self._state(name, case), self.seen[name]
        seen.most, seen.most_cpu, seen.fewest_ready = 0, 0, 10**6
        self._count(seen, case)
        self._apply(name, case, case.steps[-1], first=False)
        self._rest(name, case, case.steps[-1])
        after = self._state(name, case)
        peak = {"pods": seen.most, "cpu": seen.most_cpu, "ready": seen.fewest_ready}
        return case.written() | {"before": before, "after": after, "peak": peak}

    def _quota(self, name: str, hard: dict[str, str]) -> None:
        meta = {"name": "q", "namespace": name}
        _create(
            self.api,
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": {"hard": hard}},
        )
        path = f"/api/v1/namespaces/{name}/resourcequotas/q"
        while set(self.api.get(path).get("status", {}).get("used", {})) != set(hard):
            time.sleep(0.2)

    def _apply(self, name: str, case: Case, step: Step, *, first: bool) -> None:
        item = workload(case, step, name)
        if first:
            _create(self.api, item)
            return
        spec: Json = {"template": {"spec": template(case, step)["spec"]}}
        if case.kind == "Deployment":
            spec["paused"] = step.paused
        if case.kind != "DaemonSet":
            spec["replicas"] = step.replicas
        self.seen[name].changed = time.monotonic()
        self.api.merge(self._path(name, case), {"spec": spec})

    def _path(self, name: str, case: Case) -> str:
        return f"/apis/apps/v1/namespaces/{name}/{_PLURALS[case.kind]}/{NAME}"

    def _rest(self, name: str, case: Case, step: Step) -> None:
        """Until all pods are of the step's template and ready, or nothing has moved for long."""
        seen, begun = self.seen[name], time.monotonic()
        seen.changed = begun
        while time.monotonic() - begun < _LONGEST_S:
            time.sleep(1.0)
            pods = list(seen.pods.values())
            done = len(pods) == step.replicas and set(pods) == {(step.template, True)}
            quiet = time.monotonic() - seen.changed > (2.0 if done else QUIET_S)
            if quiet and self._caught_up(name, case, step):
                return
        raise Unsettled(f"{name} did not come to rest")

    def _caught_up(self, name: str, case: Case, step: Step) -> bool:
        """The controllers have seen everything: what they say of pods is what is there, and a missing pod was refused."""
        pods = self.seen[name].pods.values()
        if any(not ready and letter not in case.bad for letter, ready in pods):
            return False
        whole = self.api.get(self._path(name, case))
        owners = [whole]
        if case.kind == "Deployment":
            sets = self.api.items(f"/apis/apps/v1/namespaces/{name}/replicasets")
            owners += sets
            wanted = sum(one["spec"]["replicas"] for one in sets)
        else:
            wanted = step.replicas
        if any(_behind(one) for one in owners):
            return False
        if case.kind != "DaemonSet" and whole.get("status", {}).get("replicas", 0) != len(pods):
            return False
        if len(pods) < wanted and self._has_room(name, case, owners):
            return False  # whoever was refused waits in growing steps before it tries again
        refused = self.api.items(
            f"/api/v1/namespaces/{name}/events?fieldSelector=reason=FailedCreate"
        )
        return (
            len(pods) >= wanted
            or bool(refused)
            or (case.kind == "StatefulSet" and not case.parallel)
        )

    def _has_room(self, name: str, case: Case, owners: list[Json]) -> bool:
        """The quota would let a missing pod in."""
        if not case.hard:
            return False
        status = self.api.get(f"/api/v1/namespaces/{name}/resourcequotas/q")["status"]
        sizes = [case.cpu[_letter(one["spec"]["template"]["spec"])] for one in owners]
        for resource, most in case.hard.items():
            free = quantities.parse(most) - quantities.parse(status["used"][resource])
            if free < (Decimal(min(sizes)) / 1000 if resource == "requests.cpu" else 1):
                return False
        return True

    def _state(self, name: str, case: Case) -> Json:
        """ReplicaSets by template: wanted, made, ready, oldest first; of other kinds the pods by name."""
        if case.kind != "Deployment":
            pods = sorted(self.seen[name].pods.items())
            return {n.removeprefix(f"{NAME}-"): [t, ready] for n, (t, ready) in pods}
        sets = self.api.items(f"/apis/apps/v1/namespaces/{name}/replicasets")
        found = {}
        for one in sets:
            status, letter = one.get("status", {}), _letter(one["spec"]["template"]["spec"])
            found[letter] = [
                one["spec"]["replicas"],
                status.get("replicas", 0),
                status.get("readyReplicas", 0),
            ]
        made = [step.template for step in case.steps]
        return {t: found[t] for t in dict.fromkeys(made) if t in found}

    def watch(self) -> None:
        """Follows all pods until stopped."""
        while not self.stopped.is_set():
            try:
                for change, pod in self.api.watch("/api/v1/pods"):
                    if self.stopped.is_set():
                        return
                    self._see(change, pod)
            except (httpx.HTTPError, NotServed, ValueError):
                continue

    def _see(self, change: str, pod: Json) -> None:
        meta = pod.get("metadata", {})
        case = self.cases.get(meta.get("namespace", ""))
        if case is None:
            return
        seen, letter = self.seen[meta["namespace"]], _letter(pod["spec"])
        ready = any(
            c["type"] == "Ready" and c["status"] == "True"
            for c in pod.get("status", {}).get("conditions", ())
        )
        was = dict(seen.pods)
        if change == "DELETED" or meta.get("deletionTimestamp"):
            seen.pods.pop(meta["name"], None)
        else:
            seen.pods[meta["name"]] = (letter, ready)
            if letter not in case.bad and not ready:
                self.hands.submit(self._ready, meta["namespace"], meta["name"])
        if was != seen.pods:
            seen.changed = time.monotonic()
            self._count(seen, case)

    @staticmethod
    def _count(seen: _Watched, case: Case) -> None:
        seen.most = max(seen.most, len(seen.pods))
        seen.most_cpu = max(seen.most_cpu, sum(case.cpu[t] for t, _ in seen.pods.values()))
        seen.fewest_ready = min(seen.fewest_ready, sum(ready for _, ready in seen.pods.values()))

    def _ready(self, namespace: str, name: str) -> None:
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        try:
            path = f"/api/v1/namespaces/{namespace}/pods/{name}/status"
            self.api.merge(path, {"status": status}, strategic=True)
        except NotServed:
            return  # gone already


@contextmanager
def table(folder: Path) -> Iterator[Table]:
    """A control plane with six nodes on paper. Raises Unbuildable where the servers cannot be had."""
    with control_plane(folder, controllers=True, controller_flags=_FLAGS) as plane:
        api = Api(plane)
        for number in range(1, _NODES + 1):
            labels = {f"first{n}": "yes" for n in range(number, _NODES + 1)}
            meta = {"name": f"n{number}", "labels": labels}
            _create(api, {"apiVersion": "v1", "kind": "Node", "metadata": meta})
            # admission taints a node until its kubelet is heard, and no daemon's pod would be made for it
            api.merge(f"/api/v1/nodes/n{number}", {"spec": {"taints": None}})
        found = Table(api)
        follower = threading.Thread(target=found.watch, daemon=True)
        follower.start()
        try:
            yield found
        finally:
            found.stopped.set()
            found.hands.shutdown(wait=False, cancel_futures=True)
            api.close()


def play(cases: list[Case], folder: Path, *, at_once: int = 40) -> list[Json]:
    """The rows of the table, in order. Raises Unbuildable."""
    with table(folder) as running, ThreadPoolExecutor(at_once) as pool:
        names = [f"r{n}" for n in range(len(cases))]
        return list(pool.map(running.measured, names, cases))


def _behind(item: Json) -> bool:
    """Its controller has not yet acted on its newest version."""
    seen: int = (item.get("status") or {}).get("observedGeneration", 0)
    return bool(seen != item["metadata"]["generation"])


def _letter(spec: Any) -> str:
    image: str = spec["containers"][0]["image"]
    return image.removeprefix("r.invalid/").split(":")[0]


def _create(api: Api, manifest: Json) -> None:
    """Creates it; a namespace is known to admission a moment later."""
    for _ in range(200):
        try:
            api.create(manifest)
            return
        except NotServed as refused:
            if refused.code not in (403, 404):
                raise
            time.sleep(0.1)
    raise NotServed(404, f"{manifest['kind']} was never let in")
