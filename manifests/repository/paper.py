"""Files of a repository's documentation: manifests that explain, and that nobody applies. Pure."""

from __future__ import annotations

import posixpath
import re

from manifests.repository.index import RepositoryIndex

_CALLED = frozenset({"docs", "doc", "documentation", "examples", "example"})
_INSTALLING = ("application", "applicationset", "helmrelease", "gitrepo")
_FLUX = "kustomize.toolkit.fluxcd.io"


def is_paper(index: RepositoryIndex, path: str) -> bool:
    """Is it a file below a folder that is called like documentation and that nothing outside of it names, in a repository
    that declares beside it what it installs?"""
    folder = _folder_of(path)
    if not folder:
        return False
    known = index.memo.setdefault("papers", {})
    assert isinstance(known, dict)
    if folder not in known:
        known[folder] = _declares_elsewhere(index) and not _is_named(index, folder)
    found: bool = known[folder]
    return found


def _folder_of(path: str) -> str:
    parts = posixpath.dirname(path).split("/")
    at = next((n for n, part in enumerate(parts) if part.lower() in _CALLED), None)
    return "" if at is None else "/".join(parts[: at + 1])


def _declares_elsewhere(index: RepositoryIndex) -> bool:
    declaring = [path for kind in _INSTALLING for path in index.by_kind.get(kind, ())]
    declaring += [p for p in index.by_kind.get("kustomization", ()) if _FLUX in index.texts[p]]
    return any(not _folder_of(path) for path in declaring)


def _is_named(index: RepositoryIndex, folder: str) -> bool:
    """Does a file outside say the folder, by its path or by its own name?"""
    name, inside = posixpath.basename(folder), f"{folder}/"
    # At the start of a word, or counted from another folder: no part of an address.
    said = re.compile(
        rf"(?:(?<![\w./:-])(?:\./|/)?|\.\./)(?:{re.escape(folder)}|{re.escape(name)})(?=[/\s\"',\]}}]|$)"
    )
    for path, content in index.files.items():
        if path.startswith(inside) or path.lower().endswith((".md", ".rst", ".adoc", ".txt")):
            continue
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        if name in text and said.search(text):
            return True
    return False
