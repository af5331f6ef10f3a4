"""What a captured cluster's files hold, as objects by plural. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from enrich.core.shapes import misshapen
from kfix.texts import say
from manifests.objects.kinds import kind_of, plural_named, plural_of
from manifests.objects.shapes import mapping
from schemas.base import Json

#: Files of a case that are JSON and no objects, and what a cluster says of its version.
_SIDE_FILES = frozenset(
    {"alert.json", "metrics.json", "extra.json", "registry.json", "version.json", "version.yaml"}
)


class Collected:
    """Objects by plural, each once, from files of any layout; what was no object, by file, and why.

    Lists may leave the kind of their items to themselves or to the file's name; an empty List counts as listed.
    """

    def __init__(self) -> None:
        self.troubles: dict[str, str] = {}
        #: The plurals of the lists, by the folder of their file.
        self.listed: dict[PurePath, set[str]] = {}
        self._objects: dict[str, list[Json]] = {}
        self._known: dict[tuple[str, str, str, str], int] = {}

    @property
    def objects(self) -> dict[str, list[Json]]:
        """Objects by plural; of two with one name the newer one is kept."""
        return self._objects

    def take(self, document: Json, where: PurePath) -> None:
        """Adds what a file holds: a List, an object, or several. Values of other shapes are named as troubles."""
        if isinstance(document, list):
            for item in document:
                self.take(item, where)
            return
        if not isinstance(document, Mapping):
            self._trouble(where, say("enrich.unreadable.no_object"))
            return
        kind = document.get("kind")
        if "items" in document and (kind is None or str(kind).endswith("List")):
            self._take_list(document, where)
        elif isinstance(kind, str) and kind:
            self._add(dict(document), where)
        elif where.name not in _SIDE_FILES:
            self._trouble(where, say("enrich.unreadable.no_object"))

    def _take_list(self, document: Mapping[str, Json], where: PurePath) -> None:
        listed = str(document.get("kind") or "").removesuffix("List")
        plural = plural_of(listed) if listed else plural_named(where.stem)
        if plural:
            self._objects.setdefault(plural, [])
        kinds = self.listed.setdefault(where.parent, set())
        kinds |= {plural} if plural else set()
        items = document.get("items")
        for item in items if isinstance(items, list) else ():
            if isinstance(item, Mapping) and "items" in item and _is_list(item):
                self._take_list(item, where)
                continue
            if not isinstance(item, Mapping):
                self._trouble(where, say("enrich.unreadable.item_no_object"))
                continue
            kind = item.get("kind") or listed or kind_of(plural)
            if not kind:
                self._trouble(where, say("enrich.unreadable.no_kind"))
                continue
            kinds.add(plural_of(str(kind)))
            version = item.get("apiVersion") or (document.get("apiVersion", "") if listed else "")
            self._add({"apiVersion": version, **item, "kind": kind}, where)

    def _add(self, item: dict[str, Any], where: PurePath) -> None:
        wrong = misshapen(item)
        if wrong:
            self._trouble(where, wrong)
            return
        plural, about = plural_of(item["kind"]), mapping(item, "metadata")
        kept = self._objects.setdefault(plural, [])
        name = str(about.get("name") or "")
        group = str(item.get("apiVersion") or "").rpartition("/")[0]
        key = (plural, group, str(about.get("namespace") or ""), name)
        at = self._known.get(key) if name else None
        if at is None:
            self._known[key] = len(kept)
            kept.append(item)
        elif _version(item) > _version(kept[at]):
            kept[at] = item

    def _trouble(self, where: PurePath, reason: str) -> None:
        self.troubles.setdefault(str(where), reason)


def _is_list(item: Mapping[str, Json]) -> bool:
    return str(item.get("kind") or "").endswith("List")


def _version(item: Json) -> int:
    text = str(mapping(item, "metadata").get("resourceVersion") or "")
    return int(text) if text.isdecimal() and len(text) < 20 else 0
