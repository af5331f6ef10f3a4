"""``.kfix.yaml`` in a repository: what its owners let K-Fix change there. Pure.

No file: everything that the safety policy allows. A file that cannot be read, or says anything that is not known here:
nothing at all, and the reason names the line. Every limit narrows; none widens what safety allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError

from kfix.texts import say
from manifests.objects import quantities
from manifests.refused import NotEditable
from manifests.repository import own_map
from manifests.text import read as reading
from manifests.text.equivalence import value_of

FILE = ".kfix.yaml"
#: Bytes of the file: such a list fits a page.
_MAX_BYTES = 64 * 1024
_Text = Annotated[str, Field(min_length=1, max_length=300)]
_Declared = tuple[dict[str, Any], ...]
_Texts = Annotated[tuple[_Text, ...], Field(min_length=1, max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The largest quantity: as the owners write it, and the number that it is (cores, bytes)."""

    text: str
    amount: Decimal


_Ceiling = Annotated[Ceiling, PlainSerializer(lambda one: one.text, return_type=str)]


class Maximum(_Strict):
    """The largest change. Each is optional."""

    #: A number may grow, and shrink, by this factor at most.
    factor: Annotated[float, Field(gt=1.0)] | None = None
    replicas: Annotated[int, Field(ge=0)] | None = None
    #: Quantities of one container's request or limit.
    cpu: _Ceiling | None = None
    memory: _Ceiling | None = None
    #: Changed lines (added plus removed) and files of one merge request.
    lines: Annotated[int, Field(ge=1)] | None = None
    files: Annotated[int, Field(ge=1)] | None = None

    @field_validator("cpu", "memory", mode="before")
    @classmethod
    def _quantity(cls, value: object) -> Ceiling | None:
        if value is None:
            return None
        if isinstance(value, bool):
            raise PydanticCustomError("string_type", "Input should be a valid string")
        text = str(value)
        amount = quantities.parse(text)
        if amount <= 0:
            raise ValueError("a quantity above zero is needed")
        return Ceiling(text, amount)


class MergeRequestCaps(_Strict):
    """How many merge requests. They narrow the settings of K-Fix, never widen them."""

    open: Annotated[int, Field(ge=0)] | None = None
    per_hour: Annotated[int, Field(ge=0)] | None = None

    def within(self, open_at_most: int, per_hour: int) -> tuple[int, int]:
        """(how many may be open, how many may be opened in an hour), by the owners' word before that of the settings."""
        return (
            open_at_most if self.open is None else self.open,
            per_hour if self.per_hour is None else self.per_hour,
        )


class Consent(_Strict):
    """The whole file."""

    version: Literal[1]
    #: ``false``: no merge requests here.
    propose: bool = True
    #: Patterns of files; all when missing.
    paths: _Texts | None = None
    kinds: _Texts | None = None
    #: Fields, each with all below it; ``*`` is any one segment, ``[*]`` any item. All when missing.
    fields: _Texts | None = None
    #: May whole objects be added?
    create: bool = True
    maximum: Maximum = Maximum()
    merge_requests: MergeRequestCaps = MergeRequestCaps()
    #: Where objects are declared, as ``manifests.repository.own_map`` reads it: it chooses nothing here.
    declared: _Declared | None = None
    #: User names, ``@group/path`` or ``@@role``, asked for review.
    reviewers: _Texts | None = None

    @field_validator("declared", mode="before")
    @classmethod
    def _mapped(cls, value: object) -> object:
        if value is not None:
            own_map.entries_of(value)
            return tuple(value) if isinstance(value, list) else value
        raise own_map.InvalidMap(say("manifests.own_map_entries", most=own_map.MOST))

    @field_validator("paths", "kinds", "fields", "reviewers", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else value


#: What holds where there is no file.
OPEN = Consent(version=1)


class InvalidRepositoryPolicy(ValueError):
    """The file is no consent. The message is for people."""


def read(content: bytes | None) -> Consent:
    """The consent of a repository; ``None``: it has no such file. Raises Broken."""
    if content is None:
        return OPEN
    if len(content) > _MAX_BYTES:
        raise InvalidRepositoryPolicy(say("publish.policy.too_long", file=FILE, most=_MAX_BYTES))
    try:
        documents = reading.read(reading.without_bom(reading.decode(content))[1])
    except NotEditable as refused:
        raise InvalidRepositoryPolicy(
            say("publish.policy.unreadable", file=FILE, why=refused.reason)
        ) from None
    if len(documents) != 1:
        raise InvalidRepositoryPolicy(
            say("publish.policy.documents", file=FILE, count=len(documents))
        )
    if documents[0].duplicate:
        raise InvalidRepositoryPolicy(
            say("publish.policy.twice", file=FILE, key=documents[0].duplicate[:80])
        )
    if documents[0].aliased:
        raise InvalidRepositoryPolicy(say("publish.policy.anchors", file=FILE))
    try:
        return Consent.model_validate(value_of(documents[0].root))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where: str = ".".join(str(part) for part in first["loc"])
        why = say(
            "manifests.about", what=where or say("publish.policy.whole_document"), why=first["msg"]
        )
        raise InvalidRepositoryPolicy(
            say("publish.policy.unreadable", file=FILE, why=why)
        ) from None
