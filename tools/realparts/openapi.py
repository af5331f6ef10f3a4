"""Datadog's own OpenAPI descriptions, out of the source archive of its official client: that of the lock, by its hashes.

The archive comes from the package index once; what is kept in the cache (``~/.cache/kfix`` or ``KFIX_TEST_CACHE``) are the
descriptions of the asked paths with all that they refer to, as JSON.

    descriptions(("/api/v1/monitor/{monitor_id}", …))   # one OpenAPI document a version of the API
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

_PACKAGE = "datadog-api-client"
_LOCK = Path(__file__).resolve().parents[2] / "requirements" / "run.lock"
_PLACE = ".generator/schemas/{version}/openapi.yaml"
VERSIONS = ("v1", "v2")
Document = dict[str, Any]


class Unobtainable(Exception):
    """The descriptions cannot be had on this machine; the text is one line and says why."""


def descriptions(paths: Iterable[str]) -> list[Document]:
    """The documents, each with those of the paths that it has. Raises Unobtainable."""
    wanted, locked = sorted(paths), _locked()
    key = hashlib.sha256("\n".join([locked, *wanted]).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("KFIX_TEST_CACHE", Path.home() / ".cache" / "kfix"))
    kept = cache / "openapi" / f"datadog-{key}.json"
    if not kept.is_file():
        found = [pruned(document, wanted) for document in _fetched(locked)]
        kept.parent.mkdir(parents=True, exist_ok=True)
        new = kept.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(found, default=str), "utf-8")  # YAML's dates stand in examples
        new.replace(kept)
    loaded: list[Document] = json.loads(kept.read_text("utf-8"))
    return loaded


def _locked() -> str:
    """The client's lines in the lock: its version and the hashes of its archives."""
    found = re.search(
        rf"^{_PACKAGE}(?:\[\w+\])?==[^\\\n]*(?:\\\n[^\\\n]*)*", _LOCK.read_text("utf-8"), re.M
    )
    if found is None:
        raise Unobtainable(f"{_LOCK.name} has no {_PACKAGE}")
    return found[0]


def _fetched(locked: str) -> list[Document]:
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "wanted.txt"
        wanted.write_text(locked, "utf-8")
        pip = (
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
        )
        exact = ("--require-hashes", "--no-binary", _PACKAGE, "--dest", scratch, "--requirement")
        done = subprocess.run([*pip, *exact, wanted], capture_output=True, text=True, check=False)
        archives = list(Path(scratch).glob("*.tar.gz"))
        if done.returncode or not archives:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Unobtainable(f"the source of {_PACKAGE} cannot be fetched: {last}")
        with tarfile.open(archives[0]) as archive:
            return [_read(archive, version) for version in VERSIONS]


def _read(archive: tarfile.TarFile, version: str) -> Document:
    ending = "/" + _PLACE.format(version=version)
    name = next((n for n in archive.getnames() if n.endswith(ending)), None)
    file = archive.extractfile(name) if name else None
    if file is None:
        raise Unobtainable(f"the source of {_PACKAGE} has no {ending[1:]}")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    read: Document = yaml.load(file, Loader=loader)
    return read


def pruned(document: Document, paths: Iterable[str]) -> Document:
    """The document with these paths alone and all that they refer to, served from wherever it is asked."""
    kept: Document = {"paths": {p: document["paths"][p] for p in paths if p in document["paths"]}}
    queue = [kept["paths"], {"schemes": document["components"]["securitySchemes"]}]
    components: Document = {"securitySchemes": document["components"]["securitySchemes"]}
    while queue:
        for ref in _references(queue.pop()):
            _, _, section, name = ref.split("/")
            if name not in components.setdefault(section, {}):
                found = components[section][name] = document["components"][section][name]
                queue.append(found)
    same = {key: document[key] for key in ("openapi", "info", "security") if key in document}
    return {**same, "servers": [{"url": "/"}], **kept, "components": components}


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        ref = node.get("$ref")
        if isinstance(ref, str):
            yield ref
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
