"""What Argo CD Applications and ApplicationSets say about where objects come from. Pure.

Sources: Argo CD's Application specification, its Helm, multiple-sources and ApplicationSet pages (3.x).
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kfix.texts import say
from manifests.objects import paths
from manifests.objects.shapes import items, mapping, mappings, text
from manifests.refused import EditRefused, NotEditable
from manifests.repository.rendering import Files
from manifests.text import equivalence, read
from manifests.text.readings import Readings
from schemas.base import Json

TRACKING = "argocd.argoproj.io/tracking-id"
_PARAMETER = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_HOST = re.compile(r"^([a-z+]+://[^/]+/|[^/@]+@[^:/]+:)")
_FIELD = re.compile(r"\{\{-?\s*\.?([A-Za-z0-9_.\[\]-]+?)\s*-?\}\}")

#: What is said, the values, where they stand in the Application, and why they must not be edited.
Inline = tuple[str, Mapping[str, Any], paths.Path, EditRefused | None]


@dataclass(frozen=True, slots=True)
class HelmSource:
    """A source of an Application that installs a chart: ``folder`` in this repository, or ``chart`` of a Helm repository."""

    folder: str
    chart: str
    release: str
    value_files: tuple[str, ...]
    inline: tuple[Inline, ...]
    trouble: str = ""
    #: Are missing values files passed over?
    lenient: bool = False
    #: The source as the Application says it.
    said: Mapping[str, Any] = field(default_factory=dict)


def tracked(annotation: str) -> str:
    """The Application's name in a tracking id ``APP:GROUP/KIND:NAMESPACE/NAME``; empty for anything else."""
    parts = annotation.split(":")
    return parts[0].rpartition("_")[2] if len(parts) == 3 and "/" in parts[2] else ""


def sources(application: Json) -> list[tuple[paths.Path, Mapping[str, Any]]]:
    """(place in the Application, source) of each source."""
    several = items(application, "spec", "sources")
    if several:
        return [(("spec", "sources", at), s) for at, s in enumerate(several) if isinstance(s, dict)]
    one = mapping(application, "spec", "source")
    return [(("spec", "source"), one)] if one else []


def folders(application: Json) -> list[str]:
    """The folders of the repository that an Application applies; a source that only lends its files has none."""
    return [
        folder_of(text(source, "path"))
        for _, source in sources(application)
        if source.get("path") and not source.get("chart")
    ]


def folder_of(path: str) -> str:
    """A folder as paths of the repository are written."""
    path = posixpath.normpath(path.lstrip("/"))
    return "" if path == "." else path


def path_of(url: str) -> str:
    """``group/project`` of a repository's URL, without host and user, in small letters."""
    return _HOST.sub("", url).strip("/").removesuffix(".git").lower()


def helm_sources(application: Json) -> Iterator[HelmSource]:
    """The sources that may be charts."""
    found = sources(application)
    lenders = {str(s["ref"]): s for _, s in found if s.get("ref")}
    for place, source in found:
        if not source.get("path") and not source.get("chart"):
            continue
        helm = mapping(source, "helm")
        folder = "" if source.get("chart") else folder_of(text(source, "path"))
        files = [_value_file(str(f), folder, lenders) for f in items(helm, "valueFiles")]
        unknown = say("manifests.fileparameters_set_values") if helm.get("fileParameters") else ""
        yield HelmSource(
            folder,
            text(source, "chart"),
            text(helm, "releaseName"),
            tuple(files),
            tuple(_inline(helm, (*place, "helm"))),
            unknown,
            bool(helm.get("ignoreMissingValueFiles")),
            source,
        )


def _value_file(name: str, folder: str, lenders: Mapping[str, Any]) -> str:
    if name.startswith("$"):
        lender, _, rest = name[1:].partition("/")
        return folder_of(rest) if lender in lenders else name
    if name.startswith("/"):
        return folder_of(name)
    return posixpath.normpath(posixpath.join(folder, name))


def _inline(helm: Mapping[str, Any], place: paths.Path) -> Iterator[Inline]:
    whole = helm.get("valuesObject")
    if isinstance(whole, dict):
        yield "valuesObject", whole, (*place, "valuesObject"), None
    elif helm.get("values"):
        refusal = EditRefused("BLOCK_SCALAR", say("manifests.values_text_inside_application"))
        yield "values", _text_values(str(helm["values"])), (*place, "values"), refusal
    for at, parameter in enumerate(items(helm, "parameters")):
        name, value_text = text(parameter, "name"), text(parameter, "value")
        spot = (*place, "parameters", at, "value")
        if _PARAMETER.fullmatch(name):
            value: Any = value_text if parameter.get("forceString") else _typed(value_text)
            for key in reversed(name.split(".")):
                value = {key: value}
            yield say("manifests.parameter_named", name=name), value, spot, None
        else:
            yield (
                say("manifests.parameter_named", name=name),
                {},
                spot,
                EditRefused("UNSUPPORTED", say("manifests.parameter", name=repr(name))),
            )


