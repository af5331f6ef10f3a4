"""helmfile's releases, for each of its environments. Pure.

Sources: helmfile's configuration and environments pages (1.x): the lists of values in their order, later ones win;
``{{ .Environment.Name }}`` and ``{{ .Release.Name }}`` are what can be filled in here. A chart's folder is one whatever
its path begins with, since Helm takes a folder before a repository of that name.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kfix.texts import say
from manifests.objects import paths
from manifests.objects.shapes import items, mapping, mappings, text
from manifests.refused import NotEditable
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import required_env
from manifests.text import equivalence

_NAME = re.compile(
    r"(^|/)helmfile[^/]*\.ya?ml(\.gotmpl)?$|(^|/)helmfile\.d/[^/]+\.ya?ml(\.gotmpl)?$"
)
_HOLE = re.compile(r"\{\{-?\s*\.?(Environment\.Name|Release\.Name|Release\.Namespace)\s*-?\}\}")
_OF_ENVIRONMENT = re.compile(r"\{\{-?\s*\.?Environment\.Name\s*-?\}\}")
#: What changes releases in ways that are not followed.
_UNKNOWN = ("bases", "helmDefaults", "commonLabels", "templates", "missingFileHandler")
_INERT = ("helmDefaults", "commonLabels", "missingFileHandler")
_RELEASE_UNKNOWN = (
    "set",
    "setTemplate",
    "setString",
    "secrets",
    "valuesTemplate",
    "inherit",
    "strategicMergePatches",
    "jsonPatches",
    "transformers",
    "dependencies",
    "postRenderer",
    "chartPrepare",
    "adopt",
)


@dataclass(frozen=True, slots=True)
class FileRelease:
    """A release of a helmfile in one environment. ``chart`` is a folder of the repository, or ``None``."""

    said_by: str
    place: str
    environment: str
    name: str
    namespace: str
    chart: str | None
    layers: tuple[tuple[str, Mapping[str, Any] | None, paths.Path], ...]
    trouble: str = ""
    #: Which document of the helmfile says it.
    document: int = 0
    #: What the chart is called that is kept elsewhere; its release has no other trouble than that.
    kept: str = ""
    #: Values files called after the environment that are not there: it has none of its own yet.
    absent: frozenset[str] = frozenset()
    #: Files that it may read, where its settings cannot be followed.
    pattern: re.Pattern[str] | None = None
    #: Does the helmfile say that it is not installed?
    left_out: bool = False


def releases(index: RepositoryIndex) -> Iterator[FileRelease]:
    """All releases of all helmfiles."""
    waiting = [path for path in index.files if "helmfile" in path and _NAME.search(path)]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop(0)
        if path not in seen:
            seen.add(path)
            content = index.files[path]
            text_of = content if isinstance(content, str) else content.decode("utf-8", "replace")
            waiting += _further(index, path, text_of)
            yield from _of_file(index, path, text_of)


def _further(index: RepositoryIndex, path: str, content: str) -> list[str]:
    """The helmfiles that one takes in under ``helmfiles``: files, folders of files, patterns; what is filled in is anything."""
    try:
        documents = [equivalence.filled(d.root) for d in index.readings.read(content)]
    except NotEditable:
        return []
    found: list[str] = []
    for entry in (one for document in documents for one in items(document, "helmfiles")):
        named = text(entry, "path") if isinstance(entry, Mapping) else str(entry)
        named = re.sub(r"\{\{.*?\}\}", "*", named)
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(path), named))
        found += [
            file
            for file in index.files
            if fnmatch.fnmatchcase(file, wanted) or fnmatch.fnmatchcase(file, f"{wanted}/*.y*ml")
        ]
    return found


def _of_file(index: RepositoryIndex, path: str, content: str) -> Iterator[FileRelease]:
    """The releases of a helmfile; where a variable tells its environments apart, of what each value makes of it."""
    texts = required_env.by_environment(path, content, index.files)
    made = {value: list(_of_text(index, path, text_of)) for value, text_of in texts.items()}
    if not made or any(one.environment != "default" for found in made.values() for one in found):
        yield from _of_text(index, path, content)
        return
    for value, found in made.items():
        yield from (_of_value(one, value) for one in found if not one.left_out)


def _of_value(release: FileRelease, value: str) -> FileRelease:
    """A release as one value of a variable makes it. What stands in the helmfile itself is every value's."""
    said = say(
        "manifests.helmfile_release", name=release.name, path=release.place, environment=value
    )
    layers = tuple((path, inline, ()) for path, inline, _ in release.layers)
    return replace(release, said_by=said, environment=value, layers=layers)


