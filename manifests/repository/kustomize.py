"""What Kustomizations put together, read from their files: who uses what, and who sets a field on top. No rendering.

Source: kustomize's kustomization file reference (resources, components, patches, replicas, images, namespace).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kfix.texts import say
from manifests.objects import paths
from manifests.objects.shapes import items, mapping, mappings
from manifests.objects.shapes import text as text_of
from manifests.refused import EditRefused, NotEditable
from manifests.repository.index import RepositoryIndex
from manifests.text import equivalence, read
from schemas.base import ObjectRef

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_LISTING_OTHERS = ("transformers", "generators", "validators", "configurations", "crds")
_NAMING_OTHERS = frozenset((*_LISTING_OTHERS, "replacements", "openapi", "helmCharts"))


@dataclass(frozen=True, slots=True)
class Kustomization:
    """One kustomization file. Paths are relative to the repository."""

    path: str
    folder: str
    namespace: str
    #: Files and folders of ``resources``, ``bases`` and ``components``.
    uses: tuple[str, ...]
    patch_files: tuple[str, ...]
    #: Inline patches, as parsed values with their target (empty when the patch names its object itself).
    inline: tuple[tuple[Any, dict[str, Any]], ...]
    #: Patch files that have an explicit target.
    targeted: dict[str, dict[str, Any]] = field(default_factory=dict)
    replicas: tuple[str, ...] = ()
    images: tuple[dict[str, Any], ...] = ()
    #: (name, key, file) of generated ConfigMaps and Secrets.
    generated: tuple[tuple[str, str, str], ...] = ()
    component: bool = False
    #: Other files that it names: of transformers, generators, replacements, configurations, charts' values.
    others: tuple[str, ...] = ()
    #: Folders of charts that it inflates.
    charts: tuple[str, ...] = ()
    #: Why the file could not be read in full; then nothing it touches is edited.
    trouble: str = ""


@dataclass(slots=True, eq=False)
class Graph:
    """All Kustomizations of a repository."""

    by_folder: dict[str, Kustomization]
    #: Folders of the Kustomizations that name a file or folder, by what they name.
    _users: dict[str, dict[str, None]] = field(init=False, default_factory=dict)
    _inflating: list[Kustomization] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        for folder, k in self.by_folder.items():
            for target in (*k.uses, *k.patch_files, *k.others, *(f for *_, f in k.generated)):
                self._users.setdefault(target, {})[folder] = None
        self._inflating = [k for k in self.by_folder.values() if k.charts]

    def users_of(self, target: str) -> list[Kustomization]:
        """Kustomizations that name a file or folder directly, or inflate the chart that it is in; as ``by_folder``."""
        named = self._users.get(target, {})
        inflating = [
            k.folder
            for k in self._inflating
            if any(target.startswith(chart + "/") for chart in k.charts)
        ]
        if not inflating:
            return [self.by_folder[folder] for folder in named]
        found = named.keys() | inflating
        return [k for folder, k in self.by_folder.items() if folder in found]

    def generated_from(self, name: str, key: str) -> str:
        """The one file that makes an entry of a generated ConfigMap, whose name may end in its hash; empty without."""
        found = {
            file
            for k in self.by_folder.values()
            for generated, entry, file in k.generated
            if entry == key and without_hash(name, generated) == generated
        }
        return found.pop() if len(found) == 1 else ""

    def above(self, path: str) -> list[Kustomization]:
        """Every Kustomization that takes a file in, itself or by those below it. A kustomization file is its folder's."""
        folder, _, name = path.rpartition("/")
        seen = (
            {folder: self.by_folder[folder]} if name in NAMES and folder in self.by_folder else {}
        )
        waiting = [path, *seen]
        while waiting:
            for user in self.users_of(waiting.pop()):
                if user.folder not in seen:
                    seen[user.folder] = user
                    waiting.append(user.folder)
        return list(seen.values())

    def builds_of(self, path: str) -> list[Kustomization]:
        """The outermost Kustomizations that build from a file, which may be a kustomization file itself."""
        folder, _, name = path.rpartition("/")
        own = self.by_folder.get(folder) if name in NAMES else None
        found = self.roots_of(folder if own else path)
        roots = found or ([own] if own else [])
        return [root for root in roots if not root.component]

    def roots_of(self, path: str) -> list[Kustomization]:
        """The outermost Kustomizations that a file ends up in."""
        roots: dict[str, Kustomization] = {}
        waiting, seen = self.users_of(path), set()
        while waiting:
            kustomization = waiting.pop()
            if kustomization.folder in seen:
                continue
            seen.add(kustomization.folder)
            above = self.users_of(kustomization.folder)
            if above:
                waiting += above
            else:
                roots[kustomization.folder] = kustomization
        return sorted(roots.values(), key=lambda k: k.folder)

    def below(self, root: Kustomization) -> list[Kustomization]:
        """A root and everything it uses, outermost first: earlier ones win."""
        order: list[Kustomization] = []
        waiting = [root]
        while waiting:
            kustomization = waiting.pop(0)
            if kustomization in order:
                continue
            order.append(kustomization)
            waiting += [self.by_folder[f] for f in kustomization.uses if f in self.by_folder]
        return order


