"""Which entries of a repository's tree may be read and written. Git allows names that mean trouble elsewhere."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

from kfix.texts import say
from manifests.refused import NotEditable

#: Git's modes of a plain file and an executable file; 120000 is a symlink, 160000 a submodule.
FILE_MODES = frozenset({"100644", "100755", "100664"})
_MAX_LENGTH = 1_000
_LINKS_IN_A_ROW = 10


#: Files that declare something, and who owns it.
_MANIFESTS = (".yaml", ".yml", ".json", "Kustomization", "CODEOWNERS")
#: Files that charts and generators read. Other files of a repository have no part in a rendering.
_COMPANIONS = (
    ".tpl",
    ".tmpl",
    ".gotmpl",
    ".txt",
    ".helmignore",
    ".properties",
    ".env",
    ".conf",
    ".cfg",
    ".ini",
    ".toml",
    ".xml",
    ".sh",
    ".sql",
    ".lua",
    ".py",
    ".js",
    ".html",
    ".crt",
    ".pem",
)
#: Texts of programs that make, read or apply manifests: they are searched for what they name, and never run.
_PROGRAMS = (
    ".bash",
    ".bzl",
    ".cue",
    ".dhall",
    ".groovy",
    ".hcl",
    ".jsonnet",
    ".k",
    ".libsonnet",
    ".mjs",
    ".mk",
    ".nix",
    ".pkl",
    ".ps1",
    ".rb",
    ".star",
    ".tf",
    ".tfvars",
    ".tofu",
    ".ts",
    "BUILD",
    "BUILD.bazel",
    "Earthfile",
    "Jenkinsfile",
    "Justfile",
    "Makefile",
    "Tiltfile",
    "justfile",
)
_COMPANION_BYTES = 256 * 1024


def is_manifest(path: str) -> bool:
    """Is it a file that may declare something?"""
    return path.endswith(_MANIFESTS)


def is_companion(path: str, size: int) -> bool:
    """Is it a file that a rendering may need beside the manifests, or that may name them? Charts that others bring along
    come packed."""
    if path.endswith(".tgz"):
        return "/charts/" in f"/{path}" and size <= 16 * _COMPANION_BYTES
    return path.endswith((*_COMPANIONS, *_PROGRAMS)) and size <= _COMPANION_BYTES


def check_path(path: str) -> None:
    """Raises NotEditable UNSAFE_PATH for absolute paths, ``..``, ``.git`` in any writing, control characters, backslashes."""
    if not path or len(path) > _MAX_LENGTH or path.startswith("/") or "\\" in path:
        raise NotEditable(
            "UNSAFE_PATH", say("manifests.not_path_inside_repository", path=repr(path[:80]))
        )
    if any(ord(char) < 32 or ord(char) == 127 for char in path):
        raise NotEditable("UNSAFE_PATH", say("manifests.control_characters", path=repr(path[:80])))
    for part in path.split("/"):
        # NTFS and HFS+ take these for .git, see git's own fsck rules.
        folded = part.rstrip(" .").lower().replace("\u200c", "").replace("\u200d", "")
        if part in ("", ".", "..") or folded in (".git", "git~1") or folded.startswith(".git:"):
            raise NotEditable(
                "UNSAFE_PATH",
                say("manifests.object_in_place", object=repr(part), place=repr(path[:80])),
            )


def check_mode(path: str, mode: str) -> None:
    """Raises NotEditable UNSAFE_PATH for symlinks, submodules and anything that is no plain file."""
    if mode not in FILE_MODES:
        what = _kind_of(mode)
        raise NotEditable("UNSAFE_PATH", say("manifests.path_is", path=repr(path), what=what))


def _kind_of(mode: str) -> str:
    if mode == "120000":
        return say("manifests.a_symlink")
    return say("manifests.a_submodule") if mode == "160000" else say("manifests.of_mode", mode=mode)


class Spellings:
    """Paths by what they are in small letters, as a whole and folder by folder."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._by_folded: dict[str, dict[str, str]] = {}
        known: set[str] = set()
        for path in paths:
            for prefix in _prefixes(path):
                if prefix in known:
                    break
                known.add(prefix)
                self._by_folded.setdefault(prefix.casefold(), {})[prefix] = path

    def check_alone(self, path: str) -> None:
        """Raises NotEditable UNSAFE_PATH when another path differs from ``path`` only in case, as a whole or in a folder."""
        for prefix in _prefixes(path):
            for spelling, other in self._by_folded.get(prefix.casefold(), {}).items():
                if spelling != prefix:
                    raise NotEditable(
                        "UNSAFE_PATH",
                        say("manifests.differ_only_case", path=repr(path), other=repr(other)),
                    )


def _prefixes(path: str) -> Iterator[str]:
    """The path, then the folders that it is in, outwards."""
    while path:
        yield path
        path = path.rpartition("/")[0]


class PathsByFolder:
    """Paths by the folders that they are below, found without looking at the others."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._at = {path: number for number, path in enumerate(paths)}
        self._sorted = sorted(self._at)

    def below(self, folder: str) -> list[str]:
        """The paths below a folder in their first order; of the empty one all."""
        if not folder:
            return list(self._at)
        first = bisect_left(self._sorted, folder + "/")
        last = bisect_left(self._sorted, folder + chr(ord("/") + 1))
        return sorted(self._sorted[first:last], key=self._at.__getitem__)


def folders_of(paths: Iterable[str]) -> frozenset[str]:
    """Every folder that has one of the files in it or below, without the root."""
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(found)


def ends_of(links: Mapping[str, str]) -> dict[str, list[str]]:
    """The symlinks (their targets as written, by path) that lead to each file or folder of the repository."""
    ends: dict[str, list[str]] = {}
    for link in sorted(links):
        ends.setdefault(_end_of(links, link), []).append(link)
    ends.pop("", None)
    return ends


def leading_to(ends: Mapping[str, list[str]], path: str) -> list[str]:
    """The symlinks by which a file is there under another name too."""
    return [link for one in _with_folders(path) for link in ends.get(one, ())]


def _end_of(links: Mapping[str, str], link: str) -> str:
    """Where a symlink ends, over others; empty when that is outside, or a folder that it stands in itself."""
    end = _joined(link, links[link])
    for _ in range(_LINKS_IN_A_ROW):
        through = next((one for one in _with_folders(end) if one in links), "")
        if not through:
            break
        end = _joined(through, links[through] + end[len(through) :])
    return "" if end in (".", "") or end.startswith("..") or _is_below(link, end) else end


def _joined(link: str, target: str) -> str:
    return (
        ""
        if target.startswith("/")
        else posixpath.normpath(posixpath.join(posixpath.dirname(link), target))
    )


def _with_folders(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")
