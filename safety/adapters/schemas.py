"""Kubernetes' published schemas through `kubernetes-validate`: offline, strict about unknown fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Any

from schemas.base import Json

Reader = Callable[[str], str | None]
_PACKAGE = "kubernetes_validate"
_ROOT = "kubernetes-json-schema"
#: Validators kept per version: more kinds than a cluster's repositories use, and bounded.
_KINDS = 256
_WORD = re.compile(r"[A-Za-z0-9]+")


def packaged(path: str) -> str | None:
    """The text of a file that ``kubernetes-validate`` carries; ``None`` when it has none of that path."""
    try:
        return files(_PACKAGE).joinpath(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


class PublishedSchemas:
    """``safety.ports.Schemas`` for one Kubernetes version; the newest known when none is given.

    The schema set is read and decoded once per process and version, then shared: all kinds refer into one file of
    1.8 MB, and decoding that takes far longer than judging an object. ``read`` gives the text of a file of the
    package by its path in it, ``None`` when there is no such file.
    """

    def __init__(self, version: str = "", read: Reader = packaged) -> None:
        self._version = version
        self._read = read

    def validate(self, item: Json) -> str | None:
        """The first fault as a sentence, empty where it is valid, ``None`` for a kind that the schemas do not know."""
        judge = _schema_set(self._version, self._read).validator(
            str(item.get("apiVersion")), str(item.get("kind"))
        )
        if judge is None:
            return None
        failure = next(judge.iter_errors(item), None)
        return "" if failure is None else _sentence(failure)


class _SchemaSet:
    """The schemas of one version: the shared definitions, and a validator per kind that was asked for."""

    def __init__(self, folder: str, read: Reader) -> None:
        import jsonschema  # type: ignore[import-untyped]
        from referencing import Registry, Resource

        self._folder, self._read = folder, read
        self._resource, self._draft = Resource, jsonschema.validators.Draft202012Validator
        definitions: Any = Resource.from_contents(self._decoded("_definitions"))
        #: Crawled: an uncrawled registry walks all definitions again at each reference.
        self._registry: Any = (definitions @ Registry()).crawl()
        self.validator = lru_cache(maxsize=_KINDS)(self._validator)

    def _decoded(self, stem: str) -> Any:
        text = self._read(f"{_ROOT}/{self._folder}/{stem}.json")
        return None if text is None else json.loads(text)

    def _validator(self, api_version: str, kind: str) -> Any:
        """What judges objects of the kind; ``None`` when it has no schema here (custom resources)."""
        group, grouped, version = api_version.rpartition("/")
        parts = [kind.lower(), *([group.partition(".")[0]] if grouped else []), version]
        if not all(_WORD.fullmatch(part) for part in parts):
            return None  # such a kind is nobody's, and would be a path
        schema = self._decoded("-".join(parts))
        if schema is None:
            return None
        registry = self._resource.from_contents(schema) @ self._registry
        return self._draft(schema, registry=registry)


@lru_cache(maxsize=4)
def _schema_set(version: str, read: Reader) -> _SchemaSet:
    return _SchemaSet(_folder(version), read)


def _folder(version: str) -> str:
    """The newest schemas that are not newer than the version, as ``kubernetes-validate`` chooses.

    Raises its VersionNotSupportedError when the version is newer than all schemas, or older.
    """
    from kubernetes_validate.utils import VersionNotSupportedError

    known = {
        (int(found[1]), int(found[2])): entry.name
        for entry in files(_PACKAGE).joinpath(_ROOT).iterdir()
        if (found := re.fullmatch(r"v(\d+)\.(\d+)\.\d+-local-strict", entry.name))
    }
    if not version:
        return known[max(known)]
    asked = re.match(r"v?(\d+)\.(\d+)", version)
    minor = (int(asked[1]), int(asked[2])) if asked else (0, 0)
    if not min(known) <= minor <= max(known):
        raise VersionNotSupportedError(version=version)
    return known[max(m for m in known if m <= minor)]


def _sentence(failure: Any) -> str:
    path = ".".join(str(part) for part in failure.path)
    return f"{path}: {str(failure.message)[:200]}" if path else str(failure.message)[:200]
