"""Does an installer read what is edited: this repository, at the branch that the edit is made on? Pure.

Sources: Argo CD's tracking strategies and directory pages (3.x), Flux's GitRepository v1 reference.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from kfix.texts import say
from manifests.objects.shapes import mapping, text
from manifests.refused import NotEditable
from manifests.repository import argocd
from manifests.repository.declared import declared_objects
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers.model import Apart, Directory
from manifests.text import equivalence
from schemas.base import Json

_MAIN = ("main", "master")
#: What is no branch: a commit, a tag by its full name, a version, a range of versions.
_FIXED = re.compile(r"[0-9a-f]{40}|refs/tags/.+|v?\d+\.\d+\.\d+([-+].*)?|.*[*^~:].*|[<>=].*")
_HOLE = re.compile(r"\{\{|\$")
#: Fields of a GitRepository's ref, the first that is set decides.
_REFS = ("commit", "name", "semver", "tag", "branch")


def of_source(index: RepositoryIndex, source: Mapping[str, Any]) -> Apart | None:
    """Of a source of an Application; ``None``: it reads what is edited. A chart's own revision is its version."""
    if source.get("chart"):
        return None
    return _other_repository(index, text(source, "repoURL")) or _other_revision(
        index, text(source, "targetRevision")
    )


def of_reference(
    index: RepositoryIndex, item: Json, place: str, said: Mapping[str, Any]
) -> Apart | None:
    """Of Flux's ``sourceRef`` in an object declared at ``place``. Of several GitRepositories of that name the nearest
    is meant; where that is not certain, or none is declared here, it counts as reading what is edited."""
    if text(said, "kind") != "GitRepository":
        return None
    namespace = text(said, "namespace") or text(item, "metadata", "namespace")
    found: list[tuple[int, Apart | None]] = []
    for path, other in _repositories(index):
        where = text(other, "metadata", "namespace")
        if text(other, "metadata", "name") == text(said, "name") and (
            not namespace or where in ("", namespace)
        ):
            near = len(posixpath.commonprefix([path.split("/"), place.split("/")]))
            found.append((near, _of_repository(index, other)))
    nearest = [apart for near, apart in found if near == max(n for n, _ in found)]
    return nearest[0] if nearest and all(one == nearest[0] for one in nearest) else None


def meant(index: RepositoryIndex, item: Json, place: str, folder: str) -> list[str]:
    """The folders that a Flux Kustomization's path may mean. In a GitRepository that is declared here it counts from the
    root, unless that takes others in; in an artifact from wherever that begins."""
    if not folder or folder in index.folders():
        return [folder]
    said = mapping(item, "spec", "sourceRef")
    known = [
        one
        for _, one in _repositories(index)
        if text(one, "metadata", "name") == text(said, "name")
    ]
    inside = any(mapping(one, "spec").get("include") for one in known)
    if text(said, "kind") == "GitRepository" and known and not inside:
        return [folder]
    found = dict.fromkeys(
        path[: path.index(f"/{folder}/") + 1 + len(folder)]
        for path in index.texts
        if f"/{folder}/" in path
    )
    return list(found) or [folder]


def _of_repository(index: RepositoryIndex, item: Json) -> Apart | None:
    ref = mapping(item, "spec", "ref")
    kind = next((name for name in _REFS if ref.get(name)), "")
    revision = text(ref, kind) if kind else ""
    if kind in ("commit", "semver", "tag"):
        other: Apart | None = _elsewhere(index, revision, surely=True)
    else:
        other = _other_revision(index, revision)
    return _other_repository(index, text(item, "spec", "url")) or other


def _repositories(index: RepositoryIndex) -> list[tuple[str, Json]]:
    found = []
    for path in index.by_kind.get("gitrepository", ()):
        try:
            documents = index.documents(path)
        except NotEditable:
            continue
        items = (equivalence.filled(document.root) for document in documents)
        found += [
            (path, i) for i in items if isinstance(i, dict) and text(i, "kind") == "GitRepository"
        ]
    return found


