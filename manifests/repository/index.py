"""What a repository's files declare. Cheap to build: files are searched as text, and parsed only when asked about."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from manifests.refused import EditRefused, NotEditable
from manifests.repository import tree
from manifests.text import guards
from manifests.text import read as reading
from manifests.text.guards import text_at
from manifests.text.read import Document
from manifests.text.readings import Readings
from schemas.base import ObjectRef

_KIND = re.compile(r"""(?m)^["']?kind["']?:[ \t]*["']?([A-Za-z]+)""")
_KIND_ANYWHERE = re.compile(r"""["']kind["']\s*:\s*["']([A-Za-z]+)""")
_SUFFIXES = (".yaml", ".yml", ".json", "Kustomization")
_AUTOSCALERS = ("HorizontalPodAutoscaler", "ScaledObject")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A document that declares (or patches) an object."""

    path: str
    document: Document
    kind: str
    group: str
    namespace: str
    name: str


#: Kind and name that were asked for, and what ``sightings`` answered.
_Sighted = tuple[tuple[str, str], list[Sighting], list[tuple[str, EditRefused]]]


@dataclass(slots=True)
class RepositoryIndex:
    """The files of one repository at one commit. ``texts`` has what is readable, ``unreadable`` why the rest is not."""

    texts: dict[str, str] = field(default_factory=dict)
    #: Everything, also what is no manifest: charts' templates, what generators read.
    files: Mapping[str, bytes | str] = field(default_factory=dict)
    unreadable: dict[str, EditRefused] = field(default_factory=dict)
    #: Targets of symlinks as they are written, by the symlink's path. None is followed.
    links: dict[str, str] = field(default_factory=dict)
    #: GitLab's path of the repository; empty: unknown.
    project: str = ""
    #: Branches that an edit is made on or may be merged into; one: it is that one; none: unknown.
    branches: tuple[str, ...] = ()
    by_kind: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    #: What was read of each file; shared with other indexes of the same ``Blobs``.
    blobs: dict[str, _Blob] = field(default_factory=dict)
    #: What was parsed; shared with other indexes of the same ``Blobs``, and with whatever renders these files.
    readings: Readings = field(default_factory=Readings, compare=False, repr=False)
    #: What was worked out from all of it, by name: the graph of Kustomizations, the map of installers.
    memo: dict[str, object] = field(default_factory=dict, compare=False, repr=False)
    _asked_last: _Sighted | None = field(default=None, init=False, compare=False, repr=False)

    def documents(self, path: str) -> list[Document]:
        """The documents of a file. Raises NotEditable as ``reading.read`` and for files that tools own."""
        guards.check_path(path)
        blob = self._blob(path)
        if blob.guarded is None:
            blob.guarded = _guarded(blob, self.readings.read)
        if isinstance(blob.guarded, EditRefused):
            raise NotEditable.of(blob.guarded)
        return self.readings.read(blob.text)

    def kept_fact(self, path: str, of: Callable[[list[Document] | EditRefused], T]) -> T:
        """As ``parsed_fact``, of a file that people keep: one reading, which is not kept, serves the guards too. Raises
        NotEditable as ``documents``."""
        guards.check_path(path)
        blob = self._blob(path)
        if blob.guarded is None:
            blob.guarded = _guarded(blob, self.readings.look, of)
        if isinstance(blob.guarded, EditRefused):
            raise NotEditable.of(blob.guarded)
        return self.parsed_fact(path, of)

    def parsed(self, path: str) -> list[Document]:
        """The documents of a file that is read and not edited. Raises NotEditable as ``reading.read``."""
        return self.readings.read(self.texts[path])

    def fact(self, path: str, read: Callable[[str], T]) -> T:
        """What ``read``, a pure function of this house, says of a file's text; asked once for each content, and not to be
        changed by anybody."""
        facts = self._blob(path).facts
        if read not in facts:
            facts[read] = read(self.texts[path])
        found: T = facts[read]
        return found

    def parsed_fact(self, path: str, of: Callable[[list[Document] | EditRefused], T]) -> T:
        """As ``fact``, of what the file's text says, or of the refusal to read it."""
        facts = self._blob(path).facts
        if of not in facts:
            try:
                facts[of] = of(self.parsed(path))
            except NotEditable as error:
                facts[of] = of(error.refused)
        found: T = facts[of]
        return found

    def _blob(self, path: str) -> _Blob:
        blob = self.blobs.get(path)
        if blob is None:  # added by hand
            blob = self.blobs[path] = _Blob(self.texts[path], frozenset())
        return blob

    def folders(self) -> Set[str]:
        """Every folder that has a readable file in it or below, without the root; gathered once."""
        known = self.memo.get("folders")
        if isinstance(known, frozenset):
            return known
        found = self.memo["folders"] = tree.folders_of(self.texts)
        return found

    def check_alone(self, path: str) -> None:
        """Raises NotEditable UNSAFE_PATH as ``tree.Spellings``, beside every readable file."""
        known = self.memo.get("spellings")
        if not isinstance(known, tree.Spellings):
            known = self.memo["spellings"] = tree.Spellings(self.texts)
        known.check_alone(path)

    def below(self, folder: str) -> list[str]:
        """The files below a folder, in the order of ``files``."""
        return self._listed("files", self.files).below(folder)

    def texts_below(self, folder: str) -> list[str]:
        """The readable files below a folder, in the order of ``texts``."""
        return self._listed("texts", self.texts).below(folder)

    def _listed(self, name: str, paths: Mapping[str, object]) -> tree.PathsByFolder:
        known = self.memo.get(f"{name} by folder")
        if not isinstance(known, tree.PathsByFolder):
            known = self.memo[f"{name} by folder"] = tree.PathsByFolder(paths)
        return known

    def sightings(
        self, kind: str, name: str
    ) -> tuple[list[Sighting], list[tuple[str, EditRefused]]]:
        """Documents of that kind and name, and the files that might have one but cannot be edited, with why."""
        asked = (kind.lower(), name)
        known = self._asked_last
        if known is None or known[0] != asked:
            # One edit asks for its object several times; more than the last answer would keep documents alive.
            known = self._asked_last = (asked, *self._sighted(*asked))
        return list(known[1]), list(known[2])

    def _sighted(
        self, kind: str, name: str
    ) -> tuple[list[Sighting], list[tuple[str, EditRefused]]]:
        found: list[Sighting] = []
        refused: list[tuple[str, EditRefused]] = []
        for path in self.by_kind.get(kind, []):
            if name not in self.texts[path]:
                continue
            try:
                found += [
                    s for s in self._of_file(path) if s.kind.lower() == kind and s.name == name
                ]
            except NotEditable as reason:
                refused.append((path, reason.refused))
        return found, refused

    def _of_file(self, path: str) -> Iterator[Sighting]:
        for document in self.documents(path):
            root = document.root
            group, _, _ = text_at(root, "apiVersion").rpartition("/")
            yield Sighting(
                path,
                document,
                text_at(root, "kind"),
                group,
                text_at(root, "metadata", "namespace"),
                text_at(root, "metadata", "name"),
            )

    def autoscalers_of(self, ref: ObjectRef) -> Iterator[Sighting]:
        """Declared HorizontalPodAutoscalers and KEDA ScaledObjects that scale the workload."""
        for kind in _AUTOSCALERS:
            for path in self.by_kind.get(kind.lower(), []):
                if ref.name not in self.texts[path]:
                    continue
                for seen in self._readable(path):
                    target = guards.child(seen.document.root, "spec", "scaleTargetRef")
                    apart = ref.namespace and seen.namespace not in ("", ref.namespace)
                    if apart or seen.kind != kind:
                        continue
                    if (
                        text_at(target, "name") == ref.name
                        and (text_at(target, "kind") or "Deployment") == ref.kind
                    ):
                        yield seen

    def _readable(self, path: str) -> list[Sighting]:
        try:
            return list(self._of_file(path))
        except NotEditable:
            return []


