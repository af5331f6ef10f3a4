"""What Argo CD Applications and ApplicationSets say about where objects come from. Pure.

Sources: Argo CD's Application specification, its Helm, multiple-sources and ApplicationSet pages (3.x).
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from manifests import paths, reading, values
from manifests.refused import Refused
from manifests.rendering import Files
from schemas.base import Json

TRACKING = "argocd.argoproj.io/tracking-id"
_PARAMETER = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_FIELD = re.compile(r"\{\{-?\s*\.?([A-Za-z0-9_.-]+?)\s*-?\}\}")

#: What is said, the values, where they stand in the Application, and why they must not be edited.
Inline = tuple[str, Mapping[str, Any], paths.Path, Refused | None]


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


def tracked(annotation: str) -> str:
    """The Application's name in a tracking id ``APP:GROUP/KIND:NAMESPACE/NAME``; empty for anything else."""
    parts = annotation.split(":")
    return parts[0].rpartition("_")[2] if len(parts) == 3 and "/" in parts[2] else ""


def sources(application: Json) -> list[tuple[paths.Path, Mapping[str, Any]]]:
    """(place in the Application, source) of each source."""
    spec = application.get("spec") or {}
    several = spec.get("sources")
    if isinstance(several, list) and several:
        return [(("spec", "sources", at), s) for at, s in enumerate(several) if isinstance(s, dict)]
    one = spec.get("source")
    return [(("spec", "source"), one)] if isinstance(one, dict) else []


def folders(application: Json) -> list[str]:
    """The folders of the repository that an Application applies; a source that only lends its files has none."""
    return [
        folder_of(str(source["path"]))
        for _, source in sources(application)
        if source.get("path") and not source.get("chart")
    ]


def folder_of(text: str) -> str:
    """A folder as paths of the repository are written."""
    path = posixpath.normpath(text.lstrip("/"))
    return "" if path == "." else path


def helm_sources(application: Json) -> Iterator[HelmSource]:
    """The sources that may be charts."""
    found = sources(application)
    lenders = {str(s["ref"]): s for _, s in found if s.get("ref")}
    for place, source in found:
        if not source.get("path") and not source.get("chart"):
            continue
        helm = source.get("helm") or {}
        folder = "" if source.get("chart") else folder_of(str(source["path"]))
        files = [_value_file(str(f), folder, lenders) for f in helm.get("valueFiles") or ()]
        unknown = "fileParameters set values" if helm.get("fileParameters") else ""
        yield HelmSource(
            folder,
            str(source.get("chart") or ""),
            str(helm.get("releaseName") or ""),
            tuple(files),
            tuple(_inline(helm, (*place, "helm"))),
            unknown,
            bool(helm.get("ignoreMissingValueFiles")),
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
        refusal = Refused("BLOCK_SCALAR", "the values are a text inside of the Application")
        yield "values", _text_values(str(helm["values"])), (*place, "values"), refusal
    for at, parameter in enumerate(helm.get("parameters") or ()):
        name, text = str(parameter.get("name", "")), str(parameter.get("value", ""))
        spot = (*place, "parameters", at, "value")
        if _PARAMETER.fullmatch(name):
            value: Any = text if parameter.get("forceString") else _typed(text)
            for key in reversed(name.split(".")):
                value = {key: value}
            yield f"parameter {name}", value, spot, None
        else:
            yield f"parameter {name}", {}, spot, Refused("UNSUPPORTED", f"the parameter {name!r}")


def _text_values(text: str) -> Mapping[str, Any]:
    try:
        documents = reading.read(text)
    except Refused:
        return {}
    found = values.value_of(documents[0].root) if documents else {}
    return found if isinstance(found, dict) else {}


def _typed(text: str) -> Any:
    """As ``helm --set`` reads a word."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"0|-?[1-9][0-9]*", text) else text


def generated(application_set: Json, files: Files) -> Iterator[Json]:
    """The Applications that an ApplicationSet's list and git directory generators make of this repository."""
    spec = application_set.get("spec") or {}
    for generator in spec.get("generators") or ():
        if not isinstance(generator, dict):
            continue
        for fields in _elements(generator, files):
            made = _filled(spec.get("template") or {}, fields)
            if isinstance(made, dict) and "{{" not in str(made):
                yield {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **made}


def _elements(generator: Mapping[str, Any], files: Files) -> Iterator[dict[str, str]]:
    for element in (generator.get("list") or {}).get("elements") or ():
        if isinstance(element, dict):
            yield {str(k): str(v) for k, v in element.items() if not isinstance(v, dict | list)}
    git = generator.get("git") or {}
    wanted = [
        str(d["path"])
        for d in git.get("directories") or ()
        if d.get("path") and not d.get("exclude")
    ]
    without = [str(d["path"]) for d in git.get("directories") or () if d.get("exclude")]
    for folder in sorted({f for path in files for f in _parents(path)} if wanted else ()):
        if any(_is(folder, w) for w in wanted) and not any(_is(folder, w) for w in without):
            name = posixpath.basename(folder)
            yield {"path": folder, "path.path": folder, "path.basename": name}


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _is(folder: str, pattern: str) -> bool:
    """A star stays inside one level, as in Go's path.Match."""
    first, second = folder.split("/"), pattern.strip("/").split("/")
    return len(first) == len(second) and all(map(fnmatch.fnmatchcase, first, second))


def _filled(node: Any, fields: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _filled(value, fields) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(item, fields) for item in node]
    if isinstance(node, str):
        return _FIELD.sub(lambda m: fields.get(m[1], m[0]), node)
    return node
