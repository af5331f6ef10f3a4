"""From an object of the cluster to the one file and document that decides a field of it, with every step said.

Plain manifests are taken as they are. Where Kustomizations are involved, the overlay of the alert's environment is
followed: a patch of it that sets the field is the place; a base is the place only when nothing else is built from it.
Whatever leaves more than one answer is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from kfix.texts import say
from manifests.objects import paths
from manifests.refused import EditRefused, NotEditable
from manifests.repository import (
    clusters,
    deployed,
    in_use,
    kustomize,
    own_map,
    provenance,
    spaces,
    unsaid,
)
from manifests.repository.choosing import Choice
from manifests.repository.environments import matches, speaks
from manifests.repository.index import RepositoryIndex, Sighting
from manifests.repository.installers import may_force, read_map
from manifests.repository.kustomize import Graph, Kustomization
from manifests.repository.naming import built_names, named_in_files
from manifests.repository.on_top import stated_on_top
from manifests.repository.paper import is_paper
from manifests.repository.provenance import Rung
from manifests.repository.stated import StatedField, stating
from manifests.text import equivalence, spans
from manifests.text import guards as marks
from manifests.text.read import Document
from schemas.base import ObjectRef

T = TypeVar("T", bound="Sighting | Kustomization")
#: Places that a sentence names.
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known beside the object. ``folders``: only look below these (a static map's answer)."""

    environment: str = "unknown"
    folders: tuple[str, ...] = ()
    #: GitLab's path of the repository; empty: unknown.
    project: str = ""
    #: Labels and annotations that objects have in the cluster, by ``ObjectRef.key``.
    live: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def told_apart(self, index: RepositoryIndex) -> Hints:
        """With the clusters that the repository itself has beside the one that is asked for."""
        return replace(self, environment=clusters.told_apart(index, self.environment))


@dataclass(frozen=True, slots=True)
class Location:
    """The document to edit. ``partial``: a patch, which says only some fields. ``through`` are the Kustomizations
    that build the object from it, outermost first, in which this environment's own settings may be changed."""

    path: str
    document: Document
    partial: bool = False
    through: tuple[Kustomization, ...] = ()
    steps: tuple[str, ...] = ()
    #: Set when the document itself must not be edited (a base that others share): only settings on top of it may.
    blocked: EditRefused | None = None
    #: Has the environment no patch of the object?
    lonely: bool = False
    #: Folder of the overlay that builds the object, where one does.
    built_in: str = ""
    #: Did the live object or the static map say where to look?
    told: bool = False
    #: Fields that patches of others, applied before this environment's own, say.
    before: Mapping[paths.Path, StatedField] = field(default_factory=dict)
    #: Fields that patches inside of this environment's Kustomizations say, or JSON patches beside them.
    stated: Mapping[paths.Path, StatedField] = field(default_factory=dict)
    #: The object as its own file has it, where ``document`` is a patch.
    base: Document | None = None
    #: The object as files name it: without what Kustomizations put before and after its name.
    ref: ObjectRef | None = None


@dataclass(slots=True)
class _Search:
    """One search and what it said on the way."""

    index: RepositoryIndex
    graph: Graph
    #: The object as files name it.
    ref: ObjectRef
    #: The object as the cluster names it.
    asked: ObjectRef
    hints: Hints
    fields: tuple[paths.Path, ...]
    steps: list[str] = field(default_factory=list)
    #: Did the live object or the static map say where to look?
    told: bool = False

    def say(self, text: str) -> None:
        self.steps.append(text)