@dataclass(slots=True)
class _Blob:
    """What was read of one content, whatever files have it."""

    text: str
    kinds: frozenset[str]
    #: What the guards say of its documents, once they were asked.
    guarded: EditRefused | Literal["passed"] | None = None
    #: What pure functions say of the text or of its documents, by function.
    facts: dict[Callable[[Any], Any], Any] = field(default_factory=dict)


def _guarded(
    blob: _Blob,
    read: Callable[[str], list[Document]],
    of: Callable[[list[Document] | EditRefused], Any] | None = None,
) -> EditRefused | Literal["passed"]:
    """What the guards say, and on the way what ``of`` says of the documents."""
    _, body = reading.without_bom(blob.text)
    try:
        guards.check_file(body)
        documents = read(body)
        guards.check_documents(body, documents)
    except NotEditable as error:
        return error.refused
    if of is not None:
        blob.facts[of] = of(documents)
    return "passed"


class Blobs:
    """Contents that were read before, by their hash, so that a new commit costs what changed in it. For one reader at a
    time in a thread; least recently read ones go first once there are too many."""

    def __init__(self, most: int = 20_000, *, readings: Readings | None = None) -> None:
        self._most = most
        self.readings = readings or Readings()
        self._known: OrderedDict[bytes, _Blob | EditRefused] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, path: str, content: bytes | str) -> _Blob:
        """The content, read. Raises NotEditable NOT_UTF8, TOO_BIG."""
        raw = content.encode() if isinstance(content, str) else content
        key = hashlib.sha256(raw).digest() + (b"j" if path.endswith(".json") else b"")
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
        if known is None:
            known = _read_blob(path, content)
            with self._lock:
                self._known[key] = known
                if len(self._known) > self._most:
                    self._known.popitem(last=False)
        if isinstance(known, EditRefused):
            raise NotEditable.of(known)
        return known


