"""A case before it runs: its applications, the objects around them, and what will be asked."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tools.lab.names import Words

if TYPE_CHECKING:
    from tools.lab.live import Live

Obj = dict[str, Any]


@dataclass
class Program:
    """What a made-up program does, whatever its manifest says."""

    language: str
    port: int
    #: ``http``, ``grpc`` or ``tcp``.
    speaks: str
    #: The path that answers 200 to a probe.
    health: str
    command: str
    memory_mib: int
    cpu_milli: int
    #: Seconds before it listens.
    start_s: int
    needs_env: tuple[str, ...] = ()
    #: What it prints before it exits with an error, and with which code; empty: it does not.
    dying_words: tuple[str, ...] = ()
    exit_code: int = 1
    #: It exits only from this image on: a regression of a revision.
    broken_image: str = ""
    #: Lines it prints while it runs.
    says: tuple[str, ...] = ()
    #: A job: it ends by itself with exit code 0.
    finishes: bool = False
    #: The image runs as root unless the manifest says otherwise.
    root: bool = False
    #: A folder that it must write to; empty: none.
    writes_to: str = ""
    #: Its values of these variables must be numbers.
    numeric_env: tuple[str, ...] = ()
    #: The image exists for this platform only.
    architecture: str = "amd64"


@dataclass
class App:
    """An application: its workload, and mostly a Service. The manifests are mutable: faults change them."""

    name: str
    namespace: str
    program: Program
    workload: Obj
    service: Obj | None = None
    #: Names of applications that it calls, by the variable that holds the address.
    calls: dict[str, str] = field(default_factory=dict)
    #: ConfigMaps, Secrets, claims and accounts that belong to it.
    extras: list[Obj] = field(default_factory=list)
    #: Programs of the other containers of its pods, by container.
    beside: dict[str, Program] = field(default_factory=dict)
    #: Applied after all others are there.
    late: bool = False
    #: The repository's view, where it is another than the live state.
    declared: Obj | None = None

    @property
    def template(self) -> Obj:
        """Its pod template."""
        spec = self.workload["spec"]
        if self.workload["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        template: Obj = spec["template"]
        return template

    @property
    def spec(self) -> Obj:
        """Its pod spec."""
        spec: Obj = self.template["spec"]
        return spec

    @property
    def container(self) -> Obj:
        """Its first container."""
        container: Obj = self.spec["containers"][0]
        return container

    @property
    def objects(self) -> list[Obj]:
        """Everything to apply, in order."""
        return [*self.extras, *([self.service] if self.service else []), self.workload]

    @property
    def replicas(self) -> int:
        """Pods asked for."""
        return int(self.workload["spec"].get("replicas", 1))


@dataclass
class Answer:
    """What is right: class, object as the eval writes it, and who wrote the evidence that decides it."""

    failure_class: str
    object: str
    #: ``real``: objects and events of Kubernetes' own programs decide; ``synthetic``: rendered ones do.
    evidence: str
    status: str = ""


#: Has the fault shown itself? Asked of the live namespace until it says yes.
Visible = Callable[["Live"], bool]


@dataclass
class Scene:
    """One case."""

    name: str
    namespace: str
    seed: int
    fleet: Fleet
    rng: random.Random
    words: Words
    apps: list[App] = field(default_factory=list)
    #: Applied before the applications: quotas, volumes, policies.
    before: list[Obj] = field(default_factory=list)
    #: Done once everything runs: a new revision, a deletion.
    steps: list[Callable[[Live], None]] = field(default_factory=list)
    #: Every one of them must say yes before the dump.
    visible: list[Visible] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    #: Images that the registries have, by reference.
    images: set[str] = field(default_factory=set)
    #: Those that need credentials.
    private: set[str] = field(default_factory=set)
    #: Other namespaces to dump.
    others: list[str] = field(default_factory=list)
    answer: Answer | None = None
    #: What is wrong besides, or only seems so.
    notes: list[str] = field(default_factory=list)
    #: ``admission``, …; ``healthy`` and ``two`` are families too.
    family: str = ""
    #: The alert says which namespace it is about.
    placed: bool = True
    #: Events are gone: the cluster keeps them for an hour.
    expired: bool = False
    #: Sources that were not collected: ``repository``, ``logs``.
    without: set[str] = field(default_factory=set)
    #: An extra tag of the alert: whom it names.
    subject: str = ""
    title: str = ""
    #: Claims that must have their volume before the applications come.
    bound_first: list[str] = field(default_factory=list)
    #: Applications that must not come to depend on another one now.
    apart: set[str] = field(default_factory=set)
    #: Applications that are not expected to become ready.
    broken: set[str] = field(default_factory=set)
    #: Utilisation in percent of requests that the metrics API reports, by application.
    usage: dict[str, int] = field(default_factory=dict)
    #: Names of cluster-scoped objects that are this case's own.
    owned: set[str] = field(default_factory=set)

    def app(self, name: str) -> App:
        """An application by name."""
        return next(a for a in self.apps if a.name == name)

    def pick(self, seq: Sequence[Any]) -> Any:
        """One of them."""
        return self.rng.choice(seq)


@dataclass
class Fleet:
    """The nodes of a cluster, as cases may use them."""

    workers: list[Obj]
    tainted: list[Obj]
    cordoned: list[Obj]
    #: Holds as many pods as it may.
    full: Obj
    zones: list[str]
    #: A storage driver that can attach no volume to any node.
    driver: str = ""

    @property
    def all(self) -> list[Obj]:
        """Every node."""
        return [*self.workers, *self.tainted, *self.cordoned, self.full]