def locate(
    ref: ObjectRef,
    index: RepositoryIndex,
    hints: Hints,
    *,
    fields: Sequence[paths.Path] = (),
    graph: Graph | None = None,
    steps: list[str] | None = None,
) -> Location:
    """The place of ``fields`` of ``ref``. ``steps`` is told the way, also where it ends in Refused."""
    said = [] if steps is None else steps
    known = graph or kustomize.read_graph(index)
    search = _Search(
        index, known, named_in_files(index, known, ref), ref, hints, tuple(fields), said
    )
    candidates = _of_namespace(search, _candidates(search))
    candidates, roots = _narrowed(search, candidates)
    roots = roots if search.told else _in_use(search, candidates, roots)
    declared = candidates
    ways: list[Sighting | Kustomization] = [*roots, *_plain_of(search, candidates)]
    candidates, roots = _one_way(search, candidates, roots)
    location = _built(search, candidates, roots) if roots else _plain(search, candidates)
    way = next((way for way in ways if _is_at(way, location)), None)
    if way is not None and not search.told:
        environment = search.hints.environment
        both = (way, ways)
        unsaid.refuse(index, known, search.asked, both, environment=environment, declared=declared)
    location = replace(location, told=search.told, ref=search.ref)
    folder = location.built_in if roots else location.path.rpartition("/")[0]
    location = _with_what_is_on_top(search, location, folder)
    index.check_alone(location.path)
    return location


def _with_what_is_on_top(search: _Search, location: Location, folder: str) -> Location:
    """With the fields that a deployer's own inline patch says. Raises NotEditable OVERRIDDEN where it is no such patch."""
    first = location.base or location.document
    base = equivalence.value_of(first.root)
    stated = dict(location.stated)
    for one in search.fields:
        deployer = provenance.overriding(
            search.index, folder, search.asked, (one,), search.hints.environment
        )
        found = stated_on_top(
            search.index, folder, search.asked, one, base, environment=search.hints.environment
        )
        if not deployer and (found is None or one in stated):
            continue
        if found is None:
            raise NotEditable(
                "OVERRIDDEN",
                say("manifests.sets_field_on_top", deployer=deployer, folder=folder or "."),
            )
        named = deployer or say(
            "manifests.object_in_place",
            object=str(found.owner and found.owner.key),
            place=found.file,
        )
        search.say(say("manifests.on_top_says", deployer=named, file=found.file))
        stated[one] = found
    return replace(location, stated=stated, steps=tuple(search.steps))


def _candidates(search: _Search) -> list[Sighting]:
    ref = search.ref
    found, refused = search.index.sightings(ref.kind, ref.name)
    group = ref.api_version.rpartition("/")[0]
    if ref.api_version:
        found = [s for s in found if s.group == group]
    usable = []
    for seen in found:
        try:
            marks.check_document(search.index.texts[seen.path].lstrip("\ufeff"), seen.document)
            usable.append(seen)
        except NotEditable as reason:
            refused.append((seen.path, reason.refused))
    for path, why in refused:
        search.say(say("manifests.left_out", path=path, code=why.code, why=why.reason))
    papers = [s for s in usable if is_paper(search.index, s.path)]
    if papers and len(papers) == len(usable):
        shown = _named(papers)[:_SHOWN]
        said = say("manifests.only_in_documentation", object=ref.key, names=shown)
        raise NotEditable("NOT_FOUND", said)
    usable = [s for s in usable if s not in papers]
    count, where = len(usable), _named(usable)
    if count == 1:
        search.say(say("manifests.document_declares", kind=ref.kind, name=ref.name, places=where))
    elif usable:
        search.say(
            say(
                "manifests.documents_declare",
                count=count,
                kind=ref.kind,
                name=ref.name,
                places=where,
            )
        )
    else:
        search.say(say("manifests.none_declares", kind=ref.kind, name=ref.name))
    if not usable and refused:
        first = refused[0][1]
        raise NotEditable(first.code, say("manifests.about", what=refused[0][0], why=first.reason))
    if not usable:
        template = _template_of(search)
        if template:
            raise NotEditable(
                "TEMPLATED", say("manifests.looks_like_template", template=template, object=ref.key)
            )
        raise NotEditable("NOT_FOUND", say("manifests.no_file_declares", object=ref.key))
    return usable


