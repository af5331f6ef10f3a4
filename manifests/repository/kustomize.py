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
from manifests.repository.environments import is_called, is_same_place
from manifests.repository.index import RepositoryIndex
from manifests.text import equivalence, read
from schemas.base import ObjectRef

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_LISTING = frozenset(("apiVersion", "kind", "metadata", "resources", "bases"))
_LISTING_OTHERS = ("transformers", "generators", "validators", "configurations", "crds")
_NAMING_OTHERS = frozenset((*_LISTING_OTHERS, "replacements", "openapi", "helmCharts"))


@dataclass(frozen=True, slots=True)
class PatchEntry:
    """One patch that a Kustomization lists: a file, or text inside of it."""

    #: Of the text in the kustomization file; of the file's name where it is a file.
    at: paths.Path
    #: The patch file; empty: it stands inside.
    file: str
    #: What an inline patch says.
    inside: tuple[read.Document, ...] = ()
    #: The selector of its objects; empty: it names its object itself.
    target: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kustomization:
    """One kustomization file. Paths are relative to the repository."""

    path: str
    folder: str
    namespace: str
    #: Files and folders of ``resources``, ``bases`` and ``components``.
    uses: tuple[str, ...]
    patch_files: tuple[str, ...]
    #: Its patches, in the order in which kustomize applies them: later ones win.
    patches: tuple[PatchEntry, ...] = ()
    #: What it puts before and after each name.
    prefix: str = ""
    suffix: str = ""
    replicas: tuple[str, ...] = ()
    images: tuple[dict[str, Any], ...] = ()
    #: (name, key, file) of generated ConfigMaps and Secrets.
    generated: tuple[tuple[str, str, str], ...] = ()
    component: bool = False
    #: Other files that it names: of transformers, generators, replacements, configurations, charts' values.
    others: tuple[str, ...] = ()
    #: Folders of charts that it inflates.
    charts: tuple[str, ...] = ()
    #: Does it do nothing but list what it is built from?
    listing: bool = False
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

    def generated_in(self, root: str, name: str, key: str) -> str:
        """As ``generated_from``, of what is built in a folder; empty where that is no one file."""
        if root not in self.by_folder:
            return ""
        found = {
            file
            for k in self.below(self.by_folder[root])
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

    def ends_of(self, path: str) -> list[Kustomization]:
        """The outermost Kustomizations that a file, or a Kustomization's folder, ends up in, and those within (the folder's
        own too) that are an environment of their own: called like one, and built on by another's."""
        roots = self.roots_of(path)
        found = {root.folder: root for root in roots}
        own = [self.by_folder[path]] if path in self.by_folder else []
        for one in (*own, *self.above(path)):
            name = posixpath.basename(one.folder)
            if one.component or one.folder in found or not is_called(name):
                continue
            outer = self.roots_of(one.folder)
            if outer and not all(is_same_place(name, root.folder) for root in outer):
                found[one.folder] = one
        return sorted(found.values(), key=lambda k: k.folder)

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
        return Kustomization(path, folder, "", (), (), trouble=content.reason)
    if not isinstance(content, dict):
        return Kustomization(path, folder, "", (), (), trouble=say("manifests.not_mapping"))
    trouble, patches = "", []
    for at, name, text, target in _patches_of(content):
        try:
            inside = () if name else tuple(read.read(text))
            patches.append(PatchEntry(at, _join(folder, name) if name else "", inside, target))
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
        patch_files=tuple(entry.file for entry in patches if entry.file),
        patches=tuple(patches),
        prefix=text_of(content, "namePrefix"),
        suffix=text_of(content, "nameSuffix"),
        replicas=tuple(text_of(r, "name") for r in mappings(content, "replicas")),
        images=tuple(dict(image) for image in mappings(content, "images")),
        generated=tuple(_generated(folder, content)),
        component=content.get("kind") == "Component",
        others=tuple(_others(folder, content)),
        charts=tuple(_charts(folder, content)),
        listing=content.keys() <= _LISTING,
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


def _patches_of(
    content: dict[str, Any],
) -> Iterator[tuple[paths.Path, str, str, Mapping[str, Any]]]:
    """(place, file, text, target) of each patch, in kustomize's order. Source: kusttarget_configplugin.go."""
    for n, item in enumerate(items(content, "patchesStrategicMerge")):
        inline = "\n" in str(item)
        name, text = ("", str(item)) if inline else (str(item), "")
        yield ("patchesStrategicMerge", n), name, text, {}
    for key in ("patches", "patchesJson6902"):
        for n, entry in enumerate(items(content, key)):
            if isinstance(entry, Mapping):
                name = text_of(entry, "path")
                at = (key, n, "path" if name else "patch")
                yield at, name, text_of(entry, "patch"), dict(mapping(entry, "target"))


def _join(folder: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(folder, name)).lstrip("/")


def without_hash(text: str, name: str) -> str:
    """``text`` with the hash gone that kustomize hangs on a generated name."""
    return re.sub(rf"\b{re.escape(name)}-[a-z0-9]{{10}}\b", name, text)


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
    return isinstance(patch, dict) and any(has(patch, f) for f in fields)


def names(patch: Mapping[str, Any], ref: ObjectRef) -> bool:
    """Is it the object that the patch names?"""
    metadata = patch.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return patch.get("kind") == ref.kind and name == ref.name


def aims_at(target: Mapping[str, Any], ref: ObjectRef) -> bool:
    """May the target selector mean the object? Names are patterns and labels are unknown, so in doubt: yes."""
    if not target:
        return False
    kind, name = target.get("kind"), target.get("name")
    if kind not in (None, "", ref.kind):
        return False
    return name in (None, "", ref.name) or not str(name).replace("-", "").isalnum()


def has(patch: Mapping[str, Any], path: paths.Path) -> bool:
    """Does the patch say the field?"""
    return paths.find(patch, path, _ABSENT) is not _ABSENT


def pointer_to(declared: Any, path: paths.Path) -> str:
    """The JSON pointer (RFC 6901) of a field whose parent an object has; empty where it has none."""
    parts: list[str] = []
    for at, segment in enumerate(path):
        inside = paths.find(declared, path[:at], None)
        if isinstance(segment, str):
            if not isinstance(inside, Mapping):
                return ""
            parts.append(segment.replace("~", "~0").replace("/", "~1"))
        elif paths.find(inside, (segment,), None) is None:
            return ""
        else:
            number = segment if isinstance(segment, int) else paths.index_of(inside, segment)
            parts.append(str(number))
    return "".join(f"/{part}" for part in parts)


def parts_of(pointer: str) -> list[str]:
    """The parts of a JSON pointer (RFC 6901)."""
    return [p.replace("~1", "/").replace("~0", "~") for p in pointer.removeprefix("/").split("/")]


def _same_pointer(pointer: str, path: paths.Path) -> bool:
    """Does a JSON pointer lead to the field or one of its parents? List positions match any item."""
    parts = parts_of(pointer)
    for part, segment in zip(parts, path, strict=False):
        if isinstance(segment, str) and part != segment:
            return False
        if not isinstance(segment, str) and not (part.isdigit() or part == "-"):
            return False
    return len(parts) <= len(path)


_ABSENT = object()
