"""What Skaffold applies: manifests as they are, Kustomizations, charts. Pure.

Source: Skaffold's skaffold.yaml reference (manifests.rawYaml, manifests.repository.kustomize, deploy.kubectl, releases).
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from kfix.texts import say
from manifests.objects.shapes import items, mappings, text
from manifests.refused import NotEditable
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers.model import Installer
from manifests.text import equivalence


def installers(index: RepositoryIndex) -> Iterator[Installer]:
    """Everything that the repository's Skaffold files apply."""
    for path, content in index.texts.items():
        if "skaffold" in path and fnmatch.fnmatch(posixpath.basename(path), "skaffold*.y*ml"):
            yield from _of_file(index, path, content)


def _of_file(index: RepositoryIndex, path: str, content: str) -> Iterator[Installer]:
    try:
        documents = [equivalence.filled(d.root) for d in index.readings.read(content)]
    except NotEditable:
        return
    folder = posixpath.dirname(path)
    for document in documents:
        for node in _mappings(document):
            for written in [*items(node, "rawYaml"), *items(node, "kubectl", "manifests")]:
                pattern = posixpath.normpath(posixpath.join(folder, str(written)))
                files = tuple(p for p in index.texts if fnmatch.fnmatchcase(p, pattern))
                yield Installer(say("manifests.skaffold_by", path=path), None, files, words=(path,))
            for written in items(node, "kustomize", "paths"):
                built = posixpath.normpath(posixpath.join(folder, str(written)))
                yield Installer(
                    say("manifests.skaffold_by", path=path),
                    "" if built == "." else built,
                    words=(path, built),
                )
            for release in mappings(node, "releases"):
                yield _of_release(path, folder, release)


def _of_release(path: str, folder: str, release: Mapping[str, Any]) -> Installer:
    chart = text(release, "chartPath")
    files = [
        posixpath.normpath(posixpath.join(folder, str(f))) for f in items(release, "valuesFiles")
    ]
    return Installer(
        say("manifests.skaffold_release", name=text(release, "name"), path=path),
        posixpath.normpath(posixpath.join(folder, chart)) if chart else None,
        tuple(files),
        text(release, "namespace"),
        words=(path, text(release, "name"), text(release, "namespace"), *files),
        trouble=say("manifests.skaffold_fills_values"),
    )


def _mappings(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        yield node
        for value in node.values():
            yield from _mappings(value)
    elif isinstance(node, list):
        for item in node:
            yield from _mappings(item)
