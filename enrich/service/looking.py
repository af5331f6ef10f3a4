"""Looks for the alert's subject: in its namespace where one is named, else through the whole cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from enrich.core.matching import ROUTES
from enrich.core.names import Named
from enrich.core.next_door import called_namespaces
from enrich.core.subject import Circumstances, FoundSubject, search, unread
from enrich.ports import ClusterReader, Listing
from enrich.service.round import Round
from kfix.texts import say
from manifests.objects.meta import namespace_of
from manifests.objects.shapes import at
from schemas.base import Json

#: Kinds that a name is looked for among; those of add-ons are left out where they are not served.
WORKLOADS = ("deployments", "statefulsets", "daemonsets", "cronjobs", "jobs", "rollouts")
#: Kinds that tell more where those tell nothing: labels and containers of pods that others make.
_MADE = ("pods", "replicasets")
#: What shows how several candidates fare, and their namespaces that are read for it.
_STATES = ("pods", "replicasets", "jobs", "events")
_SPACES = 8
_OBJECTS, _SEARCH = "kubernetes.objects", "kubernetes.search"


def space_of(found: FoundSubject) -> str:
    """The namespace that is examined; empty for none."""
    return found.who.namespace or (found.subject.namespace if found.subject else "")


@dataclass(frozen=True, slots=True)
class Looking:
    """One alert's search. ``begin`` reads what tells whose cluster it is, ``end`` finds the subject and reads around it."""

    round: Round
    cluster: ClusterReader
    around: Circumstances

    async def begin(self, whos: Sequence[Named]) -> dict[str, list[Json]]:
        """The objects of the named namespace and of the cluster; of the cluster alone where several or none are named."""
        return await self._objects(self._space(whos))

    @staticmethod
    def _space(whos: Sequence[Named]) -> str:
        spaces = {who.namespace for who in whos}
        return spaces.pop() if len(spaces) == 1 else ""

    async def end(
        self, whos: Sequence[Named], objects: dict[str, list[Json]]
    ) -> tuple[FoundSubject, dict[str, list[Json]]]:
        """The subject, and the objects of its namespace. ``objects``: what ``begin`` read."""
        if self._space(whos) or all(who.nobody and not who.node for who in whos):
            return search(whos, objects, self.around), objects
        found, listing = await self._through(whos, objects)
        found = unread(found, [r for r in listing.refused if not _of_add_on(r)])
        if found.search.ending == "node":
            mine = [p for p in listing.objects.get("pods", ()) if self._runs_on(p, found)]
            return found, {**objects, "pods": mine}
        if found.subject is None:
            return found, objects
        self.round.forget(_OBJECTS)
        return found, await self._objects(found.subject.namespace)

    @staticmethod
    def _runs_on(pod: Json, found: FoundSubject) -> bool:
        return found.subject is not None and at(pod, "spec", "nodeName") == found.subject.name

    async def _through(
        self, whos: Sequence[Named], objects: dict[str, list[Json]]
    ) -> tuple[FoundSubject, Listing]:
        """The search through the cluster, with as many lists as it needs: their number does not depend on the alert."""
        kinds = dict.fromkeys((*WORKLOADS, *ROUTES))
        if any(who.pod or who.container_id or who.workload or who.nobody for who in whos):
            kinds |= dict.fromkeys(_MADE)
        listing = await self._across(tuple(kinds))
        known = {**objects, **listing.objects}
        found = search(whos, known, self.around)
        if found.search.ending == "not_found" and "pods" not in kinds:
            more = await self._across(_MADE)
            listing = _joined(listing, more)
            known |= more.objects
            found = search(whos, known, self.around)
        if found.search.candidates:
            refs = [one.object for one in found.search.candidates]
            spaces = list(dict.fromkeys(ref.namespace for ref in refs))
            states = await self._across(_STATES, spaces[:_SPACES])
            refused = (*listing.refused, *states.refused, *spaces[_SPACES:])
            found = search(whos, {**known, **states.objects}, self.around)
            listing = replace(listing, refused=refused)
        return found, listing

    async def _across(self, kinds: Sequence[str], spaces: Sequence[str] = ()) -> Listing:
        failed = Listing(refused=(say("enrich.cluster"),))
        return await self.round.ask(_SEARCH, self.cluster.across(kinds, spaces), failed)

    async def _objects(self, namespace: str) -> dict[str, list[Json]]:
        listing = await self.round.ask(_OBJECTS, self.cluster.objects(namespace), Listing())
        if listing.refused:
            kinds = list(listing.refused)
            self.round.lacking(_OBJECTS, say("enrich.not_readable", kinds=kinds))
        return await self._with_next_door(listing.objects, namespace)

    async def _with_next_door(
        self, objects: dict[str, list[Json]], namespace: str
    ) -> dict[str, list[Json]]:
        """The same with the objects of the namespaces that the alert's own calls; what cannot be read there is left out.

        So is a kind that did not come of the alert's own: with it that one would seem to have none.
        """
        spaces = called_namespaces(objects, namespace)
        asked = (
            self.round.ask("kubernetes.next_door", self.cluster.objects(s), Listing())
            for s in spaces
        )
        found = {kind: list(there) for kind, there in objects.items()}
        for space, listing in zip(spaces, await asyncio.gather(*asked), strict=True):
            for kind in found.keys() & listing.objects.keys():
                found[kind] += [o for o in listing.objects[kind] if namespace_of(o) == space]
        return found


def _of_add_on(refused: str) -> bool:
    """It has a group of its own; a cluster that lets nobody read it has no less workloads."""
    return "." in refused.partition(" ")[0]


def _joined(one: Listing, other: Listing) -> Listing:
    return Listing({**one.objects, **other.objects}, (*one.refused, *other.refused))