def _of_text(index: RepositoryIndex, path: str, content: str) -> Iterator[FileRelease]:
    try:
        documents = [equivalence.filled(d.root) for d in index.readings.read(content)]
    except NotEditable:
        yield _unreadable(path, content, say("manifests.template_unreadable"))
        return
    environments, whole = _settings(documents)
    listed = [entry for document in documents for entry in mappings(document, "releases")]
    unknown = next((key for key in _UNKNOWN if whole.get(key) and key not in _INERT), "")
    trouble = say("manifests.helmfile_not_followed", unknown=unknown) if unknown else ""
    lenient = str(whole.get("missingFileHandler", "Error")) in ("Warn", "Info", "Debug")
    place_of = _positions(documents)
    for environment in environments or {"default": {}}:
        for (number, at), entry in zip(place_of, listed, strict=True):
            one = _release(index, path, environment, entry, at)
            one = replace(one, document=number)
            if lenient:
                one = _without_missing(one, index)
            yield replace(one, trouble=one.trouble or trouble)


def _settings(documents: list[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(environments, what else is set for the whole file); of one key in several documents the last one counts."""
    environments: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    for document in documents:
        if isinstance(document, Mapping):
            environments |= mapping(document, "environments")
            whole |= {k: v for k, v in document.items() if k not in ("environments", "releases")}
    return environments, whole


def _without_missing(one: FileRelease, index: RepositoryIndex) -> FileRelease:
    """The release without values files that are not there."""
    missing = {f for f, inline, _ in one.layers if inline is None and f not in index.texts}
    missing -= one.absent
    return replace(one, layers=tuple(layer for layer in one.layers if layer[0] not in missing))


def _positions(documents: list[Any]) -> list[tuple[int, int]]:
    """(document, place in its list) of each release."""
    return [
        (number, at)
        for number, document in enumerate(documents)
        for at in range(len(mappings(document, "releases")))
    ]


def _release(
    index: RepositoryIndex,
    path: str,
    environment: str,
    entry: Mapping[str, Any],
    at: int,
) -> FileRelease:
    folder = posixpath.dirname(path)
    known = {"Environment.Name": environment, "Release.Name": text(entry, "name")}
    known["Release.Namespace"] = text(entry, "namespace")

    def filled(word: object) -> str:
        return _HOLE.sub(lambda m: known[m[1]], str(word))

    layers: list[tuple[str, Mapping[str, Any] | None, paths.Path]] = []
    absent: set[str] = set()
    for number, one in enumerate(items(entry, "values")):
        if isinstance(one, Mapping):
            layers.append((path, one, ("releases", at, "values", number)))
        else:
            file = posixpath.normpath(posixpath.join(folder, filled(one)))
            layers.append((file, None, ()))
            if _OF_ENVIRONMENT.search(str(one)) and file not in index.files:
                absent.add(file)
    said = str(entry)
    trouble: str = next(
        (say("manifests.not_followed", key=key) for key in _RELEASE_UNKNOWN if entry.get(key)), ""
    )
    if "{{" in filled(said):
        trouble = say("manifests.helmfile_fills_values")
    written = filled(text(entry, "chart"))
    chart = posixpath.normpath(posixpath.join(folder, written))
    here = bool(written) and posixpath.join(chart, "Chart.yaml") in index.texts
    return FileRelease(
        say(
            "manifests.helmfile_release",
            name=filled(text(entry, "name")),
            path=path,
            environment=environment,
        ),
        path,
        environment,
        filled(text(entry, "name")),
        filled(text(entry, "namespace")),
        chart if here else None,
        tuple(layers),
        trouble
        or ("" if here else say("manifests.named_chart_kept_elsewhere", chart=written[:80])),
        kept="" if here or trouble else posixpath.basename(written),
        absent=frozenset(absent),
        pattern=_wide(said, folder) if trouble else None,
        left_out=entry.get("installed") is False,
    )


def _unreadable(path: str, content: str, why: str) -> FileRelease:
    folder = posixpath.dirname(path)
    return FileRelease(
        f"helmfile {path}", path, "", "", "", None, (), why, pattern=_wide(content, folder)
    )


def _wide(content: str, folder: str) -> re.Pattern[str]:
    """Every path that a text may mean: words that look like one, with anything where a template stands."""
    content = re.sub(r"\{\{.*?\}\}", "\x00", content)
    words = set(
        re.findall(r"[\w.\x00-]*(?:/[\w.\x00-]+)+|[\w\x00-]+(?:\.[\w\x00-]+)*\.ya?ml", content)
    )
    shapes = []
    for word in words:
        joined = posixpath.normpath(posixpath.join(folder, word))
        shapes.append(
            re.escape(joined).replace("\x00", "[^/]*").replace("\\\x00", "[^/]*") + "(/.*)?"
        )
    return re.compile("|".join(shapes) or r"(?!)")