def _read_blob(path: str, content: bytes | str) -> _Blob | EditRefused:
    try:
        text = reading.decode(content)
    except NotEditable as error:
        return error.refused
    return _Blob(text, frozenset(_kinds(path, text)))


def build(
    files: Mapping[str, bytes | str],
    blobs: Blobs | None = None,
    *,
    project: str = "",
    branches: tuple[str, ...] = (),
) -> RepositoryIndex:
    """Indexes files by path. Unsafe paths and undecodable files are kept out, with the reason. ``project`` and
    ``branches`` are as in ``RepositoryIndex``."""
    readings = blobs.readings if blobs else Readings()
    index = RepositoryIndex(files=files, project=project, branches=branches, readings=readings)
    for path, content in files.items():
        if not path.endswith(_SUFFIXES):
            continue
        try:
            tree.check_path(path)
            blob = blobs.read(path, content) if blobs else _read_blob(path, content)
            if isinstance(blob, EditRefused):
                raise NotEditable.of(blob)
        except NotEditable as error:
            index.unreadable[path] = error.refused
            continue
        index.texts[path] = blob.text
        index.blobs[path] = blob
        for kind in blob.kinds:
            index.by_kind[kind.lower()].append(path)
    return index


def changed_index(index: RepositoryIndex, changed: Mapping[str, str]) -> RepositoryIndex:
    """The index as it is with other texts for some files; what did not change is not read again."""
    new = build(changed)
    was = (blob.kinds for path in changed if (blob := index.blobs.get(path)) is not None)
    kinds = dict(index.by_kind)
    for kind in {kind.lower() for found in was for kind in found} | new.by_kind.keys():
        others = (path for path in kinds.get(kind, ()) if path not in changed)
        kinds[kind] = sorted({*others, *new.by_kind.get(kind, ())})
    return RepositoryIndex(
        texts=_with(index.texts, changed, new.texts),
        files={**index.files, **changed},
        unreadable={**index.unreadable, **new.unreadable},
        links=index.links,
        project=index.project,
        branches=index.branches,
        by_kind=kinds,
        blobs=_with(index.blobs, changed, new.blobs),
        readings=index.readings,
    )


def _with(before: Mapping[str, T], changed: Iterable[str], after: Mapping[str, T]) -> dict[str, T]:
    """What was, but for the files that changed: of those what is."""
    found = {**before, **after}
    for path in changed:
        if path not in after:
            found.pop(path, None)
    return found


def _kinds(path: str, text: str) -> set[str]:
    kinds = set(_KIND.findall(text))
    if path.endswith(".json") or text.lstrip("\ufeff \n\t").startswith("{"):
        kinds |= set(_KIND_ANYWHERE.findall(text))
    return kinds