def _narrowed(search: _Search, found: list[Sighting]) -> tuple[list[Sighting], list[Kustomization]]:
    """What the first rung that leads anywhere leaves of the documents and of the Kustomizations that build them."""
    marks, hints = search.hints.live.get(search.asked.key, {}), search.hints
    for rung in provenance.rungs(search.index, marks, hints.project, search.steps):
        left = [s for s in found if _on(search.graph, s.path, rung)]
        if left and not _within(search, left):
            first = _narrowing(search)[0]
            raise NotEditable(
                "NOT_FOUND",
                say(
                    "manifests.maps_contradict",
                    installer=rung.said_by,
                    where=[s.path for s in left],
                    who=first[0],
                    names=first[1],
                ),
            )
        left = _within(search, left)
        if left:
            where = ", ".join(f or "." for f in rung.folders or rung.endings)
            search.say(say("manifests.leads_to", installer=rung.said_by, where=where))
            search.told = True
            return left, _roots_in(search, left, rung.folders)
        search.say(say("manifests.leads_no_document_declares", installer=rung.said_by))
    maps = _narrowing(search)
    if not maps:
        return found, _roots(search, found)
    found = _within(search, found)
    search.told = True
    who, folders = maps[-1]
    for said, names in maps:
        search.say(say("manifests.map_says_only_below", who=said, names=names))
    if not found:
        what = say("manifests.no_file_below_declares", names=folders, object=search.ref.key)
        raise NotEditable("NOT_FOUND", say("manifests.as_says", what=what, who=who))
    return found, _roots_in(search, found, folders)


def _in_use(
    search: _Search, found: Sequence[Sighting], roots: list[Kustomization]
) -> list[Kustomization]:
    """Without the overlays in whose place another one is deployed. Raises NotEditable NOT_FOUND where none is left."""
    left = []
    for root in roots:
        one = in_use.instead_of(
            search.index, search.graph, root, search.asked, search.hints.environment
        )
        if one is None:
            left.append(root)
            continue
        why = say(
            "manifests.not_in_use",
            folder=root.folder,
            installer=one.said_by,
            other=one.folder or ".",
        )
        if len(roots) == 1 and not _plain_of(search, found):
            raise NotEditable("NOT_FOUND", why)
        search.say(why)
    return left or roots


def _narrowing(search: _Search) -> list[tuple[str, tuple[str, ...]]]:
    hints = search.hints
    return own_map.narrowing(search.index, search.asked, hints.environment, hints.folders)


def _within(search: _Search, found: list[Sighting]) -> list[Sighting]:
    """What the static map and the repository's own leave."""
    rungs = [Rung(who, folders) for who, folders in _narrowing(search)]
    return [s for s in found if all(_on(search.graph, s.path, rung) for rung in rungs)]


def _on(graph: Graph, path: str, rung: Rung) -> bool:
    """Is the file in the rung's folders, or built from there?"""
    if any(path == ending or path.endswith("/" + ending) for ending in rung.endings):
        return True
    if own_map.is_below(path, rung.folders):
        return True
    inside = [k for k in graph.by_folder.values() if own_map.is_below(k.folder, rung.folders)]
    return any(path in b.uses or path in b.patch_files for k in inside for b in graph.below(k))


def _roots_in(
    search: _Search, found: list[Sighting], folders: Sequence[str]
) -> list[Kustomization]:
    """A Kustomization that is applied as it stands is the root, also where another one here uses it."""
    exact = [search.graph.by_folder[f] for f in folders if f in search.graph.by_folder]
    if exact:
        return exact
    roots = _roots(search, found)
    return [r for r in roots if own_map.is_below(r.folder, folders)] or roots


def _free(search: _Search, found: Sequence[Sighting]) -> list[Sighting]:
    return [s for s in found if not search.graph.users_of(s.path)]


def _plain_of(search: _Search, found: Sequence[Sighting]) -> list[Sighting]:
    return [s for s in _free(search, found) if not is_part(s.document)]


def _is_at(way: Sighting | Kustomization, location: Location) -> bool:
    """Is the location what the way makes the object of?"""
    if isinstance(way, Sighting):
        return not location.through and way.path == location.path
    return bool(location.through) and way.folder == location.built_in


def _one_way(
    search: _Search, found: list[Sighting], roots: list[Kustomization]
) -> tuple[list[Sighting], list[Kustomization]]:
    """Overlays or plain files: where both declare the object, the environment has to tell them apart."""
    free, plain = _free(search, found), _plain_of(search, found)
    if not roots and not free:
        raise NotEditable(
            "NOT_FOUND", say("manifests.only_component_nothing_here_builds", object=search.ref.key)
        )
    if not roots:
        return plain or free, roots
    if not plain:
        return found, roots
    ways: list[Sighting | Kustomization] = [*roots, *plain]
    names = [way.path if isinstance(way, Sighting) else way.folder for way in ways]
    places = [line_of(way) if isinstance(way, Sighting) else way.path for way in ways]
    way = _only(search, ways, names, say("manifests.overlays_and_files"), places)
    return ([way], []) if isinstance(way, Sighting) else (found, [way])