def _other_revision(index: RepositoryIndex, revision: str) -> Apart | None:
    name = revision.strip().removeprefix("refs/heads/")
    if name in ("", "HEAD", *(index.branches or _MAIN)) or _HOLE.search(name):
        return None
    return _elsewhere(index, name, surely=len(index.branches) == 1 or bool(_FIXED.fullmatch(name)))


def _elsewhere(index: RepositoryIndex, revision: str, *, surely: bool) -> Apart:
    edited = index.branches[0] if index.branches else say("manifests.main_branch")
    return Apart(
        say("manifests.deploys_revision_edit_made_on", revision=revision[:100], edited=edited),
        surely,
    )


def _other_repository(index: RepositoryIndex, url: str) -> Apart | None:
    """Where the own path is not known, the one of most sources is: of another name is another repository, perhaps."""
    path = argocd.path_of(url)
    if not path or _HOLE.search(path):
        return None
    own = index.project.lower()
    known = bool(own) and not own.isdigit()
    own = own if known else _usual(index)
    if not own or path == own or (path.endswith("/" + own) and own not in _named(index)):
        return None
    named_alike = posixpath.basename(path) == posixpath.basename(own)
    if named_alike and not known:
        return None
    return Apart(
        say("manifests.deploys_from_repository", path=path[:100]), known and not named_alike
    )


def _named(index: RepositoryIndex) -> frozenset[str]:
    """The repositories that sources name. Where one is called just like this one, a longer path is none of its addresses."""
    known = index.memo.get("named repositories")
    if not isinstance(known, frozenset):
        said = [text(one, "spec", "url") for _, one in _repositories(index)]
        for kind in ("application", "applicationset"):
            for _, item in declared_objects(index, kind):
                of = mapping(item, "spec", "template") or item
                said += [text(source, "repoURL") for _, source in argocd.sources(dict(of))]
        known = frozenset(map(argocd.path_of, said))
        index.memo["named repositories"] = known
    return known


def _usual(index: RepositoryIndex) -> str:
    """The repository that more than half of the sources name whose folders are here, two at least; empty: none."""
    known = index.memo.get("usual repository")
    if isinstance(known, str):
        return known
    counted = Counter(
        argocd.path_of(text(source, "repoURL"))
        for _, item in declared_objects(index, "application")
        for _, source in argocd.sources(item)
        if source.get("path") and _is_here(index, argocd.folder_of(text(source, "path")))
    )
    (first, count), *_ = counted.most_common(1) or [("", 0)]
    found = first if count > 1 and count * 2 > counted.total() else ""
    index.memo["usual repository"] = found
    return found


def _is_here(index: RepositoryIndex, folder: str) -> bool:
    return folder in index.folders()


def directory_of(source: Mapping[str, Any]) -> Directory:
    """Which files of a folder without Kustomization and chart an Application's source applies."""
    said = mapping(source, "directory")
    include, exclude = text(said, "include"), text(said, "exclude")
    return Directory(_glob(include) if include else None, _glob(exclude) if exclude else None)


def _glob(pattern: str) -> re.Pattern[str]:
    """As Argo CD reads it: a star goes over slashes, ``{a,b}`` is either. One that it cannot read fits nothing."""
    out, depth, at = "", 0, 0
    while at < len(pattern):
        char = pattern[at]
        closing = pattern.find("]", at + 1) if char == "[" else -1
        if char == "\\" and at + 1 < len(pattern):
            at += 1
            out += re.escape(pattern[at])
        elif closing > 0:
            inside = pattern[at + 1 : closing].replace("\\", "")
            out += "[" + ("^" + inside[1:] if inside[:1] == "!" else inside) + "]"
            at = closing
        elif char in "{}":
            depth += 1 if char == "{" else -1
            out += "(?:" if char == "{" else ")"
        else:
            out += {"*": ".*", "?": "."}.get(char) or (
                "|" if char == "," and depth else re.escape(char)
            )
        at += 1
    try:
        return re.compile(out, re.DOTALL)
    except re.error:
        return re.compile(r"(?!)")