def _text_values(content: str) -> Mapping[str, Any]:
    try:
        documents = read.read(content)
    except NotEditable:
        return {}
    found = equivalence.filled(documents[0].root) if documents else {}
    return found if isinstance(found, dict) else {}


def _typed(word: str) -> Any:
    """As ``helm --set`` reads a word."""
    if word in ("true", "false"):
        return word == "true"
    return int(word) if re.fullmatch(r"0|-?[1-9][0-9]{0,17}", word) else word


def generated(application_set: Json, files: Files, readings: Readings) -> list[Json]:
    """The Applications that an ApplicationSet makes of this repository, as far as its generators can be followed."""
    return expanded(application_set, files, readings)[0]


def expanded(application_set: Json, files: Files, readings: Readings) -> tuple[list[Json], bool]:
    """(Applications, are these all?): list, git and matrix generators are followed, the cluster's own are not."""
    template = mapping(application_set, "spec", "template")
    made: list[Json] = []
    complete = not application_set["spec"].get("templatePatch")
    for generator in mappings(application_set, "spec", "generators"):
        elements = _elements(generator, files, readings)
        complete = complete and elements is not None
        for fields in elements or ():
            one = _filled(template, fields)
            if isinstance(one, dict) and one.get("spec") and "{{" not in str(one):
                made.append({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **one})
            else:
                complete = False
    return made, complete


def _elements(
    generator: Mapping[str, Any], files: Files, readings: Readings
) -> list[dict[str, str]] | None:
    """What one generator fills in, element by element; ``None`` where that is not in the repository."""
    if isinstance(generator.get("list"), dict) and "elementsYaml" not in generator["list"]:
        return [_flat(element) for element in mappings(generator, "list", "elements")]
    git = mapping(generator, "git")
    if git.get("directories") and not git.get("pathParamPrefix"):
        return _directories(git, files)
    if git.get("files") and not git.get("pathParamPrefix"):
        return _git_files(git, files, readings)
    return _matrix(mappings(generator, "matrix", "generators"), files, readings)


def _matrix(
    inner: list[Mapping[str, Any]], files: Files, readings: Readings
) -> list[dict[str, str]] | None:
    first = _elements(inner[0], files, readings) if len(inner) == 2 else None
    if first is None:
        return None
    out: list[dict[str, str]] = []
    for fields in first:
        second = _elements(_filled(inner[1], fields), files, readings)
        if second is None:
            return None
        out += [fields | more for more in second]
    return out


def _flat(node: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Fields by their dotted path. Lists have none."""
    out: dict[str, str] = {}
    for key, value in node.items():
        if isinstance(value, Mapping):
            out |= _flat(value, f"{prefix}{key}.")
        elif not isinstance(value, list):
            out[f"{prefix}{key}"] = _word(value)
    return out


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _directories(git: Mapping[str, Any], files: Files) -> list[dict[str, str]]:
    listed = mappings(git, "directories")
    wanted = [text(d, "path") for d in listed if d.get("path") and not d.get("exclude")]
    without = [text(d, "path") for d in listed if d.get("exclude")]
    return [
        _of_path(folder)
        for folder in sorted({f for path in files for f in _parents(path)} if wanted else ())
        if any(_is(folder, w) for w in wanted) and not any(_is(folder, w) for w in without)
    ]


def _of_path(folder: str) -> dict[str, str]:
    found = {"path": folder, "path.path": folder, "path.basename": posixpath.basename(folder)}
    for at, part in enumerate(folder.split("/")):
        found |= {f"path[{at}]": part, f"path.segments.{at}": part}
    return found


def _git_files(
    git: Mapping[str, Any], files: Files, readings: Readings
) -> list[dict[str, str]] | None:
    out: list[dict[str, str]] = []
    wanted = [text(f, "path") for f in mappings(git, "files")]
    for path in sorted(files):
        if not any(_is_file(path, w) for w in wanted):
            continue
        try:
            documents = readings.read(read.decode(files[path]))
        except NotEditable:
            return None
        content = equivalence.filled(documents[0].root) if documents else None
        entries = content if isinstance(content, list) else [content]
        for entry in entries:
            if not isinstance(entry, Mapping):
                return None
            name = {"path.filename": posixpath.basename(path)}
            out.append(_flat(entry) | _of_path(posixpath.dirname(path)) | name)
    return out


def _is_file(path: str, pattern: str) -> bool:
    if "**" in pattern:
        parts = [re.escape(p).replace(r"\*", "[^/]*") for p in pattern.strip("/").split("**")]
        return re.fullmatch(".*".join(parts).replace("/.*/", "/(.*/)?"), path) is not None
    return _is(path, pattern)


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _is(folder: str, pattern: str) -> bool:
    """A star stays inside one level, as in Go's path.Match."""
    first, second = folder.split("/"), pattern.strip("/").split("/")
    return len(first) == len(second) and all(map(fnmatch.fnmatchcase, first, second))


def _filled(node: Any, fields: Mapping[str, str]) -> Any:
    if isinstance(node, Mapping):
        return {key: _filled(value, fields) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(item, fields) for item in node]
    if isinstance(node, str):
        return _FIELD.sub(lambda m: fields.get(m[1], m[0]), node)
    return node
