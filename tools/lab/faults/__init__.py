"""The faults, by family. Each changes a scene that is well and says what the right answer is."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from tools.lab.scene import Answer, App, Scene

Inject = Callable[[Scene, App], Answer | str]


@dataclass(frozen=True)
class Fault:
    """One way to break one application. ``evidence`` says who writes what decides it."""

    id: str
    family: str
    failure_class: str
    evidence: str
    inject: Inject
    #: May not stand beside another fault in one namespace.
    alone: bool = False
    #: Nobody serves the application's callers any more: an alert may be about one of them.
    outage: bool = False
    #: Other kinds of workload than a Deployment that it may befall.
    kinds: tuple[str, ...] = ()


FAMILIES = ("admission", "scheduling", "services", "scaling", "configuration")
_MODULES = (
    "admission",
    "scheduling",
    "services",
    "scaling",
    "startup",
    "probes",
    "running",
    "objects",
)
FAULTS: dict[str, Fault] = {}
ANY = ("StatefulSet", "DaemonSet")


def sick(scene: Scene, app: App) -> None:
    """Its pods run on nodes and do not get ready."""
    scene.broken.add(app.name)
    scene.visible.append(lambda live: live.played(app))


def fault(
    family: str,
    failure_class: str,
    evidence: str = "real",
    *,
    alone: bool = False,
    outage: bool = False,
    kinds: tuple[str, ...] = (),
) -> Callable[[Inject], Inject]:
    """Registers a fault under its function's name. It returns the object at fault, an application where it says nothing else."""

    def register(inject: Inject) -> Inject:
        name = inject.__name__
        FAULTS[name] = Fault(name, family, failure_class, evidence, inject, alone, outage, kinds)
        return inject

    return register


def load() -> dict[str, Fault]:
    """All faults by id."""
    for module in _MODULES:
        importlib.import_module(f"tools.lab.faults.{module}")
    return FAULTS


def inject(scene: Scene, app: App, one: Fault) -> Answer:
    """Breaks the application. The answer is about it, or about what the fault says."""
    said = one.inject(scene, app)
    if isinstance(said, Answer):
        return said
    return Answer(one.failure_class, said or f"app/{app.name}", one.evidence)
