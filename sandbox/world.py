"""The company at work: what its repository says is applied to its cluster, and its services fare accordingly.

A scenario changes what a service needs, or merges a bad change; from there on nothing is scripted. The world follows
the repository's default branch as Argo CD would, judges every service anew and moves pods, metrics, logs and monitors.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import yaml

from manifests.objects import quantities
from sandbox import nodes, rendering
from sandbox.datadog.notify import Delivery, Transition, change_state, send_webhooks
from sandbox.datadog.state import Datadog, Event, LogLine, Monitor, Severity
from sandbox.gitlab.repository import Action, Person
from sandbox.gitlab.state import Project
from sandbox.kubernetes import Cluster
from sandbox.physics import STUCK, Health, Need, Node, judge, read_spec
from sandbox.regimes import History, Regime
from sandbox.rendering import Object, Revision
from sandbox.scenario import CommitData, Company, MonitorData, Scenario
from sandbox.telemetry import Telemetry, restarts

_MIB = 2**20
#: How often the kubelet repeats itself, and how often an ill service is shown anew.
_EVENT_EVERY_S = 15.0
#: A log line's first word to its status.
_STATUSES: dict[str, Severity] = {"fatal": "critical", "error": "error", "warn": "warn"}


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the world goes, in seconds."""

    #: From a commit on the default branch to the cluster.
    sync_s: float = 2.0
    #: From health to the monitor's recovery.
    recovery_s: float = 1.0
    #: How long ago trouble began when a scenario breaks something.
    began_s: float = 900.0
    #: From an event to Datadog's index.
    index_s: float = 1.0
    tick_s: float = 0.2


@dataclass(slots=True)
class Workload:
    """One service of the company, as its repository declares it and as it fares."""

    name: str
    usual: Need
    need: Need
    history: History
    manifest: Object = field(default_factory=dict)
    scaler: Object | None = None
    revisions: list[Revision] = field(default_factory=list)
    logs: tuple[str, ...] = ()
    shown_at: float = 0.0


