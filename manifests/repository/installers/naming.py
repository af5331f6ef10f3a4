"""Other files that name what is to be applied: objects of deployers less common, and lists that a chart or a program
reads. Pure.

Config Sync's RootSync and RepoSync and Fleet's GitRepo apply folders as they are; of kapp-controller's App and of any
other list of paths nobody here can tell what becomes of them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from kfix.texts import say
from manifests.objects.shapes import items, mapping, mappings, text
from manifests.repository import argocd
from manifests.repository.declared import declared_objects
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import commands, sources
from manifests.repository.installers.model import Installer
from manifests.repository.kustomize import NAMES
from schemas.base import Json

_APPLYING = ("rootsync", "reposync", "gitrepo", "app")
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
#: An object of a deployer that stands in a text of something else.
_INSIDE = re.compile(
    r"(?m)^\s*kind:\s*['\"]?(Application|ApplicationSet|Kustomization|HelmRelease|GitRepo)['\"]?\s*$"
)
#: What stands between a key and its value, and what stands before a path whose key is on a line before.
_BLANK = re.compile(r"""[\s"':]*""")
_ALONE = re.compile(r"""[\s"':]*[^\s"':]*""")
#: (Is it something's chart? the path as it is written.)
Written = tuple[bool, str]
_READ = ("application", "applicationset", *_APPLYING)


def listed() -> str:
    """Why what is made of what an installer lists cannot be told."""
    return say("manifests.what_it_lists")


def installers(index: RepositoryIndex) -> Iterator[Installer]:
    """Everything of that sort."""
    for kind in _APPLYING:
        for path, item in declared_objects(index, kind):
            yield from _of_object(item, path, kind)
    yield from _of_scripts(index)
    read = {path for kind in _READ for path in index.by_kind.get(kind, ())}
    read -= set(index.by_kind.get("list", ()))
    releasing = index.by_kind.get("helmrelease", ())
    for path, content in index.texts.items():
        if path in read or "/templates/" in f"/{path}":
            continue
        written = index.fact(path, _written)
        if not written or _is_apart(path) or "kustomize.toolkit.fluxcd.io/v" in content:
            continue
        pattern = _meaning(index, written, charts=path not in releasing)
        if pattern is not None:
            yield Installer(path, pattern=pattern, words=(path,), trouble=listed())


def _of_scripts(index: RepositoryIndex) -> Iterator[Installer]:
    """Scripts that carry an Application or a Kustomization of Flux inside of them and apply it."""
    for path, content in index.files.items():
        if not commands.is_script(path):
            continue
        text_of = content if isinstance(content, str) else content.decode("utf-8", "replace")
        if _INSIDE.search(text_of):
            pattern = named_in(index, text_of)
            if pattern is not None:
                yield Installer(path, pattern=pattern, words=(path,), trouble=listed())


def named_in(
    index: RepositoryIndex, content: str, *, charts: bool = True
) -> re.Pattern[str] | None:
    """The files and folders of the repository that a text lists; ``charts``: also as something's chart."""
    return _meaning(index, _written(content), charts=charts)


def _meaning(
    index: RepositoryIndex, written: Iterable[Written], *, charts: bool
) -> re.Pattern[str] | None:
    named = dict.fromkeys(
        shape
        for of_chart, path in written
        if charts or not of_chart
        for shape in _shapes(index, path)
    )
    return re.compile("|".join(named)) if named else None


def _written(content: str) -> tuple[Written, ...]:
    """The paths of a text that have a folder in them. Only lines with a slash are searched, with the line of the key."""
    found: dict[Written, None] = {}
    slash = content.find("/")
    while slash >= 0:
        start, end = content.rfind("\n", 0, slash) + 1, content.find("\n", slash)
        end = len(content) if end < 0 else end
        for one in _NAMED.finditer(content, _key_of(content, start, slash), end):
            found["chart" in one[0].partition(":")[0].lower(), one[1]] = None
        slash = content.find("/", end)
    return tuple(found)


def _key_of(content: str, start: int, slash: int) -> int:
    """Where the line begins that may have the key of a path: its own, or the last before it that says anything."""
    if not _ALONE.fullmatch(content, start, slash):
        return start
    blank = True
    while start and blank:
        end, start = start - 1, content.rfind("\n", 0, start - 1) + 1
        blank = bool(_BLANK.fullmatch(content, start, end))
    return start


def _is_apart(path: str) -> bool:
    return (
        bool(_APART.search(path))
        or posixpath.basename(path) in NAMES
        or commands.is_script(path)
        or sources.is_source(path)
    )


def _shapes(index: RepositoryIndex, written: str) -> Iterator[str]:
    """The file or folder of the repository that is named by its whole path."""
    name = posixpath.normpath(written)
    if name in index.texts:
        yield re.escape(name)
    elif name in index.folders():
        yield re.escape(name) + "/.*"


def _of_object(item: Json, place: str, kind: str) -> Iterator[Installer]:
    name = f"{text(item, 'kind')} {text(item, 'metadata', 'name')} in {place}"
    spec = mapping(item, "spec")
    folders = [text(spec, "git", "dir"), *(str(one) for one in items(spec, "paths"))]
    folders += [text(fetch, "git", "subPath") for fetch in mappings(spec, "fetch")]
    targets = [text(target, "name") for target in mappings(spec, "targets")]
    words = (*targets, place, text(item, "metadata", "name"), *folders)
    trouble = say("manifests.kapp_controller_renders") if kind == "app" else ""
    for folder in [argocd.folder_of(written) for written in folders if written]:
        yield Installer(
            name, folder, words=tuple(w for w in words if w), recursive=True, trouble=trouble
        )
