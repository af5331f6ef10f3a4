"""Kinds that a captured folder lacks of a namespace, where the folder is a dump of whole namespaces. Pure.

A folder made by hand holds what somebody thought of: what it lacks says nothing. One that lists many kinds was written by
a tool, which writes an empty list where there is none: a file that is not there was not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from pathlib import PurePath

from manifests.objects.kinds import is_namespaced, kind_of
from manifests.objects.meta import namespace_of
from schemas.base import Json

#: Lists of namespaced kinds that make a folder a dump (``kubectl cluster-info dump`` writes seven), and a whole one.
_DUMP, _WHOLE = 4, 10
#: What every dump has, and what most diagnoses rest on; any of a row will do.
_BASIC = (
    ("pods",),
    ("deployments", "statefulsets", "daemonsets", "jobs", "cronjobs"),
    ("events",),
    ("services",),
)
#: What a whole dump has beside it, and what decides a diagnosis more than now and then.
_MORE = (
    ("networkpolicies",),
    ("configmaps",),
    ("serviceaccounts",),
    ("persistentvolumeclaims",),
    ("endpoints", "endpointslices"),
)
#: Kinds that others name: of a namespace without its list each would seem not to be there.
REFERRED = frozenset({"services", "configmaps", "serviceaccounts", "persistentvolumeclaims"})


def lacking(
    listed: Mapping[PurePath, Set[str]], objects: Mapping[str, list[Json]], namespace: str
) -> tuple[str, ...]:
    """Plurals of decisive kinds of which the folder has neither a list nor an object of ``namespace``.

    ``listed``: the plurals of the lists by the folder of their file. Without a ``namespace`` the whole dump is asked.
    """
    found = _listed(listed, objects, namespace)
    wanted = (_BASIC if len(found) >= _DUMP else ()) + (_MORE if len(found) >= _WHOLE else ())
    held = {
        plural
        for plural, items in objects.items()
        if any(not namespace or namespace_of(item) == namespace for item in items)
    }
    return tuple(row[0] for row in wanted if not (found | held) & set(row))


def strange(
    listed: Mapping[PurePath, Set[str]], objects: Mapping[str, list[Json]], namespace: str
) -> bool:
    """Whether a dump of other namespaces has nothing of this one."""
    if not namespace or namespace in _namespaces(objects):
        return False
    whole = _listed(listed, objects, "")
    return len(whole) >= _DUMP and not _listed(listed, objects, namespace)


def _listed(
    listed: Mapping[PurePath, Set[str]], objects: Mapping[str, list[Json]], namespace: str
) -> set[str]:
    return {
        plural
        for place in _places(listed, objects, namespace)
        for plural in listed[place]
        if is_namespaced(kind_of(plural))
    }


def _places(
    listed: Mapping[PurePath, Set[str]], objects: Mapping[str, list[Json]], namespace: str
) -> Set[PurePath]:
    """The folders that are about the namespace: its own and those around them; without one of its own, those of nobody."""
    if not namespace:
        return listed.keys()
    own = {place for place in listed if namespace in place.parts}
    if own:
        around = {parent for place in own for parent in place.parents}
        return own | (around & listed.keys())
    spaces = set(_namespaces(objects))
    return {place for place in listed if not spaces & set(place.parts)}


def _namespaces(objects: Mapping[str, list[Json]]) -> Iterator[str]:
    return (namespace_of(item) for items in objects.values() for item in items)
