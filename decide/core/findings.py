"""What a rule yields: a possible cause with its evidence, and the facts that a plan is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

from decide.core.facts import Facts
from decide.core.taxonomy import CLASSES, FailureClass
from schemas.base import ObjectRef
from schemas.plans import EvidenceSource

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    F_co = TypeVar("F_co", bound=Facts, default=Facts, covariant=True)
else:  # defaults of type variables came with Python 3.13; a checker knows them before
    from typing import TypeVar

    F_co = TypeVar("F_co", bound=Facts, covariant=True)

#: Longest quotation of outside text in evidence, in characters.
QUOTE = 300
#: Of these, what is kept of the beginning when the middle is left out.
_HEAD = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One observation. ``value`` with ``unit`` where it is a number."""

    source: EvidenceSource
    statement: str
    object: ObjectRef | None = None
    value: float | None = None
    unit: str = ""


@dataclass(slots=True, kw_only=True)
class Finding(Generic[F_co]):
    """A possible cause.

    ``score`` (0 to 1) is the rule's own belief that this class at this object explains the alert:
    0.9 and more: the responsible program itself names the mechanism and the object suffers now;
    0.7: the configuration is wrong and symptoms fit; 0.5: wrong configuration, no symptom seen, or symptom alone;
    below: a guess that fills the ranking.
    """

    failure_class: str
    object: ObjectRef
    score: float
    detail: str = ""
    evidence: list[Fact] = field(default_factory=list)
    against: list[str] = field(default_factory=list)
    #: What plans need: container, field paths, current values, measured numbers.
    facts: F_co = field(default_factory=Facts)  # type: ignore[assignment]  # a rule without facts has these
    #: About a workload that the alert's subject does not depend on, although strong for itself.
    elsewhere: bool = False
    #: Key of the object whose own trouble explains this: no rival of that one's.
    behind: str = ""
    #: Troubles of its object and of the alert's that it does not account for, as people read them, and their share.
    unexplained: tuple[str, ...] = ()
    open_share: float = 0.0
    #: Of a playbook that brings its class with it.
    own_class: FailureClass | None = None

    @property
    def kind(self) -> FailureClass:
        """Its failure class. Raises KeyError for an id that nobody declared."""
        return self.own_class or CLASSES[self.failure_class]


def shows_itself(
    failure_class: str, ref: ObjectRef, score: float, statement: str
) -> Finding[Facts]:
    """A finding that its own object shows: the one statement is what was seen there and what people are told."""
    return Finding(
        failure_class=failure_class,
        object=ref,
        score=score,
        detail=statement,
        evidence=[Fact(source="object", statement=statement, object=ref)],
    )


def quote(text: str) -> str:
    """Outside text on one line, control characters dropped, shortened in its middle.

    Runtimes and storage drivers wrap the reason they were given: what is the matter stands at the end.
    """
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= QUOTE else f"{flat[:_HEAD]} … {flat[-(QUOTE - _HEAD - 3) :]}"