def read_graph(index: RepositoryIndex) -> Graph:
    """Reads every kustomization file, once for an index. One that cannot be read is kept with its trouble."""
    known = index.memo.get("graph")
    if isinstance(known, Graph):
        return known
    found: dict[str, Kustomization] = {}
    for path in index.texts:
        folder, _, name = path.rpartition("/")
        if name in NAMES:
            found[folder] = _of_content(path, folder, index.parsed_fact(path, _content))
    graph = index.memo["graph"] = Graph(found)
    return graph


def _content(documents: list[read.Document] | EditRefused) -> Any:
    """The first document's value, or the refusal to read it."""
    if isinstance(documents, EditRefused):
        return documents
    return equivalence.value_of(documents[0].root) if documents else None


def _of_content(path: str, folder: str, content: Any) -> Kustomization:
    if isinstance(content, EditRefused):
        return Kustomization(path, folder, "", (), (), (), trouble=content.reason)
    if not isinstance(content, dict):
        return Kustomization(path, folder, "", (), (), (), trouble=say("manifests.not_mapping"))
    patch_files: list[str] = []
    inline: list[tuple[Any, dict[str, Any]]] = []
    targeted: dict[str, dict[str, Any]] = {}
    trouble = ""
    for entry in _entries(content):
        target = dict(mapping(entry, "target"))
        if text_of(entry, "path"):
            name = _join(folder, text_of(entry, "path"))
            patch_files.append(name)
            if target:
                targeted[name] = target
            continue
        try:
            inline += [
                (equivalence.value_of(d.root), target) for d in read.read(text_of(entry, "patch"))
            ]
        except NotEditable as refused:
            trouble = say("manifests.inline_patch_cannot_be_read", why=refused.reason)
    return Kustomization(
        path=path,
        folder=folder,
        namespace=text_of(content, "namespace"),
        uses=tuple(
            _join(folder, str(item))
            for key in ("resources", "bases", "components")
            for item in items(content, key)
        ),
        patch_files=tuple(patch_files),
        inline=tuple(inline),
        targeted=targeted,
        replicas=tuple(text_of(r, "name") for r in mappings(content, "replicas")),
        images=tuple(dict(image) for image in mappings(content, "images")),
        generated=tuple(_generated(folder, content)),
        component=content.get("kind") == "Component",
        others=tuple(_others(folder, content)),
        charts=tuple(_charts(folder, content)),
        trouble=trouble,
    )


