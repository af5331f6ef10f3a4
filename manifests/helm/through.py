"""Values of a chart that makes Applications or HelmReleases (an app of apps), seen through to what those install.

A value of the outer chart, or a literal of one of its templates, is changed, the chart is rendered, and the release that
it makes is read from that: the change is right if that release's values differ in the one value that is meant.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from manifests.helm import literals
from manifests.helm.layers import Layer, Release, layer_for, merged
from manifests.helm.placed import Placed
from manifests.helm.releases import Releases, installing, made_by, parsed_only, recipe_of
from manifests.helm.value_paths import ABSENT, laid, mappings_below, walk
from manifests.objects import paths
from manifests.refused import NotEditable
from manifests.repository import rendering
from manifests.repository.index import RepositoryIndex
from manifests.repository.rendering import GaveUp, NotRendered, RenderSession
from schemas.base import Json
from schemas.plans import FieldChange
from schemas.text import sentence_of

#: Values and lines that are tried; each is a rendering.
_TRIES = 20


def placed(
    index: RepositoryIndex,
    bench: RenderSession,
    releases: Releases,
    release: Release,
    found: tuple[paths.Path, Json],
) -> Placed | None:
    """Where the chart that makes the release says a value of it; ``None`` where that is not one place. Raises NotEditable."""
    maker, (path, value) = release.maker, found
    if maker is None or maker.chart is None:
        return None
    now = merged(release.layers)
    wanted = rendering.expected(now, [FieldChange(path=paths.render(path), after=value)])

    def is_right(layers: Sequence[str], changed: Mapping[str, str]) -> bool:
        made = _made(index, bench, release, layers, changed)
        return made is not None and merged(made.layers) == wanted

    outer = merged(maker.layers)
    places = list(dict.fromkeys(_candidates(outer, release, path)))[:_TRIES]
    for at in places:
        layer = "# tried\n" + yaml.safe_dump(laid(outer, at, value), sort_keys=False)
        if is_right((layer,), {}):
            return Placed(layer_for(maker, releases.of(maker.chart), at), at, value)
    installed = releases.of(maker.chart)
    if len(installed) != 1 or installed[0].alone:
        return None
    literal = paths.find(now, path, None)
    lines = [
        one
        for one in itertools.islice(
            literals.candidates(index, maker.chart, path, literal, value), _TRIES
        )
        if is_right((), {one.path: one.text})
    ]
    if len(lines) != 1:
        return None
    (one,) = lines
    return Placed(Layer(one.path, {}, path=one.path), (), None, template=one.text)


def _candidates(
    outer: Mapping[str, Any], release: Release, path: paths.Path
) -> Iterator[paths.Path]:
    """Where the outer values may have what the release's own values have at ``path``: the mapping that is handed on as
    it is first, then any that has the same there, then any value that is the same."""
    inline = merged([layer for layer in release.layers if layer.owner is not None])
    now = paths.find(inline, path, ABSENT)
    places = list(mappings_below(outer, ()))
    yield from ((*at, *path) for at, node in places if node and node == inline)
    if now is not ABSENT:
        yield from ((*at, *path) for at, node in places if paths.find(node, path, ABSENT) == now)
        yield from (at for at, value in walk(outer, ()) if value == now)


def _made(
    index: RepositoryIndex,
    bench: RenderSession,
    release: Release,
    layers: Sequence[str],
    changed: Mapping[str, str],
) -> Release | None:
    """The release as the chart makes it with more values, or with another template."""
    maker = release.maker
    assert maker is not None
    recipe = recipe_of(maker)
    try:
        text = bench.render(replace(recipe, layers=(*recipe.layers, *layers)), changed)
        built = parsed_only(text)
    except GaveUp as failure:
        raise NotEditable("NOT_RENDERED", sentence_of(failure)) from None
    except NotRendered:
        return None
    made = [
        one for item in built for said in installing(item) for one in made_by(index, maker, said)
    ]
    same = [one for one in made if _identity(one) == _identity(release)]
    return same[0] if len(same) == 1 and same[0].trouble == release.trouble else None


def _identity(release: Release) -> tuple[object, ...]:
    return release.chart, release.name, release.namespace, release.owner, release.kept
