"""What the rules of the family tell its plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from decide.core.facts import Facts
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusableImage(Facts):
    """An image that does not come, or that came and cannot run."""

    workload: Workload
    #: The container's name.
    container: str
    #: As the container names it; empty where it names none.
    image: str
    #: It was pulled.
    arrived: bool = False
    #: Another image from there would not come either: what keeps this one away is no matter of its name.
    right: bool = False
    #: Ready pods of the workload that run it: it was there once, and they do not need it again.
    well: int = 0

    @property
    def beside_template(self) -> bool:
        """Going back to the image before would not bring it."""
        return self.right


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentReference(Facts):
    """A ConfigMap or Secret, or a key of one, that pods name and that does not exist."""

    workload: Workload
    kind: Literal["configmap", "secret"]
    #: The object's name; empty where nobody says it.
    name: str = ""
    #: The key that is missing; empty where the whole object is.
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmountedKey(AbsentReference):
    """A mount whose ``subPath`` names no key of its ConfigMap or Secret: an empty folder comes in its place."""

    #: The container's name, and the place of the mount in its list.
    container: str
    index: int
    #: Where it is mounted.
    path: str
    #: The names of files that the volume has.
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnrunnableCommand(Facts):
    """A container whose command cannot be run."""

    workload: Workload
    #: The container's name.
    container: str
    #: The word that names no program; empty where nobody says it.
    word: str = ""
    #: The file is there and may not be executed.
    denied: bool = False