def _others(folder: str, content: dict[str, Any]) -> Iterator[str]:
    if not content.keys() & _NAMING_OTHERS:
        return
    for key in _LISTING_OTHERS:
        yield from (
            _join(folder, str(item)) for item in items(content, key) if "\n" not in str(item)
        )
    for entry in mappings(content, "replacements"):
        if text_of(entry, "path"):
            yield _join(folder, text_of(entry, "path"))
    if text_of(content, "openapi", "path"):
        yield _join(folder, text_of(content, "openapi", "path"))
    for chart in mappings(content, "helmCharts"):
        names = [chart.get("valuesFile"), *items(chart, "additionalValuesFiles")]
        yield from (_join(folder, str(name)) for name in names if name)


def _charts(folder: str, content: dict[str, Any]) -> Iterator[str]:
    for chart in mappings(content, "helmCharts"):
        home = text_of(content, "helmGlobals", "chartHome") or "charts"
        yield _join(folder, f"{home}/{text_of(chart, 'name')}")


def _generated(folder: str, content: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for generator in ("configMapGenerator", "secretGenerator"):
        for entry in mappings(content, generator):
            for item in [*items(entry, "files"), *items(entry, "envs")]:
                key, _, name = str(item).rpartition("=")
                file = _join(folder, name)
                yield text_of(entry, "name"), key or posixpath.basename(file), file


def _entries(content: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in ("patches", "patchesJson6902"):
        yield from mappings(content, key)
    for item in items(content, "patchesStrategicMerge"):
        yield {"patch": str(item)} if "\n" in str(item) else {"path": str(item)}


def _join(folder: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(folder, name)).lstrip("/")


def without_hash(text: str, name: str) -> str:
    """``text`` with the hash gone that kustomize hangs on a generated name."""
    return re.sub(rf"\b{re.escape(name)}-[a-z0-9]{{10}}\b", name, text)


def patches_field(
    kustomization: Kustomization, ref: ObjectRef, fields: tuple[paths.Path, ...]
) -> str:
    """How an inline patch of this Kustomization sets one of the fields of the object; empty when none does."""
    for patch, target in kustomization.inline:
        if isinstance(patch, list) and aims_at(target, ref) and json_sets(patch, fields):
            return say("manifests.json_patch")
        if not isinstance(patch, dict) or not (_names(patch, ref) or aims_at(target, ref)):
            continue
        if patch.get("$patch") == "delete" or any(_has(patch, f) for f in fields):
            return say("manifests.an_inline_patch")
    return ""


def json_sets(patch: object, fields: tuple[paths.Path, ...]) -> bool:
    """Does a JSON patch (RFC 6902) touch one of the fields?"""
    return any(
        _same_pointer(str(operation.get("path", "")), f)
        for operation in (patch if isinstance(patch, list) else ())
        if isinstance(operation, Mapping)
        for f in fields
    )


def merge_sets(patch: object, fields: tuple[paths.Path, ...]) -> bool:
    """Does a merge patch say one of the fields?"""
    return isinstance(patch, dict) and any(_has(patch, f) for f in fields)


def _names(patch: dict[str, Any], ref: ObjectRef) -> bool:
    metadata = patch.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return patch.get("kind") == ref.kind and name == ref.name


def aims_at(target: dict[str, Any], ref: ObjectRef) -> bool:
    """May the target selector mean the object? Names are patterns and labels are unknown, so in doubt: yes."""
    if not target:
        return False
    kind, name = target.get("kind"), target.get("name")
    if kind not in (None, "", ref.kind):
        return False
    return name in (None, "", ref.name) or not str(name).replace("-", "").isalnum()


def _has(patch: dict[str, Any], path: paths.Path) -> bool:
    return paths.find(patch, path, _ABSENT) is not _ABSENT


def _same_pointer(pointer: str, path: paths.Path) -> bool:
    """Does a JSON pointer lead to the field or one of its parents? List positions match any item."""
    parts = [p.replace("~1", "/").replace("~0", "~") for p in pointer.strip("/").split("/")]
    for part, segment in zip(parts, path, strict=False):
        if isinstance(segment, str) and part != segment:
            return False
        if not isinstance(segment, str) and not (part.isdigit() or part == "-"):
            return False
    return len(parts) <= len(path)


_ABSENT = object()
