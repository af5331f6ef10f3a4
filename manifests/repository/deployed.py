"""Of several places those that installers deploy into the namespace and the environment asked for. Pure.

Asked where names of folders do not tell: an Application, a Flux Kustomization or a script may say it of a folder that is
called by neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

from manifests.repository.environments import of_cluster, speaks
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import Installer, read_map
from schemas.base import ObjectRef

T = TypeVar("T")
Verdict = Literal["yes", "no", "silent"]


def verdict(index: RepositoryIndex, path: str, ref: ObjectRef, environment: str) -> Verdict:
    """Is what the file makes deployed into the environment? By those who deploy it into the object's namespace; where
    nobody names the file, by its own path. ``no`` also where all who name it deploy into other namespaces."""
    named = naming(index, path)
    here = [one for one in named if _may_hold(one, ref)]
    if named and not here:
        return "no"
    if not here:
        return _said([path], environment, ref.name)
    said = {_said(one.words, environment, ref.name) for one in here}
    return "yes" if "yes" in said else "no" if said == {"no"} else "silent"


def _said(texts: Sequence[str], environment: str, name: str) -> Verdict:
    """Another cluster of the house is another place, whatever environment it is."""
    return "no" if of_cluster(texts, environment) == "no" else speaks(texts, environment, name)


def is_for_cluster(index: RepositoryIndex, path: str, environment: str) -> bool:
    """Does who deploys the file say the cluster that is asked for?"""
    return any(of_cluster(one.words, environment) == "yes" for one in naming(index, path))


def other_namespaces(index: RepositoryIndex, path: str, ref: ObjectRef) -> list[str]:
    """The namespaces of all who deploy the file, where they deploy it into none but others than the object's."""
    named = naming(index, path)
    here = [one for one in named if _may_hold(one, ref)]
    return [] if here else sorted({one.namespace for one in named})


def naming(index: RepositoryIndex, path: str) -> list[Installer]:
    """Who names the file, and may deploy it."""
    return [one for one in read_map(index).reaching(path) if not (one.unnamed or one.cannot_read)]


def _may_hold(one: Installer, ref: ObjectRef) -> bool:
    return one.namespace in ("", ref.namespace) or not ref.namespace


def chosen(items: Sequence[T], said: Sequence[Verdict], environment: str) -> list[T]:
    """The items that are surely deployed there. Where no environment is asked for, those that may be."""
    wanted = ("yes",) if environment not in ("", "unknown") else ("yes", "silent")
    return [item for item, one in zip(items, said, strict=True) if one in wanted]