class World:
    """One company. Drive it with ``break_``, ``sync`` and ``tick``, or let ``run`` tick."""

    def __init__(
        self,
        company: Company,
        cluster: Cluster,
        datadog: Datadog,
        project: Project,
        *,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.company, self.cluster, self.datadog, self.project = company, cluster, datadog, project
        self.pace = pace or Pace()
        self.telemetry = Telemetry()
        self.workloads: dict[str, Workload] = {}
        self.applied = ""
        self.deliveries: list[Delivery] = []
        self._clock = clock
        self._seen: tuple[str, float] = ("", 0.0)
        self._recovering: dict[tuple[int, str], float] = {}
        self._owned: set[tuple[str, str, str]] = set()
        datadog.metrics, datadog.index_s = self.telemetry, self.pace.index_s
        self._found(company)

    def _lock(self) -> None:
        """What ``deploy/kubernetes`` makes: the policy that refuses real writes, and what it is tried on."""
        names = {"name": "k-fix-lock", "namespace": "kfix"}
        self.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kfix"}})
        self.cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": names})
        self.cluster.locked = True

    def _found(self, company: Company) -> None:
        for name, data in company.services.items():
            need = Need(**data.model_dump(exclude={"operation", "calls"}))
            tags = {
                "env": "prod",
                "service": name,
                "kube_cluster_name": company.cluster,
                "kube_namespace": company.namespace,
                "kube_deployment": name,
                "kube_ownerref_kind": "replicaset",
            }
            self.telemetry.histories[name] = History(name, tags, data.operation, data.calls)
            self.workloads[name] = Workload(name, need, need, self.telemetry.histories[name])
        self._lock()
        for node in company.nodes:
            self.cluster.put(nodes.node(node.name, node.cpu, node.memory))
        for other in company.neighbours:
            for document in rendering.neighbour(**other.model_dump()):
                self.cluster.put(document)
        for watch in company.monitors:
            self.datadog.monitors[watch.id] = Monitor(
                watch.id,
                watch.name,
                watch.query,
                f"{watch.name}. @webhook-kfix",
                tags=("env:prod", "team:platform", "managed_by:sandbox"),
                thresholds=dict(watch.thresholds),
            )

    def group(self, service: str) -> str:
        """A service's group in the monitors."""
        c = self.company
        return (
            f"kube_cluster_name:{c.cluster},kube_namespace:{c.namespace},kube_deployment:{service}"
        )

    def health(self, service: str) -> Health:
        """How a service fares now."""
        return self.workloads[service].history.regimes[-1].health

    # the repository becomes the cluster

    def sync(self, *, at: float | None = None) -> None:
        """Applies the default branch to the cluster at once. Runs git: call from a thread when it matters."""
        repository = self.project.repository
        head = repository.resolve(repository.default_branch)
        documents = list(self._documents(head))
        owned = {
            (d["kind"], d["metadata"].get("namespace", ""), d["metadata"]["name"])
            for d in documents
        }
        for gone in self._owned - owned:
            self.cluster.delete(*gone)
        self._owned = owned
        for workload in self.workloads.values():
            workload.scaler = None
        for document in documents:
            self._apply(document, self._clock() if at is None else at)
        self.applied = head
        for name in self.workloads:
            self.refresh(name, since=at)

    def _documents(self, commit: str) -> Iterable[Object]:
        repository = self.project.repository
        for entry in repository.tree(commit, recursive=True):
            if entry.type == "blob" and entry.path.endswith((".yaml", ".yml")):
                text = repository.blob(entry.id).decode()
                yield from (d for d in yaml.safe_load_all(text) if d)

    def _apply(self, document: Object, at: float) -> None:
        kind, name = document["kind"], document["metadata"]["name"]
        workload = self.workloads.get(name)
        if kind == "Deployment" and workload is not None:
            workload.manifest = document
            template = document["spec"]["template"]
            if not workload.revisions or workload.revisions[-1].template != template:
                same = [r for r in workload.revisions if r.template == template]
                workload.revisions = [r for r in workload.revisions if r not in same]
                number = max((r.number for r in [*workload.revisions, *same]), default=0) + 1
                started = same[0].at if same else at
                workload.revisions.append(Revision(number, template, started))
        elif kind == "HorizontalPodAutoscaler":
            target = self.workloads.get(document["spec"]["scaleTargetRef"]["name"])
            if target is not None:
                target.scaler = document
            self.cluster.put(document)
        else:
            self.cluster.put(document)

    # how a service fares

    def refresh(self, service: str, *, since: float | None = None) -> None:
        """Judges one service anew; a changed state starts a regime, and the cluster shows it."""
        workload = self.workloads[service]
        if not workload.manifest:
            return
        now = self._clock()
        regimes = workload.history.regimes
        regime = self._judged(workload, now if since is None else since)
        last = regimes[-1] if regimes else None
        count = len(regimes)
        if last is None or (last.health, last.spec, last.pods, last.stuck_pods) != (
            regime.health,
            regime.spec,
            regime.pods,
            regime.stuck_pods,
        ):
            start = max(regime.since, last.since + 1) if last else regime.since
            regimes.append(replace(regime, since=start))
        self._show(workload, now, fresh=len(regimes) > count)

    def _judged(self, workload: Workload, since: float) -> Regime:
        spec = read_spec(workload.manifest, workload.scaler)
        images = frozenset(self.company.images)
        health = judge(workload.need, spec, images, self._nodes(workload.name))
        current, last = workload.revisions[-1], workload.history.regimes
        previous = workload.revisions[-2] if len(workload.revisions) > 1 else None
        before = restarts(last[-1], since) if last else 0
        if health.condition not in STUCK:
            count = health.replicas
            names = rendering.pod_names(workload.name, current, count)
            kept = before if last and set(names) & set(last[-1].pods) else 0
            return Regime(since, health, spec, workload.need, names, restarts_before=kept)
        stuck = rendering.pod_names(workload.name, current, 1 if previous else spec.replicas)
        serving: tuple[str, ...] = ()
        if previous is not None:
            serving = rendering.pod_names(workload.name, previous, spec.replicas)
            share = workload.need.cpu_cores / max(1, spec.replicas)
            health = replace(
                health, ready=spec.replicas, cpu_per_pod=share, memory_mib=workload.need.memory_mib
            )
        return Regime(since, health, spec, workload.need, serving, stuck)

    def _nodes(self, service: str) -> list[Node]:
        """What is free on each node besides this service's own pods."""
        free = {
            n.name: [float(quantities.parse(n.cpu)), float(quantities.parse(n.memory)) / _MIB]
            for n in self.company.nodes
        }
        for pod in self.cluster.look("pods"):
            node = pod["spec"].get("nodeName")
            own = pod["metadata"].get("labels", {}).get("app") == service
            if node in free and not own:
                for container in pod["spec"]["containers"]:
                    requests = (container.get("resources") or {}).get("requests") or {}
                    free[node][0] -= float(quantities.parse(str(requests.get("cpu", 0))))
                    free[node][1] -= float(quantities.parse(str(requests.get("memory", 0)))) / _MIB
        return [Node(name, cpu, memory) for name, (cpu, memory) in free.items()]

    def _show(self, workload: Workload, now: float, *, fresh: bool) -> None:
        """Puts the service's objects into the cluster; pods that are no more disappear.

        ``fresh``: the state has just been found, and has lasted since its regime began.
        """
        namespace, regime = self.company.namespace, workload.history.regimes[-1]
        live = self.cluster.put(rendering.deployment(workload.manifest, workload.revisions, regime))
        if live["status"]["observedGeneration"] != live["metadata"]["generation"]:
            live["status"]["observedGeneration"] = live["metadata"]["generation"]
            self.cluster.put(live)
        sets = [
            self.cluster.put(rs) for rs in rendering.replica_sets(live, workload.revisions, regime)
        ]
        names = [n.name for n in self.company.nodes]
        found = [self.cluster.put(p) for p in rendering.pods(sets, regime, names, now)]
        present = {p["metadata"]["name"] for p in found}
        for pod in self.cluster.look("pods", namespace):
            name = pod["metadata"]["name"]
            if (
                pod["metadata"].get("labels", {}).get("app") == workload.name
                and name not in present
            ):
                self.cluster.delete("Pod", namespace, name)
        if workload.scaler is not None:
            self.cluster.put(rendering.autoscaler(workload.scaler, regime, now))
        for service in self.cluster.look("services", namespace):
            if service["spec"].get("selector", {}).get("app") == workload.name:
                self.cluster.put(rendering.endpoints(service, found))
        repeats = max(1, int((now - regime.since) / _EVENT_EVERY_S)) if fresh else 1
        for about, reason, message, component in rendering.events(regime, found):
            if fresh:
                first = rendering.instant(regime.since)
                self.cluster.event(about, reason, message, at=first, component=component)
            last = rendering.instant(now)
            self.cluster.event(about, reason, message, at=last, count=repeats, component=component)
        workload.shown_at = now
        self._write_logs(workload, found, regime)

    def _write_logs(self, workload: Workload, found: list[Object], regime: Regime) -> None:
        usual = f"INFO  {workload.name} serves requests\n"
        trouble = "".join(f"{line}\n" for line in workload.logs)
        for pod in found:
            name, container = pod["metadata"]["name"], pod["spec"]["containers"][0]["name"]
            affected = not regime.stuck_pods or name in regime.stuck_pods
            ill = regime.health.condition != "healthy" and affected
            silent = regime.health.condition in ("bad_image", "unschedulable") and affected
            text = "" if silent else (trouble or usual) if ill else usual
            namespace = self.company.namespace
            self.cluster.set_log(namespace, name, container, text)
            if ill and regime.health.condition in ("crash_loop", "oom_killed"):
                self.cluster.set_log(namespace, name, container, text, previous=True)

    # trouble

    def commit(self, change: CommitData, author: Person, at: float) -> str:
        """Merges somebody's change into the default branch. Raises ValueError when its text is not there once."""
        repository = self.project.repository
        branch = repository.default_branch
        text = repository.read(branch, change.path).decode()
        if text.count(change.replace.old) != 1:
            raise ValueError(
                f"{change.path}: {change.replace.old!r} occurs {text.count(change.replace.old)} times"
            )
        new = text.replace(change.replace.old, change.replace.new)
        action = Action("update", change.path, new.encode())
        stamp = datetime.fromtimestamp(at, UTC).isoformat()
        return repository.commit(branch, change.message, [action], author, at=stamp)

    async def break_(
        self, scenario: Scenario, *, notify: bool = True, growth: float = 1.0
    ) -> Event:
        """Makes the scenario's trouble real and lets its monitor say so. Returns the monitor's event.

        ``growth`` multiplies the changed need: the same trouble again, after the limits were raised.
        Raises ValueError when the trouble does not show, because something else is wrong with the service already.
        """
        monitor = await self.trouble(scenario, growth=growth)
        event = self._change(monitor.id, scenario.service, "Triggered")
        if scenario.recovers_by_itself:
            workload = self.workloads[scenario.service]
            workload.need, workload.logs = workload.usual, ()
            self.refresh(scenario.service)
        if notify:
            self.deliveries += await send_webhooks(self.datadog, event)
        return event

    async def trouble(self, scenario: Scenario, *, growth: float = 1.0) -> MonitorData:
        """As ``break_``, without a word to anybody: the monitor that is for it."""
        now = self._clock()
        began = now - self.pace.began_s
        workload = self.workloads[scenario.service]
        given = scenario.need.model_dump(exclude_none=True)
        changes = {name: value * growth for name, value in given.items()}
        workload.need = replace(workload.usual, **changes)
        workload.logs = scenario.logs
        self._fill_nodes(scenario.nodes_free_cpu)
        if scenario.commit is not None:
            people = {
                p.username: Person(p.name, f"{p.username}@sandbox.test")
                for p in self.company.people
            }
            author = people[scenario.commit.author]
            await asyncio.to_thread(self.commit, scenario.commit, author, began)
        await asyncio.to_thread(self.sync, at=began)
        self._log_to_datadog(workload, began, now)
        condition = self.health(scenario.service).condition
        monitor = next((m for m in self.company.monitors if condition in m.conditions), None)
        if monitor is None:
            raise ValueError(f"{scenario.name}: {scenario.service} is {condition}")
        return monitor

    def worsen(self, scenario: Scenario) -> Event:
        """Gives the scenario's service its need, without a commit and without telling anybody. The monitor's event.

        Raises ValueError when the trouble does not show.
        """
        now = self._clock()
        began = now - self.pace.began_s
        workload = self.workloads[scenario.service]
        workload.need = replace(workload.usual, **scenario.need.model_dump(exclude_none=True))
        workload.logs = scenario.logs
        self.refresh(scenario.service, since=began)
        self._log_to_datadog(workload, began, now)
        condition = self.health(scenario.service).condition
        monitor = next((m for m in self.company.monitors if condition in m.conditions), None)
        if monitor is None:
            raise ValueError(f"{scenario.name}: {scenario.service} is {condition}")
        return self._change(monitor.id, scenario.service, "Triggered")

    def _fill_nodes(self, free_cpu: float | None) -> None:
        """Other people's work on the nodes, so much that ``free_cpu`` cores stay free."""
        for node in self.company.nodes:
            self.cluster.delete("Pod", "batch", f"report-{node.name}")
        if free_cpu is None:
            return
        self.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "batch"}})
        for room in self._nodes(""):
            milli = max(0, round((room.free_cpu - free_cpu) * 1000))
            self.cluster.put(nodes.busy_pod(room.name, milli))

    def _log_to_datadog(self, workload: Workload, began: float, now: float) -> None:
        pods = workload.history.regimes[-1]
        for pod in (*pods.stuck_pods, *pods.pods):
            for at in (began + 30, (began + now) / 2, now - 20):
                self._ship(workload, pod, at)

    def _ship(self, workload: Workload, pod: str, at: float) -> None:
        tags = [f"{k}:{v}" for k, v in workload.history.tags.items()] + [f"pod_name:{pod}"]
        for offset, line in enumerate(workload.logs):
            word = line.split()[0].lower()
            status = _STATUSES.get(word, "info")
            self.datadog.logs.append(
                LogLine(at + offset, line, workload.name, status, tags=tuple(tags))
            )

    def _change(self, monitor: int, service: str, transition: Transition) -> Event:
        labels = self.workloads[service].manifest.get("metadata", {}).get("labels", {})
        tags = (f"service:{service}", f"team:{labels.get('team', 'platform')}")
        return change_state(
            self.datadog, self.datadog.monitors[monitor], self.group(service), transition, tags=tags
        )

    # time goes by

    async def tick(self) -> None:
        """One look: new commits are applied after their delay, health moves, recovered monitors say so."""
        now = self._clock()
        branch = self.project.default_branch
        head = (await asyncio.to_thread(self.project.repository.branches))[branch]
        if head != self.applied:
            if self._seen[0] != head:
                self._seen = (head, now)
            if now - self._seen[1] >= self.pace.sync_s:
                await asyncio.to_thread(self.sync)
        for name, workload in self.workloads.items():
            due = now - workload.shown_at >= _EVENT_EVERY_S
            if due and workload.history.regimes and self.health(name).condition != "healthy":
                self._show(workload, now, fresh=False)
        await self._watch_monitors(now)

    async def _watch_monitors(self, now: float) -> None:
        for data in self.company.monitors:
            for name, workload in self.workloads.items():
                state = self.datadog.monitors[data.id].groups.get(self.group(name))
                key = (data.id, name)
                ill = (
                    bool(workload.history.regimes)
                    and self.health(name).condition in data.conditions
                )
                if state is None or state.status == "OK" or ill:
                    self._recovering.pop(key, None)
                    continue
                since = self._recovering.setdefault(key, now)
                if now - since >= self.pace.recovery_s:
                    del self._recovering[key]
                    event = self._change(data.id, name, "Recovered")
                    self.deliveries += await send_webhooks(self.datadog, event)

    async def run(self) -> None:
        """Ticks until cancelled."""
        while True:
            await self.tick()
            await asyncio.sleep(self.pace.tick_s)

    def ease(self, service: str) -> None:
        """The service needs what it usually needs again, and nodes are free."""
        workload = self.workloads[service]
        workload.need, workload.logs = workload.usual, ()
        self._fill_nodes(None)
        self.refresh(service)
