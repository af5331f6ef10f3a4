"""Whether a chart makes an object too that a file declares, and nothing says which of the two is in use. Pure."""

from __future__ import annotations

import re

from kfix.texts import say
from manifests.helm import charts, elsewhere
from manifests.helm.layers import Release
from manifests.helm.releases import read_releases
from manifests.refused import NotEditable
from manifests.repository import (
    dependencies,
    deployed,
    kustomize,
    spaces,
)
from manifests.repository.environments import closeness
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers.fleet import has_bundles
from manifests.repository.locate import Hints, Location
from manifests.repository.rendering import RenderSession
from manifests.text.guards import text_at
from schemas.base import ObjectRef


def refuse_second_way(
    index: RepositoryIndex,
    ref: ObjectRef,
    where: Location,
    hints: Hints,
    bench: RenderSession | None,
) -> None:
    """Raises NotEditable AMBIGUOUS_DOC when a chart makes the object too, and nothing says which of them is in use. One
    of another environment counts where the file says of none. TEMPLATED where the file is a template of such a chart."""
    if bench is None or where.told:
        return
    bundled = has_bundles(index)
    if not dependencies.charts(index) and not bundled and not _may_be_released(index, ref):
        return
    releases = read_releases(index, kustomize.read_graph(index), bench)
    if not where.through and any(_is_template(where.path, one) for one in releases.found):
        said = say("manifests.looks_like_template", template=where.path, object=ref.key)
        raise NotEditable("TEMPLATED", said)
    marks = hints.live.get(ref.key, {})
    search = charts.Search(
        index, releases, bench, ref, (), hints.environment, marks, folders=hints.folders
    )
    silent = _is_silent(index, ref, where)
    others = _made_by_charts(search, where) if dependencies.charts(index) else []
    others += [] if marks else elsewhere.makers(search, unnamed=silent)
    if others:
        listed = ", ".join(others[:3])
        raise NotEditable(
            "AMBIGUOUS_DOC",
            say(
                "manifests.declares_so_does",
                file=f"{where.path}:{where.document.root.start_mark.line + 1}",
                object=ref.key,
                names=listed,
            ),
        )


def _is_silent(index: RepositoryIndex, ref: ObjectRef, where: Location) -> bool:
    """Does nobody say that the document goes to the object's namespace, as it may?"""
    graph = kustomize.read_graph(index)
    root = graph.by_folder.get(where.built_in) if where.through else None
    first = where.base or where.document
    said = text_at(first.root, "metadata", "namespace")
    built = root is not None and any(k.namespace for k in graph.below(root))
    if not ref.namespace or said or built:
        return False
    return not spaces.is_said(index, root.path if root is not None else where.path, ref.namespace)


def _is_template(path: str, release: Release) -> bool:
    """Is the file no manifest of its own, but what a chart that somebody installs, or one inside of it, makes objects of?"""
    if release.chart is None or release.alone:
        return False
    inside = path.removeprefix(f"{release.chart}/") if release.chart else path
    return inside != path and re.match(r"(charts/[^/]+/)*templates/", inside) is not None


def _made_by_charts(search: charts.Search, where: Location) -> list[str]:
    """Releases of charts of the repository that make the object too. Raises NotEditable where the file is another
    environment's."""
    index = search.index
    folder = kustomize.read_graph(index).by_folder.get(where.built_in)
    path = folder.path if folder is not None and where.through else where.path
    said = deployed.verdict(index, path, search.ref, search.environment)
    spaces_ = deployed.other_namespaces(index, path, search.ref)
    if spaces_:
        what = say("manifests.goes_to_namespaces", file=path, names=spaces_)
        raise NotEditable("NOT_FOUND", what)
    if said == "no":
        raise NotEditable(
            "NOT_FOUND",
            say(
                "manifests.another_environment_than", installer=path, environment=search.environment
            ),
        )
    near = closeness([path], search.environment)
    return charts.makers(search, everywhere=said == "silent", near=near)


def _may_be_released(index: RepositoryIndex, ref: ObjectRef) -> bool:
    """Does an Application or a HelmRelease name it?"""
    return any(
        ref.name in index.texts[path]
        for kind in ("helmrelease", "application", "applicationset")
        for path in index.by_kind.get(kind, ())
    )
