"""Argo CD's Applications and ApplicationSets as installers. Pure.

Sources: Argo CD's Application specification, Kustomize, directory, plugin and ApplicationSet pages (3.x).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from kfix.texts import say
from manifests.objects.shapes import items, mapping, mappings, text
from manifests.repository import application_sets, argocd, set_elements
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import naming, revisions
from manifests.repository.installers.model import Installer
from manifests.repository.installers.revisions import of_source
from manifests.repository.installers.settings import from_argo
from schemas.base import Json

_HOLE = re.compile(r"\{\{.*?\}\}")
#: From a template's first condition to its last end.
_BRANCHES = re.compile(r"\{\{-?\s*(?:if|with|range)\b.*\{\{-?\s*end\s*-?\}\}")


def of_application(index: RepositoryIndex, item: Json, place: str) -> Iterator[Installer]:
    """One installer for each source that applies something."""
    name = f"Application/{_named(item)} in {place}"
    spec = mapping(item, "spec")
    destination = mapping(spec, "destination")
    cluster = text(destination, "name") or text(destination, "server")
    namespace = text(destination, "namespace")
    dry = mapping(spec, "sourceHydrator", "drySource")
    if dry.get("path"):
        folder, why = argocd.folder_of(text(dry, "path")), say("manifests.hydrator_renders")
        said = words(item, place, dry, destination)
        apart = of_source(index, dry)
        yield Installer(name, folder, (), namespace, False, cluster, said, trouble=why, apart=apart)
    for _, source in argocd.sources(item):
        settings = mapping(source, "kustomize")
        said = words(item, place, source, destination)
        apart = of_source(index, source)
        read = [(path, of_source(index, lender)) for path, lender in value_files(item, source)]
        files = tuple(path for path, other in read if other == apart)
        for path, other in read:
            if other != apart:
                yield Installer(name, None, (path,), words=said, apart=other)
        if source.get("chart"):
            trouble: str = say("manifests.named_chart_kept_elsewhere", chart=text(source, "chart"))
            yield Installer(name, None, files, namespace, False, cluster, said, trouble=trouble)
            inline = yaml.safe_dump(dict(mapping(source, "helm")))
            inline += text(source, "helm", "values")
            pattern = naming.named_in(index, inline)
            if pattern is not None:
                yield Installer(name, pattern=pattern, words=said, trouble=naming.listed())
            continue
        folder = argocd.folder_of(text(source, "path"))
        if not source.get("path") or (not folder and _is_other_repository(index, source)):
            continue
        on_top, trouble = from_argo(settings)
        directory = mapping(source, "directory")
        if source.get("plugin"):
            trouble = say("manifests.plugin_argo_cd_renders")
        elif directory.get("jsonnet"):
            trouble = say("manifests.jsonnet_renders")
        trouble = trouble or _overridden(index, item, folder)
        yield Installer(
            name,
            folder,
            files,
            namespace,
            False,
            cluster,
            said,
            on_top,
            bool(directory.get("recurse")) or bool(source.get("plugin")),
            trouble=trouble,
            apart=apart,
            directory=None if trouble else revisions.directory_of(source),
        )


def _is_other_repository(index: RepositoryIndex, source: Mapping[str, Any]) -> bool:
    """Every repository has a root folder: an Application of another one's has nothing to do with this one's."""
    apart = of_source(index, {"repoURL": source.get("repoURL")})
    return apart is not None and apart.surely


def of_set(index: RepositoryIndex, item: Json, place: str) -> Iterator[Installer]:
    """What an ApplicationSet makes. Where its generators cannot be followed, whatever its template may mean."""
    found = application_sets.expanded(item, index.files, index.readings)
    for application in found.made:
        yield from of_application(index, application, place)
    name = f"ApplicationSet/{_named(item)} in {place}"
    template = {"metadata": {}, **mapping(item, "spec", "template")}
    if found.complete and found.by_clusters:
        yield from _of_other_clusters(index, template, name)
    if found.complete:
        return
    trouble = say("manifests.nobody_here_can_tell_applications")
    for file in set_elements.git_files(mapping(item, "spec").get("generators")):
        yield Installer(name, words=(), pattern=_pattern_of_files(file), trouble=trouble)
    for source in [s for _, s in argocd.sources(template)]:
        written = [(text(source, "path"), source), *value_files(template, source)]
        for one, read_from in [(path, lender) for path, lender in written if path]:
            pattern = _pattern(one, whole=one != text(source, "path"))
            apart = of_source(index, read_from)
            yield Installer(name, words=(), pattern=pattern, trouble=trouble, apart=apart)


def _of_other_clusters(index: RepositoryIndex, template: Json, name: str) -> Iterator[Installer]:
    """Clusters that are registered elsewhere get what is the same for all of them; what is called after a cluster is that
    cluster's."""
    trouble = say("manifests.other_clusters")
    for _, source in argocd.sources(template):
        apart = of_source(index, source)
        files = value_files(template, source)
        written = [(text(source, "path"), False), *((path, True) for path, _ in files)]
        named = [_pattern(one, whole=whole).pattern for one, whole in written if "{{" in one]
        without = f"(?!(?:{'|'.join(named)})$)" if named else ""
        for one, whole in written:
            if one and "{{" not in one and not source.get("chart"):
                pattern = re.compile(without + _pattern(one, whole=whole).pattern)
                yield Installer(name, words=(), pattern=pattern, trouble=trouble, apart=apart)


