"""Scenarios and the company, read from the data files beside this module."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

_HERE = Path(__file__).parent


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NodeData(_Data):
    """A node's allocatable."""

    name: str
    cpu: str
    memory: str


class PersonData(_Data):
    """Somebody who writes or merges."""

    username: str
    name: str
    role: Literal["developer", "maintainer"]


class ServiceData(_Data):
    """What a service needs (see ``sandbox.physics.Need``), and how its requests and its calls are named in traces."""

    cpu_cores: float
    memory_mib: float
    requests_per_s: float = 10.0
    latency_ms: float = 50.0
    environment: dict[str, str] = Field(default_factory=dict)
    operation: str = "http.request"
    calls: tuple[str, ...] = ()


class NeighbourData(_Data):
    """A Service of another team, and where it leads."""

    namespace: str
    name: str
    port: int
    address: str


class MonitorData(_Data):
    """A monitor and the conditions that set it off."""

    id: int
    name: str
    query: str
    thresholds: dict[str, float]
    conditions: tuple[str, ...]


class Company(_Data):
    """The whole company."""

    cluster: str
    namespace: str
    project: str
    nodes: tuple[NodeData, ...]
    images: tuple[str, ...]
    people: tuple[PersonData, ...]
    services: dict[str, ServiceData]
    neighbours: tuple[NeighbourData, ...] = ()
    monitors: tuple[MonitorData, ...]


class Replacement(_Data):
    """Text that a commit exchanges; ``old`` must occur once."""

    old: str
    new: str


class CommitData(_Data):
    """A change of the deployment repository that somebody merged."""

    author: str
    message: str
    path: str
    replace: Replacement


class NeedData(_Data):
    """What changes in a service's need; ``None`` leaves it."""

    cpu_cores: float | None = None
    memory_mib: float | None = None
    leak_mib_per_min: float | None = None


class Expected(_Data):
    """What a good answer is, for tests."""

    status: Literal["solution_proposed", "no_action", "needs_human"]
    object: str = ""
    path: str = ""


class Scenario(_Data):
    """Something that breaks one service."""

    name: str
    title: str
    service: str
    need: NeedData = NeedData()
    commit: CommitData | None = None
    #: Cores that other work leaves free on each node; ``None``: all of it.
    nodes_free_cpu: float | None = None
    logs: tuple[str, ...] = ()
    recovers_by_itself: bool = False
    #: Prometheus' rule that tells of it first; empty: none does.
    rule: str = ""
    expected: Expected


@cache
def company() -> Company:
    """The company. Raises pydantic.ValidationError when its file is wrong."""
    text = (_HERE / "company" / "company.yaml").read_text(encoding="utf-8")
    return Company.model_validate(yaml.safe_load(text))


@cache
def scenarios() -> dict[str, Scenario]:
    """All scenarios by name. Raises pydantic.ValidationError when a file is wrong."""
    found = sorted((_HERE / "scenarios").glob("*.yaml"))
    return {
        path.stem: Scenario.model_validate(
            {"name": path.stem, **yaml.safe_load(path.read_text(encoding="utf-8"))}
        )
        for path in found
    }


def repository_files() -> dict[str, str]:
    """The deployment repository's files, path to text."""
    root = _HERE / "company" / "repository"
    return {
        str(path.relative_to(root)): path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
