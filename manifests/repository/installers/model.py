"""Who applies what: an installer, and the map of all of a repository that says which of them read a file. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from kfix.texts import say
from manifests.repository import dependencies, tree
from manifests.repository.environments import is_called, is_same_place
from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Graph, Kustomization

#: Who applies it: a deployer, a command of a script or pipeline, another tool that names files, or nobody who is known.
Deployer = Literal["argocd", "flux", "fleet", "helmfile", "skaffold", "command", "other", "nobody"]


@dataclass(frozen=True, slots=True)
class Apart:
    """Why an installer does not read what is edited. ``surely``: it cannot; else nobody here can tell."""

    why: str
    surely: bool


@dataclass(frozen=True, slots=True)
class Directory:
    """Which files of its folder Argo CD applies as they are, by their path below it; ``None``: all of them."""

    include: re.Pattern[str] | None = None
    exclude: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Installer:
    """Something that renders or applies files of the repository into a cluster.

    ``said_by`` is what people call it, with the file it is declared in. ``folder`` is applied or built as a whole
    (``None``: nothing is), ``files`` are read beside it.
    """

    said_by: str
    folder: str | None = None
    files: tuple[str, ...] = ()
    #: Where objects go that name no namespace; empty: not said.
    namespace: str = ""
    #: Does that namespace win over the objects' own?
    forced: bool = False
    cluster: str = ""
    #: Names and paths that may say which environment it installs.
    words: tuple[str, ...] = ()
    #: Settings of a Kustomization that it lays over the folder's build.
    on_top: Mapping[str, Any] = field(default_factory=dict)
    #: Are folders below applied too, where there is neither a Kustomization nor a chart?
    recursive: bool = False
    #: Paths that it may read as far as can be told; for what is filled in later.
    pattern: re.Pattern[str] | None = None
    #: Why nobody here can tell what it makes; empty when a rendering tells.
    trouble: str = ""
    #: Is it an overlay that no installer names?
    unnamed: bool = False
    #: Does it read another revision or repository than the one that is edited?
    apart: Apart | None = None
    #: Set where Argo CD applies the files of the folder.
    directory: Directory | None = None
    #: Variables that it fills into what it builds (Flux's postBuild), and where it takes more of them from.
    fills: tuple[str, ...] = ()
    #: Those of them whose values are known; ``None`` where it fills nothing in.
    variables: Mapping[str, str] | None = None
    by: Deployer = "nobody"
    #: The file that declares it, or the folder that is built to see it.
    place: str = ""

    @property
    def cannot_read(self) -> bool:
        """Does an edit surely not reach it?"""
        return self.apart is not None and self.apart.surely

    def passes_over(self, path: str) -> str:
        """Why Argo CD does not apply a file of its folder; empty when it does, or the file is none of its folder."""
        if self.directory is None or self.folder is None:
            return ""
        inside = f"{self.folder}/" if self.folder else ""
        if not path.startswith(inside):
            return ""
        rest = path.removeprefix(inside)
        if "/" in rest and not self.recursive:
            return say("manifests.directory_recurse_not_set") if inside else ""
        if self.directory.exclude is not None and self.directory.exclude.fullmatch(rest):
            return say("manifests.directory_exclude_leaves_out")
        if self.directory.include is not None and not self.directory.include.fullmatch(rest):
            return say("manifests.directory_include_leaves_out")
        return ""


def is_below(folder: str, above: str) -> bool:
    """Is it a folder inside of the other?"""
    return bool(folder) and folder != above and (not above or folder.startswith(f"{above}/"))


@dataclass(slots=True)
class Map:
    """All installers of a repository at one commit."""

    index: RepositoryIndex
    graph: Graph
    installers: list[Installer] = field(default_factory=list)
    _closures: dict[str, frozenset[str]] = field(default_factory=dict)
    _ends: dict[str, list[str]] | None = None

    def reaching(self, path: str) -> list[Installer]:
        """Everybody who reads a file: those who say so, and the overlays and charts that nobody names.

        A plain file that nobody names is its own, and the list is empty.
        """
        said = [one for one in self.installers if self._reads(one, path)]
        said += self._unread(path)
        for link in self._links_to(path):
            trouble = say("manifests.symlink_makes_file_another_one")
            said.append(
                Installer(say("manifests.symlink", link=link), words=(link,), trouble=trouble)
            )
        claimed = {one.folder for one in said}
        for root in self._overlays(path, claimed):
            if root.folder not in claimed:
                words = (root.folder,)
                said.append(
                    Installer(
                        say("manifests.overlay", folder=root.folder or "."),
                        root.folder,
                        words=words,
                        unnamed=True,
                    )
                )
        return said

    def undeployed(self, path: str, *, plain: bool) -> str:
        """Why no edit of the file here is deployed by those who name it; empty when somebody deploys it, or nobody names
        it. ``plain``: the file would be applied as it is."""
        reading = self.reaching(path)
        # An overlay inside of what they build is not known to be deployed by itself.
        within = {f for one in reading if one.apart is not None for f in self._inside(one.folder)}
        if any(o.apart is None and not (o.unnamed and o.folder in within) for o in reading):
            return ""
        for one in reading:
            if one.apart is not None:
                return say(
                    "manifests.reads_but", installer=one.said_by, path=path, why=one.apart.why
                )
        for one in self.installers if plain else ():
            why = "" if one.folder is None or self._is_made(one.folder) else one.passes_over(path)
            if why:
                return say("manifests.does_not_apply", installer=one.said_by, path=path, why=why)
        return ""

    def _inside(self, folder: str | None) -> set[str]:
        if folder is None or not self.is_built(folder):
            return set()
        return {k.folder for k in self.graph.below(self.graph.by_folder[folder])}

    def _is_made(self, folder: str) -> bool:
        return self.is_built(folder) or self.chart_of(folder)

    def _links_to(self, path: str) -> list[str]:
        if self._ends is None:
            self._ends = tree.ends_of(self.index.links)
        return tree.leading_to(self._ends, path)

    def _overlays(self, path: str, claimed: set[str | None]) -> list[Kustomization]:
        """The outermost ones, and those within that are called like an environment: prod may be built on dev. One of the
        environment of all that is built on it is a part of theirs, where somebody deploys those (``claimed``)."""
        roots = self.graph.builds_of(path)
        within = (k for k in self.graph.above(path) if not k.component and k not in roots)
        called = [k for k in within if is_called(posixpath.basename(k.folder))]
        return [*roots, *(k for k in called if not self._is_part_of_all(k, roots, claimed))]

    def _is_part_of_all(
        self, one: Kustomization, roots: Sequence[Kustomization], claimed: set[str | None]
    ) -> bool:
        name, built = posixpath.basename(one.folder), {r.folder for r in roots}
        ends = [r for r in self.graph.ends_of(one.folder) if r.folder in built]
        deployed = bool(ends) and all(r.folder in claimed for r in ends)
        return deployed and all(is_same_place(name, r.folder) for r in ends)

    def _unread(self, path: str) -> list[Installer]:
        """Kustomizations that cannot be read, where their text has to do with the file."""
        name, folder = posixpath.basename(path), posixpath.basename(posixpath.dirname(path))
        found = []
        for k in self.graph.by_folder.values():
            text = self.index.texts.get(k.path, "") if k.trouble and not k.uses else ""
            if name in text or (folder and folder in text) or (text and path == k.path):
                found.append(Installer(k.path, words=(k.folder,), trouble=k.trouble))
        return found

    def is_built(self, folder: str) -> bool:
        """Is there a Kustomization in the folder?"""
        return folder in self.graph.by_folder

    def chart_of(self, folder: str) -> bool:
        """Is the folder a chart?"""
        return posixpath.join(folder, "Chart.yaml") in self.index.texts

    def _reads(self, one: Installer, path: str) -> bool:
        if path in one.files or (one.pattern is not None and one.pattern.fullmatch(path)):
            return True
        folder = one.folder
        if folder is None:
            return False
        if self.is_built(folder):
            read = self._closure(folder)
            return path in read or any(path.startswith(c + "/") for c in self._inflated(folder))
        inside = not folder or path.startswith(folder + "/")
        if self.chart_of(folder):
            return inside or any(
                path.startswith(kept + "/") for kept in dependencies.folders(self.index, folder)
            )
        return self.applies(one, path)

    def applies(self, one: Installer, path: str) -> bool:
        """Does it apply the file as it is, if its folder is neither built nor a chart? Flux builds folders below that have
        a Kustomization, and takes no JSON."""
        folder, flux = one.folder or "", one.by == "flux"
        if not path.endswith((".yaml", ".yml") if flux else (".yaml", ".yml", ".json")):
            return False
        inside = not folder or path.startswith(folder + "/")
        below = one.recursive or posixpath.dirname(path) == folder
        if flux and self._is_built_below(folder, path):
            return False
        return inside and below and not one.passes_over(path)

    def _is_built_below(self, folder: str, path: str) -> bool:
        """Does a folder below have a Kustomization, and the file with it?"""
        above = posixpath.dirname(path)
        while is_below(above, folder):
            if self.is_built(above):
                return True
            above = posixpath.dirname(above)
        return False

    def _inflated(self, folder: str) -> list[str]:
        return [c for k in self.graph.below(self.graph.by_folder[folder]) for c in k.charts]

    def _closure(self, folder: str) -> frozenset[str]:
        """Every file that a Kustomization is built from."""
        if folder not in self._closures:
            read: set[str] = set()
            for k in self.graph.below(self.graph.by_folder[folder]):
                read |= {k.path, *k.uses, *k.patch_files, *k.others, *(f for *_, f in k.generated)}
            self._closures[folder] = frozenset(read)
        return self._closures[folder]
