"""The edits that gather for the files of one repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from manifests.repository.index import RepositoryIndex
from manifests.repository.kustomize import Graph
from manifests.repository.locate import Hints
from manifests.repository.rendering import RenderSession
from manifests.text.edits import Edit
from schemas.plans import KubernetesChange


@dataclass(slots=True)
class EditDraft:
    """Edits gathered for the files of one repository."""

    edits: dict[str, list[Edit]] = field(default_factory=dict)
    steps: dict[str, list[str]] = field(default_factory=dict)
    new: dict[str, str] = field(default_factory=dict)
    #: Whole new texts of files that are no YAML: what generators read.
    texts: dict[str, str] = field(default_factory=dict)
    #: Names without their hash of the generated objects that change, by ``ObjectRef.key``.
    generated: dict[str, str] = field(default_factory=dict)
    #: Changes of objects that carry values for the planned ones: HelmReleases, Applications.
    carried: list[KubernetesChange] = field(default_factory=list)
    #: Were values of a chart changed?
    placed: bool = False
    #: Did the live object or a map say where the object is made?
    told: bool = False
    #: Is it only right if a rendering says so?
    to_prove: bool = False
    #: Is the chart kept elsewhere, so that nobody can render it?
    elsewhere: bool = False
    #: (release, namespace) that a chart was rendered as.
    installed: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, path: str, edits: Sequence[Edit], steps: Sequence[str]) -> None:
        """Edits of a file, with the steps by which their place was found, after those that the file has."""
        self.edits.setdefault(path, []).extend(edits)
        self.steps.setdefault(path, []).extend(steps)


@dataclass(frozen=True, slots=True)
class Task:
    """What the edits of one repository are gathered from, and ``draft``, which they are gathered in. ``bench``: nothing is
    rendered without one."""

    index: RepositoryIndex
    graph: Graph
    hints: Hints
    bench: RenderSession | None
    draft: EditDraft
