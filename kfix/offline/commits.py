"""What was committed to the files of a checkout, read by the installed git from its own ``.git`` folder alone.

A checkout is somebody else's: its configuration and attributes may name programs, and none of them is run (no pager, no
external diff, no text conversion, no signature check, no hook, no transport). Without git, or where it does not answer in
time, there is no history.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from enrich.core.commits import taken_away, written
from enrich.core.reads import read_by
from kfix.incident.forge.port import Commit, LostFile
from manifests.objects.meta import ref_of
from manifests.text.undoing import is_removal
from schemas.base import ObjectRef
from schemas.context import Change, ContextBundle

#: Seconds of one question, and bytes of its answer that are read.
_TIMEOUT_S = 5.0
_OUTPUT = 4 * 1024 * 1024
#: Files whose commits are read, and commits of each.
_FILES, _COMMITS = 12, 5
#: Commits that took manifests away.
_LOST = 20
_MANIFESTS = (".yaml", ".yml")
#: The path of a file that a diff takes away.
_TAKEN = re.compile(r"^--- a/(?P<path>[^\n\t]+)\t?\n\+\+\+ /dev/null$", re.M)
#: Files that set values of objects which other files declare.
_SETTINGS = re.compile(r"values[\w.-]*\.ya?ml|kustomization\.ya?ml|Kustomization")
_RECORD, _FIELD = "\x1e", "\x1f"
_QUIET = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never"),
    *(
        "-c",
        "core.attributesFile=/dev/null",
        "-c",
        "core.quotePath=false",
        "-c",
        "gpg.program=false",
    ),
    *("--no-pager", "--literal-pathspecs", "--no-replace-objects", "--no-optional-locks"),
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "PATH": "",
}


def has_history(folder: Path) -> bool:
    """The folder is the top of a checkout whose history lies in it."""
    own = folder / ".git"
    return own.is_dir() and not own.is_symlink() and (own / "HEAD").is_file()


def changes_around(folder: Path, bundle: ContextBundle, files: Mapping[str, bytes]) -> list[Change]:
    """The commits of the files that declare what the bundle is about and what that reads; empty without history."""
    if not has_history(folder):
        return []
    about = dict(list(_about(bundle, files).items())[:_FILES])
    found = [
        change
        for path, ref in about.items()
        for change in written(ref, path, files[path], commits_of(folder, path, _COMMITS))
    ]
    missing = _missing(bundle)
    return found + (taken_away(missing, lost_files(folder, _LOST)) if missing else [])


def _missing(bundle: ContextBundle) -> list[ObjectRef]:
    """ConfigMaps that the subject reads and nothing declares."""
    subject = bundle.k8s_context.subject
    reads = read_by(subject, bundle.k8s_context.objects) if subject is not None else ()
    declared = {(of.kind, of.name) for of in (ref_of(one.object) for one in bundle.declared)}
    return [r for r in reads if r.kind == "ConfigMap" and (r.kind, r.name) not in declared]


def lost_files(folder: Path, limit: int) -> list[LostFile]:
    """Manifests that the newest commits of the checked-out branch took away, newest first."""
    asked = ("--diff-filter=D", *_log(limit), "HEAD", "--")
    return [
        LostFile(path, replace(commit, diff=part))
        for commit in _logged(folder, asked)
        for path, part in _parts(commit.diff)
    ]


def _parts(diff: str) -> Iterator[tuple[str, str]]:
    """Each file's path and part of a diff that takes files away."""
    for part in re.split(r"^(?=diff --git )", diff, flags=re.M):
        said = _TAKEN.search(part)
        if said is not None and said["path"].endswith(_MANIFESTS) and is_removal(part):
            yield said["path"], part


def _about(bundle: ContextBundle, files: Mapping[str, bytes]) -> dict[str, ObjectRef | None]:
    """Path of each file of interest, the object's own first, and the object that it is read for."""
    subject = bundle.k8s_context.subject
    found: dict[str, ObjectRef | None] = {}
    reads = read_by(subject, bundle.k8s_context.objects) if subject is not None else ()
    for ref in (*((subject,) if subject is not None else ()), *reads):
        for entry in bundle.declared:
            of = ref_of(entry.object)
            same = (of.kind, of.name) == (ref.kind, ref.name)
            if same and of.namespace in ("", ref.namespace) and entry.path in files:
                found.setdefault(entry.path, ref)
    for path in sorted(files):
        if _SETTINGS.fullmatch(path.rpartition("/")[2]):
            found.setdefault(path, subject)
    return found


def commits_of(folder: Path, path: str, limit: int) -> list[Commit]:
    """The newest commits of the checked-out branch that touched a file, newest first, each with its diff."""
    return _logged(folder, (*_log(limit), "HEAD", "--", path))


def _log(limit: int) -> tuple[str, ...]:
    return (
        *(f"--max-count={limit}", "--first-parent", "--diff-merges=first-parent", "-p"),
        *("--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-color", "--no-renames"),
        *("--no-mailmap", "--date-order", "--unified=3", "--src-prefix=a/", "--dst-prefix=b/"),
        f"--format={_RECORD}%H{_FIELD}%an{_FIELD}%cI{_FIELD}%s{_FIELD}",
    )


def _logged(folder: Path, asked: tuple[str, ...]) -> list[Commit]:
    git = shutil.which("git")
    if git is None or not has_history(folder):
        return []
    place = (f"--git-dir={folder / '.git'}", f"--work-tree={folder}")
    return list(_commits(_answer([git, *_QUIET, *place, "log", *asked])))


def _answer(command: list[str]) -> str:
    """What git says within the bounds; empty where it fails, or says more."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=_ENVIRONMENT,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    whole = done.returncode == 0 and len(done.stdout) <= _OUTPUT
    return done.stdout.decode("utf-8", "replace") if whole else ""


def _commits(said: str) -> Iterator[Commit]:
    for record in said.split(_RECORD)[1:]:
        parts = record.split(_FIELD, 4)
        if len(parts) != 5:
            continue
        sha, author, at, title, diff = parts
        try:
            when = datetime.fromisoformat(at)
        except ValueError:
            continue
        yield Commit(sha=sha, title=title, author=author, at=when, url="", diff=diff.lstrip("\n"))
