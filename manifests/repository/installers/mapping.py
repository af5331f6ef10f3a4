"""Reads the map of installers of a repository. Pure; with a workbench also what Kustomizations make of Applications."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from kfix.texts import say
from manifests.objects.shapes import mapping, text
from manifests.repository import kustomize
from manifests.repository.declared import declared_objects
from manifests.repository.index import RepositoryIndex
from manifests.repository.installers import (
    argo,
    commands,
    fleet,
    flux,
    helmfile,
    naming,
    skaffold,
    sources,
)
from manifests.repository.installers.commands import InstallCommand
from manifests.repository.installers.model import Deployer, Installer, Map
from manifests.repository.paper import is_paper
from schemas.base import Json

_ARGO, _FLUX, _HELM = "argoproj.io", "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
_KINDS = ("application", "applicationset", "kustomization", "helmrelease")


def read_map(index: RepositoryIndex, declared: Iterable[tuple[str, Json]] | None = None) -> Map:
    """The map of a repository, read once for an index. ``declared``: Applications and their like with who declares them,
    where renderings were made to see them; without, they are taken as they stand in the files."""
    known = index.memo.get("map")
    if isinstance(known, Map) and declared is None:
        return known
    found = Map(index, kustomize.read_graph(index))
    written = (
        (place, item)
        for kind in _KINDS
        for place, item in declared_objects(index, kind)
        if not is_paper(index, place)
    )
    for place, item in written if declared is None else declared:
        found.installers += _by(_deployer(item), place, _of_object(index, item, place))
    for target in fleet.targets(index):
        found.installers += _by("fleet", target.place, [_of_fleet(target)])
    for release in helmfile.releases(index):
        found.installers += _by("helmfile", release.place, [_of_helmfile(release)])
    for command in commands.commands(index):
        found.installers += _by("command", command.place, _of_command(index, command))
    found.installers += _by("skaffold", "", skaffold.installers(index))
    found.installers += _by("other", "", naming.installers(index))
    for source in sources.sources(index):
        one = Installer(
            source.path, pattern=source.pattern, trouble=source.why, words=(source.path,)
        )
        found.installers += _by("other", source.path, [one])
    if declared is None:
        index.memo["map"] = found
    return found


def may_force(index: RepositoryIndex) -> bool:
    """May anything here put objects into a namespace against their own? Flux's Kustomizations with a target and Fleet's bundles do; told
    from texts and paths alone, without the map."""
    flux = any("targetNamespace" in text_of for text_of in _of_flux(index))
    return flux or fleet.has_bundles(index)


def may_tell(index: RepositoryIndex) -> bool:
    """May an installer here put files that say no namespace into one? Told as ``may_force``; scripts alone are not asked."""
    declaring = any(map(index.by_kind.get, ("application", "applicationset")))
    return declaring or any(True for _ in _of_flux(index)) or may_force(index)


def _of_flux(index: RepositoryIndex) -> Iterator[str]:
    """The texts of Flux's Kustomizations."""
    texts = (index.texts[path] for path in index.by_kind.get("kustomization", ()))
    return (text_of for text_of in texts if _FLUX in text_of)


def _by(deployer: Deployer, place: str, found: Iterable[Installer]) -> Iterator[Installer]:
    for one in found:
        yield replace(one, by=deployer, place=place or (one.words[0] if one.words else ""))


def _deployer(item: Json) -> Deployer:
    return "argocd" if text(item, "apiVersion").startswith(_ARGO) else "flux"


def _of_object(index: RepositoryIndex, item: Json, place: str) -> list[Installer]:
    group = text(item, "apiVersion").partition("/")[0]
    if not mapping(item, "spec"):
        return []
    known = text(item, "kind"), group
    if known == ("Application", _ARGO):
        return list(argo.of_application(index, item, place))
    if known == ("ApplicationSet", _ARGO):
        return list(argo.of_set(index, item, place))
    if known == ("Kustomization", _FLUX):
        return list(flux.of_kustomization(index, item, place))
    return [flux.of_release(index, item, place)] if known == ("HelmRelease", _HELM) else []


def _of_fleet(target: fleet.FleetTarget) -> Installer:
    folder = target.build if target.build is not None else target.chart
    files = [path for path, inline, _ in target.layers if inline is None]
    inside = [target.place] if target.layers else []
    if target.chart is None and target.build is None:
        folder = None if target.kept or target.files is not None else target.folder
    files += target.files or ()
    overlaid = tuple(re.escape(one) + "/.*" for one in target.overlays)
    return Installer(
        target.said_by,
        folder,
        (*files, *inside),
        target.namespace,
        target.forced,
        words=target.words,
        recursive=True,
        pattern=re.compile("|".join(overlaid)) if overlaid else None,
        trouble=target.trouble or (say("manifests.overlays_not_followed_here") if overlaid else ""),
    )


def _of_helmfile(release: helmfile.FileRelease) -> Installer:
    named = sorted(release.layers, key=lambda layer: layer.inline is not None)
    files = dict.fromkeys((*(layer.path for layer in named), *release.reads))
    words = (release.environment, release.namespace, release.name, release.place)
    return Installer(
        release.said_by,
        release.chart,
        tuple(files),
        release.namespace,
        words=tuple(word for word in words if word),
        pattern=release.pattern,
        trouble=release.trouble,
    )


def _of_command(index: RepositoryIndex, command: InstallCommand) -> Iterator[Installer]:
    said, kept = commands.said_of(command), commands.words_of(command)
    if commands.says_nothing(command.subject) and not command.value_files:
        return
    if command.program == "helm":
        yield from _of_helm(index, command, said, kept)
        return
    if command.trouble or commands.holds_any(command.subject):
        trouble = command.trouble or say("manifests.shell_fills_what_applies")
        yield Installer(
            said, pattern=commands.pattern_of(command, command.subject), words=kept, trouble=trouble
        )
        return
    for folder in commands.meant(index, command, command.subject):
        namespace = "" if commands.holds_any(command.namespace) else command.namespace
        if folder in index.texts:
            yield Installer(said, None, (folder,), namespace, cluster=command.cluster, words=kept)
        else:
            words = (*kept, folder) if folder else kept
            yield Installer(
                said, folder, (), namespace, cluster=command.cluster, words=words,
                recursive=command.recursive,
            )  # fmt: skip


def _of_helm(
    index: RepositoryIndex, command: InstallCommand, said: str, words: tuple[str, ...]
) -> Iterator[Installer]:
    """What helm installs from a command line: rendered as a release where nothing is filled in."""
    trouble = command.trouble
    filled = [command.subject, *command.value_files]
    if any(commands.holds_any(word) for word in filled):
        shapes = [commands.pattern_of(command, word).pattern for word in filled]
        why = trouble or say("manifests.shell_fills_what_installs")
        yield Installer(said, pattern=re.compile("|".join(shapes)), words=words, trouble=why)
        return
    files = [f for name in command.value_files for f in commands.meant(index, command, name)]
    for folder in commands.meant(index, command, command.subject):
        yield Installer(
            said, folder, tuple(files), cluster=command.cluster, words=words, trouble=trouble
        )