def is_part(document: Document) -> bool:
    """Is it a patch that nothing uses? A workload's own manifest says its containers' images."""
    template = marks.child(document.root, "spec", "template", "spec", "containers")
    if template is None or not isinstance(template.value, list):
        return marks.text_at(document.root, "kind") in ("Deployment", "StatefulSet", "DaemonSet")
    return any(not marks.text_at(item, "image") for item in template.value)


def _template_of(search: _Search) -> str:
    """A template of that kind which names the object in its path or text; empty without one."""
    ref, texts = search.ref, search.index.texts
    for path in search.index.by_kind.get(ref.kind.lower(), []):
        if "{{" in texts[path] and (ref.name in path or ref.name in texts[path]):
            return path
    return ""


def _named(found: Sequence[Sighting]) -> list[str]:
    return [f"{s.path}[{s.document.index}]" for s in found]


def _of_namespace(search: _Search, found: list[Sighting]) -> list[Sighting]:
    """Keeps what can be in the object's namespace: said in the document, or set by a Kustomization above it."""
    wanted = search.ref.namespace
    if not wanted:
        return found
    fitting, apart = [], False
    for seen in found:
        built_in = spaces.built_namespaces(search.graph, seen.path)
        if (
            wanted in built_in
            or (not built_in and seen.namespace in ("", wanted))
            or ("" in built_in and seen.namespace in ("", wanted))
        ):
            said = wanted in built_in or seen.namespace == wanted
            if said or not spaces.away(search.index, search.graph, seen.path, wanted):
                fitting.append(seen)
            else:
                apart = True
    if apart and not any(_says_namespace(search, seen) for seen in fitting):
        fitting = []
    if not fitting:
        places = [_for_namespaces(search, seen) for seen in found[:_SHOWN]]
        raise NotEditable(
            "NOT_FOUND",
            say("manifests.missing_namespace", name=search.ref.name, wanted=wanted, places=places),
        )
    if len(fitting) < len(found):
        search.say(say("manifests.namespace_leaves", wanted=wanted, count=len(fitting)))
    return fitting


def _says_namespace(search: _Search, seen: Sighting) -> bool:
    """Does the document, what builds it, who deploys it or a folder's name say the namespace that is asked for?"""
    wanted = search.ref.namespace
    said = {seen.namespace, *spaces.built_namespaces(search.graph, seen.path)}
    if wanted in said or wanted in seen.path.split("/"):
        return True
    ends = search.graph.ends_of(seen.path)
    return any(
        spaces.is_said(search.index, path, wanted) for path in (seen.path, *(r.path for r in ends))
    )


def _for_namespaces(search: _Search, seen: Sighting) -> str:
    index, graph, wanted = search.index, search.graph, search.ref.namespace
    said = spaces.built_namespaces(graph, seen.path) or {seen.namespace}
    names = spaces.away(index, graph, seen.path, wanted) if "" in said else []
    return say(
        "manifests.in_namespace",
        place=line_of(seen),
        namespace=[space or "?" for space in names or sorted(said)],
    )


def line_of(seen: Sighting) -> str:
    """``file:line`` of a document, from 1."""
    return f"{seen.path}:{seen.document.root.start_mark.line + 1}"


def _roots(search: _Search, found: Sequence[Sighting]) -> list[Kustomization]:
    roots = {r.folder: r for s in found for r in search.graph.ends_of(s.path) if not r.component}
    named = {
        folder: root
        for folder, root in roots.items()
        if any(search.asked.name in built_names(search.graph, root, s.path, s.name) for s in found)
    }
    roots = named or roots
    wanted = search.ref.namespace
    fitting = [
        r for r in roots.values() if not wanted or _built_for(search, r, found) & {"", wanted}
    ]
    if wanted:
        fitting = _going_to(search, fitting, found)
    free = any(not search.graph.users_of(s.path) for s in found)
    if roots and not fitting and not free:
        raise NotEditable(
            "NOT_FOUND",
            say("manifests.built_but_not_for_namespace", name=search.ref.name, wanted=wanted),
        )
    return sorted(fitting, key=lambda r: r.folder)


