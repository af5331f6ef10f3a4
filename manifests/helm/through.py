"""Values of a chart that makes Applications or HelmReleases (an app of apps), seen through to what those install.

A value of the outer chart is laid over its values, the chart is rendered, the release that it makes is read from that,
and its chart is rendered in turn: what reaches the live object's field is told by the last rendering alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import yaml

from manifests.helm.layers import Release, merged
from manifests.helm.releases import installing, made_by, parsed_only, recipe_of
from manifests.helm.value_paths import ABSENT
from manifests.objects import paths
from manifests.repository.index import RepositoryIndex
from manifests.repository.rendering import HelmTemplate, NotRendered, RenderSession
from schemas.base import Json


def candidates(
    outer: Mapping[str, Any], release: Release, path: paths.Path
) -> Iterator[paths.Path]:
    """Where the outer values may have what the release's own values have at ``path``: the mapping that is handed on as
    it is first, then any that has the same there."""
    inline = merged([layer for layer in release.layers if layer.owner is not None])
    now = paths.find(inline, path, ABSENT)
    places = list(_mappings(outer, ()))
    yield from ((*at, *path) for at, node in places if node and node == inline)
    if now is not ABSENT:
        yield from ((*at, *path) for at, node in places if paths.find(node, path, ABSENT) == now)


def _mappings(node: Any, path: paths.Path) -> Iterator[tuple[paths.Path, Mapping[str, Any]]]:
    if isinstance(node, Mapping):
        yield path, node
        for key, value in node.items():
            yield from _mappings(value, (*path, str(key)))
    elif isinstance(node, list):
        for at, value in enumerate(node):
            yield from _mappings(value, (*path, at))


def render(
    index: RepositoryIndex,
    bench: RenderSession,
    release: Release,
    inner: HelmTemplate,
    outer_values: Json,
) -> str:
    """What the release renders once the outer chart has these values too. Raises NotRendered."""
    maker = release.maker
    assert maker is not None
    recipe = recipe_of(maker)
    layer = "# tried\n" + yaml.safe_dump(outer_values, sort_keys=False)
    built = parsed_only(bench.render(replace(recipe, layers=(*recipe.layers, layer))))
    made = [
        one for item in built for said in installing(item) for one in made_by(index, maker, said)
    ]
    same = [one for one in made if _identity(one) == _identity(release)]
    if len(same) != 1 or same[0].trouble:
        raise NotRendered(same[0].trouble if same else release.said_by)
    found = same[0].recipe(inner.release, inner.namespace)
    return bench.render(replace(found, without=inner.without))


def _identity(release: Release) -> tuple[object, ...]:
    return release.chart, release.name, release.namespace, release.owner