def _pattern(written: str, *, whole: bool) -> re.Pattern[str]:
    """The paths that a template with holes may come to mean."""
    written = _BRANCHES.sub("{{}}", written)
    parts = _HOLE.split(argocd.folder_of(written) if "{{" not in written else written.lstrip("/"))
    body = ".*".join(re.escape(part) for part in parts)
    return re.compile(body if whole else body.rstrip("/") + "(/.*)?")


def _pattern_of_files(written: str) -> re.Pattern[str]:
    """The files that a generator may mean, however far a star reaches."""
    parts = re.split(r"\{\{.*?\}\}|[*?]+|\[[^\]]*\]", written.strip("/"))
    return re.compile(".*".join(re.escape(part.strip("/")) for part in parts))


def _overridden(index: RepositoryIndex, item: Json, folder: str) -> str:
    """Argo CD Image Updater and ``argocd app set`` write parameters beside what is applied."""
    for name in (f".argocd-source-{text(item, 'metadata', 'name')}.yaml", ".argocd-source.yaml"):
        path = posixpath.join(folder, name)
        if path in index.texts:
            return say("manifests.overrides", override=path)
    return ""


def _named(item: Json) -> str:
    return f"{text(item, 'metadata', 'namespace')}/{text(item, 'metadata', 'name')}"


def words(
    item: Json, place: str, source: Mapping[str, Any], destination: Mapping[str, Any]
) -> tuple[str, ...]:
    """Words of an Application, source or destination that may name an environment; empty ones left out."""
    labels = mapping(item, "metadata", "labels")
    said = [str(labels[k]) for k in labels if k.rpartition("/")[2] in ("env", "environment")]
    said += [text(destination, "name"), place, text(item, "metadata", "name")]
    said += [text(destination, "namespace"), text(item, "spec", "project"), text(source, "path")]
    said += [str(f) for f in items(source, "helm", "valueFiles")]
    return tuple(word for word in said if word)


def value_files(item: Json, source: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """(path, the source that it is read from) of each values file in their order, then of other files."""
    lenders = {str(s["ref"]): s for _, s in argocd.sources(item) if s.get("ref")}
    folder = "" if source.get("chart") else argocd.folder_of(text(source, "path"))
    found: list[tuple[str, Mapping[str, Any]]] = []
    for name in [str(f) for f in items(source, "helm", "valueFiles")]:
        if name.startswith("$"):
            lender, _, rest = name[1:].partition("/")
            found.append(
                (argocd.folder_of(rest) if lender in lenders else name, lenders.get(lender, source))
            )
        elif name.startswith("/"):
            found.append((argocd.folder_of(name), source))
        else:
            found.append((posixpath.normpath(posixpath.join(folder, name)), source))
    for parameter in mappings(source, "helm", "fileParameters"):
        found.append((posixpath.normpath(posixpath.join(folder, text(parameter, "path"))), source))
    return found