def _going_to(
    search: _Search, roots: list[Kustomization], found: Sequence[Sighting]
) -> list[Kustomization]:
    """Those that may go to the namespace asked for; of them those that nobody puts into others, where there are some."""
    left = [root for root in roots if _may_go_to(search, root.folder, search.ref.namespace)]
    return [root for root in left if not _goes_away(search, root, found)] or left


def _goes_away(search: _Search, root: Kustomization, found: Sequence[Sighting]) -> bool:
    """Do all who deploy a Kustomization put what says no namespace into others than the one asked for?"""
    wanted = search.ref.namespace
    if _built_for(search, root, found) - {""} or any(s.namespace == wanted for s in found):
        return False
    return bool(spaces.away(search.index, search.graph, root.path, wanted))


def _built_for(search: _Search, root: Kustomization, found: Sequence[Sighting]) -> set[str]:
    """The namespaces that a Kustomization puts the documents into which it builds; an empty one where none is said."""
    paths_ = {s.path for s in found if root in search.graph.ends_of(s.path)}
    return {spaces.built_namespace(search.graph, root, path) for path in paths_}


def _may_go_to(search: _Search, folder: str, namespace: str) -> bool:
    """Do the installers of a folder leave it open, or say, that it goes to the namespace?"""
    if not may_force(search.index):
        return True
    said = [i for i in read_map(search.index).installers if i.folder == folder and not i.trouble]
    open_ = [i for i in said if i.namespace in ("", namespace) or not i.forced]
    return not said or bool(open_)


def _plain(search: _Search, found: list[Sighting]) -> Location:
    names = [s.path for s in found]
    chosen = _only(search, found, names, say("manifests.documents"), [line_of(s) for s in found])
    search.say(say("manifests.plain_manifest", file=chosen.path, number=chosen.document.index))
    return Location(chosen.path, chosen.document, steps=tuple(search.steps))


def _only(
    search: _Search, items: list[T], names: list[str], what: str, places: list[str] | None = None
) -> T:
    """The only one, or the only one of the environment, by its name or by who deploys it."""
    environment = search.hints.environment
    choice = Choice(environment, search.ref.name, search.say)
    try:
        return choice.only(items, names, what, places)
    except NotEditable as refused:
        said = [
            deployed.verdict(search.index, item.path, search.asked, environment) for item in items
        ]
        if all(one == "no" for one in said):
            raise NotEditable("NOT_FOUND", refused.reason) from None
        told = deployed.chosen(items, said, environment)
        if len(told) != 1:
            told = [t for t in told if deployed.is_for_cluster(search.index, t.path, environment)]
        if len(told) != 1:
            raise
        search.say(
            say("manifests.deployers_choose", file=told[0].path, count=len(items), what=what)
        )
        return told[0]


def _built(search: _Search, found: list[Sighting], roots: list[Kustomization]) -> Location:
    names, places = [r.folder for r in roots], [r.path for r in roots]
    root = _only(search, roots, names, say("manifests.overlays"), places)
    _check_namespace(search, root)
    search.say(say("manifests.builds_object", folder=root.folder or "."))
    chain = _readable(search.graph.below(root))
    patches, declared = _patches_and_bases(chain, found)
    stated = _stated(search, chain, declared)
    shared = {
        f
        for f, s in stated.items()
        if not _owned(search.graph, s.kustomization, root) or _is_for_others(search, chain, s)
    }
    own = {f: s for f, s in stated.items() if f not in shared and not s.plain}
    decides = _patch_that_decides(chain, patches, [f for f in search.fields if f not in own])
    if shared:
        first = next(s for f, s in stated.items() if f in shared)
        chosen, blocked = _on_top_of(search, root, first, declared, patches)
    elif decides is not None:
        chosen, blocked = decides, None
    else:
        chosen, blocked = _base(search, root, declared, patches)
    partial = all(chosen.document is not s.document for s in declared)
    what = say("manifests.patch") if partial else say("manifests.base")
    search.say(
        say("manifests.chosen_to_edit", file=chosen.path, number=chosen.document.index, what=what)
    )
    return Location(
        chosen.path,
        chosen.document,
        partial,
        through=_own(search.graph, chain, root),
        steps=tuple(search.steps),
        blocked=blocked,
        lonely=not _own_patches(search.graph, patches, root),
        built_in=root.folder,
        stated=own,
        before={f: stated[f] for f in shared},
        base=declared[0].document if declared else None,
    )


