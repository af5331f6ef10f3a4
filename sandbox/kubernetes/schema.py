"""Kubernetes' own OpenAPI schemas (from ``kubernetes-validate``): what fields there are, of what type, merged how."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from referencing import Registry, Resource

VERSION = "1.37.0"
_ROOT = f"kubernetes-json-schema/v{VERSION}-local-strict"


@lru_cache(maxsize=1)
def _definitions() -> dict[str, Any]:
    text = files("kubernetes_validate").joinpath(f"{_ROOT}/_definitions.json").read_text()
    return dict(json.loads(text))


@lru_cache(maxsize=1)
def _registry() -> Any:
    return Resource.from_contents(_definitions()) @ Registry()


@lru_cache(maxsize=128)
def root(api_version: str, kind: str) -> Mapping[str, Any] | None:
    """The schema of a kind; ``None`` for kinds that have none here (custom resources)."""
    group, _, version = api_version.rpartition("/")
    stem = "-".join(filter(None, (kind.lower(), group.partition(".")[0], version)))
    try:
        text = files("kubernetes_validate").joinpath(f"{_ROOT}/{stem}.json").read_text()
    except FileNotFoundError:
        return None
    return dict(json.loads(text))


@lru_cache(maxsize=128)
def _validator(api_version: str, kind: str) -> Any:
    schema = root(api_version, kind)
    if schema is None:
        return None
    registry = Resource.from_contents(schema) @ _registry()
    return jsonschema.validators.Draft202012Validator(schema, registry=registry)


def resolve(node: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The node itself, or what its ``$ref`` points at; an empty schema where there is none."""
    while node and "$ref" in node:
        node = _definitions()["$defs"].get(str(node["$ref"]).rpartition("/")[2])
    return node or {}


def child(node: Mapping[str, Any] | None, key: str) -> Mapping[str, Any] | None:
    """Schema of a mapping's entry, not yet resolved (list annotations stand beside the ``$ref``)."""
    resolved = resolve(node)
    found = (resolved.get("properties") or {}).get(key)
    if found is None and isinstance(resolved.get("additionalProperties"), dict):
        found = resolved["additionalProperties"]
    return found


def _path(parts: Any) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


class Misfit(Exception):
    """The object does not fit its kind. ``path`` is the first trouble, ``unknown`` says it is a field nobody knows."""

    def __init__(self, path: str, message: str, *, unknown: bool) -> None:
        super().__init__(message)
        self.path = path
        self.unknown = unknown


def _unexpected(trouble: Any) -> list[str]:
    known = trouble.schema.get("properties") or {}
    return sorted(key for key in trouble.instance if key not in known)


def _troubles(obj: dict[str, Any]) -> Iterator[Any]:
    validator = _validator(str(obj.get("apiVersion")), str(obj.get("kind")))
    return iter(()) if validator is None else validator.iter_errors(obj)


def check(obj: dict[str, Any], *, strict: bool) -> None:
    """Raises Misfit for a wrong type, then (``strict``) for an unknown field. Else unknown fields are dropped in place.

    Missing required fields are left to validation, which words them as the server does.
    """
    unknown: list[tuple[Any, list[str]]] = []
    for trouble in _troubles(obj):
        if trouble.validator == "additionalProperties":
            unknown.append((trouble, _unexpected(trouble)))
        elif trouble.validator in ("type", "oneOf", "anyOf", "pattern"):
            raise Misfit(_path(trouble.absolute_path), trouble.message[:200], unknown=False)
    if strict and unknown:
        trouble, names = unknown[0]
        raise Misfit(_path([*trouble.absolute_path, names[0]]), "unknown field", unknown=True)
    for trouble, names in unknown:
        for name in names:
            trouble.instance.pop(name, None)
