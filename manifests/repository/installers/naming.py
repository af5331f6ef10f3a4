"""Other files that name what is to be applied: objects of deployers less common, and lists that a chart or a program
reads. Pure.

Config Sync's RootSync and RepoSync and Fleet's GitRepo apply folders as they are; of kapp-controller's App and of any
other list of paths nobody here can tell what becomes of them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from manifests.objects.shapes import items, mapping, mappings, text
from manifests.refused import Refused
from manifests.repository import argocd
from manifests.repository.index import Index
from manifests.repository.installers import commands, sources
from manifests.repository.installers.model import Installer
from manifests.repository.kustomize import NAMES
from manifests.text import equivalence
from schemas.base import Json

_APPLYING = ("rootsync", "reposync", "gitrepo", "app")
LISTED = "nobody here can tell what is made of what it lists"
#: Keys under which files of deployers name a folder or file.
_NAMED = re.compile(
    r"""["']?\b(?:path|src|chart|chartPath|subPath|dir|directory|folder|source|manifests?|values?File)["']?\s*:\s*"""
    r"""["']?/?(?:\./)?([\w.-]+(?:/[\w.-]+)+)/?["']?\s*(?=[,}\n\]#]|$)"""
)
#: Files in which a path means something else, and those that the map reads itself.
_APART = re.compile(
    r"(^|/)(\.[^/]+/.*|mkdocs\.ya?ml|renovate[^/]*|dependabot[^/]*|labeler\.ya?ml|release-please[^/]*|package[^/]*\.json"
    r"|tsconfig[^/]*|\.[^/]+|codecov\.ya?ml|sonar[^/]*|Chart\.ya?ml|fleet\.ya?ml|helmfile[^/]*|skaffold[^/]*"
    r"|[Oo]pen[Aa]pi[^/]*|swagger[^/]*|Taskfile\.ya?ml)$"
)
_READ = ("application", "applicationset", *_APPLYING)


def installers(index: Index) -> Iterator[Installer]:
    """Everything of that sort."""
    for kind in _APPLYING:
        for path in index.by_kind.get(kind, []):
            yield from _of_objects(index, path, kind)
    read = {path for kind in _READ for path in index.by_kind.get(kind, ())}
    read -= set(index.by_kind.get("list", ()))
    releasing = index.by_kind.get("helmrelease", ())
    for path, content in index.texts.items():
        if path in read or _is_apart(path) or "kustomize.toolkit.fluxcd.io/v" in content:
            continue
        pattern = named_in(index, content, charts=path not in releasing)
        if pattern is not None:
            yield Installer(path, pattern=pattern, words=(path,), trouble=LISTED)


def named_in(index: Index, content: str, *, charts: bool = True) -> re.Pattern[str] | None:
    """The files and folders of the repository that a text lists; ``charts``: also as something's chart."""
    named = dict.fromkeys(
        shape
        for found in _NAMED.finditer(content)
        if charts or "chart" not in found[0].partition(":")[0].lower()
        for shape in _shapes(index, found[1])
    )
    return re.compile("|".join(named)) if named else None


def _is_apart(path: str) -> bool:
    return (
        bool(_APART.search(path))
        or posixpath.basename(path) in NAMES
        or commands.is_script(path)
        or sources.is_source(path)
        or "/templates/" in f"/{path}"
    )


def _shapes(index: Index, written: str) -> Iterator[str]:
    """The file or folder of the repository that is named by its whole path."""
    name = posixpath.normpath(written)
    if name in index.texts:
        yield re.escape(name)
    elif any(path.startswith(name + "/") for path in index.texts):
        yield re.escape(name) + "/.*"


def _of_objects(index: Index, path: str, kind: str) -> Iterator[Installer]:
    try:
        documents = index.documents(path)
    except Refused:
        return
    for document in documents:
        item = equivalence.filled(document.root)
        if isinstance(item, Mapping) and text(item, "kind").lower() == kind:
            yield from _of_object(item, path, kind)


def _of_object(item: Json, place: str, kind: str) -> Iterator[Installer]:
    name = f"{text(item, 'kind')} {text(item, 'metadata', 'name')} in {place}"
    spec = mapping(item, "spec")
    folders = [text(spec, "git", "dir"), *(str(one) for one in items(spec, "paths"))]
    folders += [text(fetch, "git", "subPath") for fetch in mappings(spec, "fetch")]
    targets = [text(target, "name") for target in mappings(spec, "targets")]
    words = (*targets, place, text(item, "metadata", "name"), *folders)
    trouble = "kapp-controller renders it" if kind == "app" else ""
    for folder in [argocd.folder_of(written) for written in folders if written]:
        yield Installer(
            name, folder, words=tuple(w for w in words if w), recursive=True, trouble=trouble
        )