def _check_namespace(search: _Search, root: Kustomization) -> None:
    """Raises NotEditable NOT_FOUND where nobody deploys an overlay, its folder says no environment and its namespace another
    one than is asked for."""
    environment, name = search.hints.environment, search.ref.name
    if not root.namespace or speaks([root.folder, root.namespace], environment, name) != "no":
        return
    if not deployed.naming(search.index, root.path):
        label = say("manifests.overlay", folder=root.folder or ".")
        raise NotEditable(
            "NOT_FOUND",
            say(
                "manifests.another_environment_than",
                installer=f"{label} ({root.namespace})",
                environment=environment,
            ),
        )


def _patches_and_bases(
    chain: Sequence[Kustomization], found: Sequence[Sighting]
) -> tuple[list[Sighting], list[Sighting]]:
    """Of what declares the object: the patches of the Kustomizations, and the files that they build from."""
    patch_files = {path for k in chain for path in k.patch_files}
    used = {path for k in chain for path in k.uses} - patch_files
    return [s for s in found if s.path in patch_files], [s for s in found if s.path in used]


def _own(
    graph: Graph, chain: Sequence[Kustomization], root: Kustomization
) -> tuple[Kustomization, ...]:
    return tuple(k for k in chain if _owned(graph, k, root))


def _own_patches(graph: Graph, patches: Sequence[Sighting], root: Kustomization) -> list[Sighting]:
    return [s for s in patches if _owned_path(graph, s.path, root)]


def _readable(chain: list[Kustomization]) -> list[Kustomization]:
    for one in chain:
        if one.trouble:
            raise NotEditable("UNSUPPORTED", say("manifests.about", what=one.path, why=one.trouble))
    return chain


def _stated(
    search: _Search, chain: Sequence[Kustomization], declared: Sequence[Sighting]
) -> dict[paths.Path, StatedField]:
    """The patch that decides each field. Raises NotEditable OVERRIDDEN where one does more than say its value."""
    base = equivalence.value_of(declared[0].document.root) if declared else None
    found = {}
    for one in search.fields:
        said = stating(search.index, chain, search.ref, one, base)
        if said is None:
            continue
        if not said.at:
            how = say("manifests.json_patch" if said.entry.target else "manifests.an_inline_patch")
            raise NotEditable("OVERRIDDEN", say("manifests.sets_field", how=how, file=said.file))
        found[one] = said
    return found


def _is_for_others(search: _Search, chain: Sequence[Kustomization], said: StatedField) -> bool:
    """May the patch mean more objects of these Kustomizations than the one that is looked for?"""
    target, kind = said.entry.target, search.ref.kind
    if not target or str(target.get("name") or "*").replace("-", "").isalnum():
        return False
    paths_of_kind = {
        p for p in search.index.by_kind.get(kind.lower(), ()) if p not in _files(chain)
    }
    used = {path for k in chain for path in k.uses} & paths_of_kind
    names = {
        marks.text_at(document.root, "metadata", "name")
        for path in used
        for document in search.index.documents(path)
        if marks.text_at(document.root, "kind") == kind
    }
    return len(names) > 1


def _files(chain: Sequence[Kustomization]) -> set[str]:
    return {path for k in chain for path in k.patch_files}


