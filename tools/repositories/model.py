"""A repository that was made, what it deploys, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

Files = Mapping[str, str]
K = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
IMAGE = "registry.example/api"


@dataclass(frozen=True)
class Field:
    """A field of a workload, its new value, and the value of a chart behind it."""

    name: str
    path: str
    value: Any
    keys: tuple[str, ...]
    set_to: Any

    def patch(self, workload: str) -> dict[str, Any]:
        """A strategic merge patch that sets it."""
        spec: dict[str, Any] = {"replicas": self.value}
        if self.name != "replicas":
            mine = {"name": "api", **({"image": self.value} if self.name == "image" else {})}
            if self.name == "memory":
                mine["resources"] = {"limits": {"memory": self.value}}
            spec = {"template": {"spec": {"containers": [mine]}}}
        kind = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": workload}}
        return {**kind, "spec": spec}


_CONTAINER = "spec.template.spec.containers[name=api]"
FIELDS = (
    Field("memory", f"{_CONTAINER}.resources.limits.memory", "777Mi",
          ("resources", "limits", "memory"), "777Mi"),
    Field("replicas", "spec.replicas", 7, ("replicaCount",), 7),
    Field("image", f"{_CONTAINER}.image", f"{IMAGE}:2.0.0", ("image", "tag"), "2.0.0"),
)  # fmt: skip
LEVEL = Field("entry", "data.LEVEL", "debug", ("level",), "debug")


@dataclass(frozen=True)
class Fix:
    """An edit that the maker of the repository knows. ``on_top``: in the settings of what deploys, beside the files."""

    change: Callable[[Files, Field], dict[str, str] | None]
    on_top: bool = False


@dataclass(frozen=True)
class Target:
    """What one environment gets. ``render`` follows the files as they are after an edit, installers included."""

    env: str
    render: Callable[[Any, Files], str]
    fixes: tuple[Fix, ...]
    object: str
    #: Names that kustomize hangs a hash on.
    hashed: tuple[str, ...] = ()
    #: Labels and annotations of the live object that K-Fix is told, where it is told any.
    live: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """A repository, what it deploys, and the one question."""

    layout: str
    installer: str
    files: dict[str, str]
    targets: tuple[Target, ...]
    env: str
    asked: Field
    traits: tuple[str, ...] = ()

    @property
    def target(self) -> Target:
        """The environment that is asked for."""
        return next(one for one in self.targets if one.env == self.env)


@dataclass
class Draft:
    """Files as they are put together."""

    files: dict[str, str] = field(default_factory=dict)
    traits: list[str] = field(default_factory=list)

    def add(self, path: str, text: str) -> None:
        """A file more, or another text of one that is there."""
        self.files[path] = text


def documents(text: str) -> list[Any]:
    """The documents of a YAML text."""
    return [one for one in yaml.safe_load_all(text) if one is not None]


def dumped(found: list[Any]) -> str:
    """Documents as text."""
    return yaml.safe_dump_all(found, sort_keys=False)


def put(node: Any, keys: tuple[Any, ...], value: Any) -> None:
    """Sets a value inside of mappings and lists, in place; missing mappings are made."""
    for key in keys[:-1]:
        node = node[key] if isinstance(node, list) else node.setdefault(key, {})
    node[keys[-1]] = value


def setting(path: str, *before: Any, document: int = 0) -> Fix:
    """The value of a chart set in a file, below ``before``."""

    def change(files: Files, asked: Field) -> dict[str, str] | None:
        found = documents(files.get(path, "")) or [{}]
        put(found[document], (*before, *asked.keys), asked.set_to)
        return {path: dumped(found)}

    return Fix(change)


def leaves(text: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every scalar of every object: (kind, name, namespace, path…); items of lists by their name."""
    for number, item in enumerate(documents(text)):
        if isinstance(item, dict):
            metadata = item.get("metadata") or {}
            where = str(metadata.get("namespace", f"#{number}"))
            key = (str(item.get("kind")), str(metadata.get("name")), where)
            yield from (((*key, *path), value) for path, value in _walk(item, ()))


def _walk(node: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _walk(value, (*path, str(key)))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            named = isinstance(value, dict) and "name" in value
            yield from _walk(value, (*path, str(value["name"]) if named else str(number)))
    else:
        yield path, node
