"""Releases of charts that are kept elsewhere: which one may make an object is told by names and marks alone. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from kfix.texts import say
from manifests.helm.charts import InstalledRelease, Search, comes_from, within
from manifests.helm.layers import Release
from manifests.objects import paths
from manifests.refused import NotEditable, RefusalCode
from manifests.repository.environments import matches, speaks
from schemas.base import ObjectRef

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True, slots=True)
class KeptElsewhere:
    """A release whose chart, or whose dependency under ``keys``, is not in the repository. ``chart``: what it is called."""

    release: Release
    keys: paths.Path = ()
    chart: str = ""

    @property
    def name(self) -> str:
        """What the release is called; of a chart that nobody says how it is installed, the chart's folder."""
        return self.release.name or posixpath.basename(self.release.chart or "")


def installing(search: Search) -> KeptElsewhere:
    """The one release that installs the object from a chart that is kept elsewhere. Raises NotEditable."""
    ref = search.ref
    fitting = [one for one in _all(search) if _may_make(one, search)]
    closest = max((_closeness(one, ref) for one in fitting), default=0)
    fitting = [one for one in fitting if _closeness(one, ref) == closest]
    if len(fitting) > 1:
        named = [
            one
            for one in fitting
            if speaks(one.release.words, search.environment, ref.name) == "yes"
            or matches(one.release.said_by, search.environment)
        ]
        fitting = named if len(named) == 1 else fitting
    if not fitting:
        _refuse_what_it_may_come_from(search)
    if len(fitting) != 1:
        code: RefusalCode = "AMBIGUOUS_DOC" if fitting else "NOT_FOUND"
        names = ", ".join(sorted({one.release.said_by for one in fitting}))
        what = say(
            "manifests.releases_charts_kept_elsewhere_fit", count=len(fitting), object=ref.key
        )
        raise NotEditable(code, say("manifests.about", what=what, why=names) if names else what)
    kept = fitting[0]
    if speaks(kept.release.words, search.environment, ref.name) == "no":
        what = say(
            "manifests.another_environment_than",
            installer=kept.release.said_by,
            environment=search.environment,
        )
        raise NotEditable("NOT_FOUND", what)
    search.steps.append(
        say(
            "manifests.installs_from_chart_kept_elsewhere",
            installer=kept.release.said_by,
            object=ref.key,
        )
    )
    if kept.release.trouble and not kept.release.lacks_values:
        raise NotEditable(
            "NOT_RENDERED",
            say("manifests.about", what=kept.release.said_by, why=kept.release.trouble),
        )
    return kept


def instead(search: Search, chosen: InstalledRelease | None) -> KeptElsewhere | None:
    """The release from elsewhere that is to be looked at instead of what is ``chosen``: where no chart here makes the
    object, or one that nobody says is installed does. Raises NotEditable."""
    if chosen is None:
        return installing(search)
    declared = (one for one in _all(search) if not one.release.alone)
    if chosen.release.alone and any(_may_make(one, search) for one in declared):
        return installing(search)
    return None


def _refuse_what_it_may_come_from(search: Search) -> None:
    """Raises NotEditable where a chart of the repository brings along another one that is not here."""
    for release in within(search, search.releases.found):
        if release.lacking and release.namespace in ("", search.ref.namespace):
            why = say("manifests.chart_not_here", chart=release.lacking[0][1])
            raise NotEditable("NOT_RENDERED", say("manifests.about", what=release.said_by, why=why))


def _all(search: Search) -> Iterator[KeptElsewhere]:
    for release in within(search, search.releases.found):
        if release.chart is None:
            yield KeptElsewhere(release, (), release.kept)
        for key, chart in release.lacking:
            yield KeptElsewhere(release, (key,), chart)


def _may_make(kept: KeptElsewhere, search: Search) -> bool:
    release, ref, marks = kept.release, search.ref, search.marks
    if release.namespace and ref.namespace and release.namespace != ref.namespace:
        return False
    if any(key in marks for key in ("helm.toolkit.fluxcd.io/name", "meta.helm.sh/release-name")):
        return comes_from(release, marks) and bool(release.owner)
    if kept.name and kept.name == marks.get("app.kubernetes.io/instance"):
        return comes_from(release, marks)
    return bool(_closeness(kept, ref))


def makers(search: Search, *, unnamed: bool = False) -> list[str]:
    """Releases of charts kept elsewhere that are called exactly like a workload, in its namespace and not another
    environment's: what they make is not seen, and they make such an object as a rule. ``unnamed``: those too that say no
    name, of whatever kind the object is: what they make may be called anything."""
    ref = search.ref
    if not ref.namespace or not (unnamed or ref.kind in _WORKLOADS):
        return []
    names = {ref.name} if ref.kind in _WORKLOADS else set[str]()
    names |= {""} if unnamed else set()
    return [
        one.release.said_by
        for one in _all(search)
        if one.release.name in names
        and one.release.namespace == ref.namespace
        and speaks(one.release.words, search.environment, ref.name) != "no"
    ]


def _closeness(kept: KeptElsewhere, ref: ObjectRef) -> int:
    """How much of the object's name is the release's; none where it is another one's."""
    fitting = [base for base in bases(kept) if ref.name == base or ref.name.startswith(f"{base}-")]
    return max(map(len, fitting), default=0)


def bases(kept: KeptElsewhere) -> list[str]:
    """What charts call their objects: after the release, and after the chart behind it."""
    name, key = kept.name, str(kept.keys[-1]) if kept.keys else kept.chart
    return list(dict.fromkeys((name, f"{name}-{key}", f"{name}-{kept.chart}"))) if name else []