def _on_top_of(
    search: _Search,
    root: Kustomization,
    shared: StatedField,
    declared: Sequence[Sighting],
    patches: Sequence[Sighting],
) -> tuple[Sighting, EditRefused | None]:
    """A patch that others use too decides: one of the environment's own, applied after it, wins over it."""
    wide = _owned(search.graph, shared.kustomization, root)
    why = (
        say("manifests.sets_field_for_others", path=shared.file)
        if wide
        else say("manifests.sets_field_for_more_than", path=shared.file)
    )
    search.say(why)
    own = [s for s in _own_patches(search.graph, patches, root) if s.path in root.patch_files]
    if own:
        return _nearest([root], own, search.fields), None
    if not isinstance(equivalence.value_of(shared.document.root), Mapping) or not declared:
        raise NotEditable("OVERRIDDEN", why)
    first = declared[0]
    seen = replace(first, path=shared.file, document=shared.document)
    return seen, EditRefused("OVERRIDDEN", why)


def _patch_that_decides(
    chain: Sequence[Kustomization], patches: Sequence[Sighting], fields: Sequence[paths.Path]
) -> Sighting | None:
    """The outermost patch file that sets one of the fields; the last one where a Kustomization has several."""
    for kustomization in chain:
        for path in reversed(kustomization.patch_files):
            for seen in patches:
                if seen.path == path and any(_sets(seen.document, f) for f in fields):
                    return seen
    return None


def _nearest(
    chain: Sequence[Kustomization], own: Sequence[Sighting], fields: Sequence[paths.Path]
) -> Sighting:
    """Of several patches the one that says most of what the fields are in; of equals the one that is applied last."""
    applied = [path for kustomization in reversed(chain) for path in kustomization.patch_files]

    def rank(seen: Sighting) -> tuple[int, int]:
        said = equivalence.value_of(seen.document.root)
        depths = (
            next(
                d
                for d in range(len(f), -1, -1)
                if paths.find(said, f[:d], paths.ABSENT) is not paths.ABSENT
            )
            for f in fields
        )
        return sum(depths), applied.index(seen.path)

    return max(own, key=rank)


def _sets(document: Document, path: paths.Path) -> bool:
    try:
        return spans.resolve(document, path) is not None
    except NotEditable as refused:
        return refused.code != "NOT_FOUND"


def _base(
    search: _Search, root: Kustomization, declared: list[Sighting], patches: list[Sighting]
) -> tuple[Sighting, EditRefused | None]:
    if not declared:
        name, folder = search.ref.name, root.folder
        away = [target for k in search.graph.below(root) for target in _elsewhere(search, k)]
        if away:
            why = say("manifests.missing_base", folder=folder, name=name, address=away[0])
            raise NotEditable("NOT_RENDERED", why)
        raise NotEditable(
            "NOT_FOUND", say("manifests.patches_but_declares_nowhere", folder=folder, name=name)
        )
    names, places = [s.path for s in declared], [line_of(s) for s in declared]
    # A base is of the environment that builds it, whatever its own folder is called.
    alone = len(declared) == 1 and matches(root.folder, search.hints.environment)
    base = (
        declared[0] if alone else _only(search, declared, names, say("manifests.documents"), places)
    )
    users = search.graph.ends_of(base.path)
    if len(users) == 1:
        return base, None
    search.say(say("manifests.shared_by_overlays", file=base.path, count=len(users)))
    own = _own_patches(search.graph, patches, root)
    if own:
        return _nearest(search.graph.below(root), own, search.fields), None
    return base, EditRefused(
        "AMBIGUOUS_DOC",
        say(
            "manifests.shared_by_overlays_has_patches",
            file=base.path,
            count=len(users),
            folder=root.folder,
            count_2=say("manifests.none"),
            name=search.ref.name,
        ),
    )


def _elsewhere(search: _Search, one: Kustomization) -> list[str]:
    """What a Kustomization builds from and this repository has not, as it was written."""
    known = search.graph.by_folder
    away = [
        target for target in one.uses if target not in search.index.texts and target not in known
    ]
    inside = f"{one.folder}/" if one.folder else ""
    return [re.sub(r"^([a-z+]+):/+", r"\1://", target.removeprefix(inside)) for target in away]


def _owned_path(graph: Graph, path: str, root: Kustomization) -> bool:
    return [r.folder for r in graph.ends_of(path)] == [root.folder]


def _owned(graph: Graph, kustomization: Kustomization, root: Kustomization) -> bool:
    """Does nothing but ``root`` use it?"""
    if kustomization.folder == root.folder:
        return True
    return [r.folder for r in graph.ends_of(kustomization.folder)] == [root.folder]
