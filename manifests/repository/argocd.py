"""What Argo CD Applications and ApplicationSets say about where objects come from. Pure.

Sources: Argo CD's Application specification, its Helm, multiple-sources and ApplicationSet pages (3.x).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kfix.texts import say
from manifests.objects import paths
from manifests.objects.shapes import items, mapping, text
from manifests.refused import EditRefused, NotEditable
from manifests.text import equivalence, read
from schemas.base import Json

TRACKING = "argocd.argoproj.io/tracking-id"
INSTANCE = "argocd.argoproj.io/instance"
_PARAMETER = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_HOST = re.compile(r"^([a-z+]+://[^/]+/|[^/@]+@[^:/]+:)")

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


def tracking(marks: Mapping[str, str]) -> str:
    """The Application that a live object's labels and annotations name; empty where they name none. The label that every
    chart sets too (``app.kubernetes.io/instance``) names none."""
    said = tracked(marks.get(TRACKING, "")) or marks.get(INSTANCE, "")
    return said.rpartition("_")[2]


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
        refusal: EditRefused | None = None
        values: Mapping[str, Any] = {}
        try:
            values = text_values(str(helm["values"]))
        except NotEditable as refused:
            refusal = EditRefused("NOT_RENDERED", refused.reason)
        yield "values", values, (*place, "values"), refusal
    else:
        yield "valuesObject", {}, (*place, "valuesObject"), None
    for at, parameter in enumerate(items(helm, "parameters")):
        name, value_text = text(parameter, "name"), text(parameter, "value")
        spot = (*place, "parameters", at, "value")
        if _PARAMETER.fullmatch(name):
            value: Any = value_text if parameter.get("forceString") else typed(value_text)
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


def text_values(content: str) -> Mapping[str, Any]:
    """Values that are written as text. Raises NotEditable where that is none."""
    documents = read.read(content)
    found = equivalence.filled(documents[0].root) if documents else {}
    if found is not None and not isinstance(found, dict):
        raise NotEditable("INVALID_YAML", say("manifests.not_mapping"))
    return found or {}


def typed(word: str) -> Any:
    """As ``helm --set`` reads a word."""
    if word in ("true", "false"):
        return word == "true"
    return int(word) if re.fullmatch(r"0|-?[1-9][0-9]{0,17}", word) else word
