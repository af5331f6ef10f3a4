"""Reads a folder that holds a repository's files, by the same rules as a repository behind GitLab's API."""

from __future__ import annotations

import os
from pathlib import Path

from manifests.refused import EditRefused, NotEditable
from manifests.repository import tree
from manifests.text.read import MAX_CHARS


def read_checkout(folder: Path) -> tuple[dict[str, bytes], dict[str, EditRefused]]:
    """(files by path, refused paths): manifests below ``folder``. Symlinks, submodules and oversized files are refused.

    Raises OSError when the folder cannot be read.
    """
    files: dict[str, bytes] = {}
    refused: dict[str, EditRefused] = {}
    for where, folders, names in os.walk(folder, followlinks=False):
        below = os.path.relpath(where, folder).replace(os.sep, "/")
        prefix = "" if below == "." else below + "/"
        for name in list(folders):
            path, full = prefix + name, Path(where, name)
            if name == ".git":
                folders.remove(name)
            elif full.is_symlink() or (full / ".git").is_file():
                folders.remove(name)
                refused[path] = EditRefused("UNSAFE_PATH", f"{path} is a symlink or a submodule")
        for name in names:
            path, full = prefix + name, Path(where, name)
            if not tree.is_manifest(name) and not _is_companion(full, path):
                continue
            try:
                files[path] = read_file(full, path)
            except NotEditable as reason:
                refused[path] = reason.refused
    return files, refused


def branches_of(folder: Path) -> tuple[str, ...]:
    """Branches that an edit of the checkout is made on or may be merged into; empty where Git does not say.

    The branch that is checked out alone where that is the main one, else also the main ones: work is done on branches.
    """
    try:
        said = (folder / ".git" / "HEAD").read_text(errors="replace").strip()
    except OSError:
        return ()
    branch = said.removeprefix("ref: refs/heads/")
    if branch == said or not branch:
        return ()
    return (branch,) if branch in ("main", "master") else (branch, "main", "master")


def read_links(folder: Path) -> dict[str, str]:
    """Targets of all symlinks below ``folder`` as they are written, by path. Raises OSError."""
    links: dict[str, str] = {}
    for where, folders, names in os.walk(folder, followlinks=False):
        if ".git" in folders:
            folders.remove(".git")
        for name in (*folders, *names):
            full = Path(where, name)
            if full.is_symlink():
                links[full.relative_to(folder).as_posix()] = str(full.readlink())
    return links


def read_folder(folder: Path) -> tuple[dict[str, bytes], dict[str, EditRefused]]:
    """As ``read_checkout``, of the folder's own manifests alone."""
    files: dict[str, bytes] = {}
    refused: dict[str, EditRefused] = {}
    for full in folder.iterdir():
        if tree.is_manifest(full.name) and not full.is_dir():
            try:
                files[full.name] = read_file(full, full.name)
            except NotEditable as reason:
                refused[full.name] = reason.refused
    return files, refused


def _is_companion(file: Path, path: str) -> bool:
    if file.is_symlink() or not file.is_file():
        return False
    return tree.is_companion(path, file.stat().st_size)


def read_file(file: Path, path: str) -> bytes:
    """One plain file's bytes. Raises NotEditable UNSAFE_PATH, TOO_BIG, NOT_FOUND."""
    tree.check_path(path)
    if file.is_symlink():
        tree.check_mode(path, "120000")
    if not file.is_file():
        raise NotEditable("NOT_FOUND", f"no file {path}")
    if file.stat().st_size > 4 * MAX_CHARS:
        raise NotEditable("TOO_BIG", f"{path} is larger than {4 * MAX_CHARS} bytes")
    return file.read_bytes()
