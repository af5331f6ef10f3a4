"""``.kfix.yaml`` in a repository: what its owners let K-Fix change there. Pure.

No file: everything that the safety policy allows. A file that cannot be read, or says anything that is not known here:
nothing at all, and the reason names the line. Every limit narrows; none widens what safety allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from kfix.incident.globs import matches
from kfix.texts import say
from manifests.objects import paths, quantities
from manifests.refused import NotEditable
from manifests.text import read as reading
from manifests.text.equivalence import value_of
from schemas.base import Json
from schemas.plans import FieldChange, KubernetesChange
from schemas.validated import FileEdit

FILE = ".kfix.yaml"
#: Bytes of the file: such a list fits a page.
_MAX_BYTES = 64 * 1024
_TOKENS = re.compile(r"\[[^\]]*\]|[^.\[\]]+")
_Text = Annotated[str, Field(min_length=1, max_length=300)]
_Texts = Annotated[tuple[_Text, ...], Field(min_length=1, max_length=200)]
_REPLICAS = ("replicas", "minReplicas", "maxReplicas")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Maximum(_Strict):
    """The largest change. Each is optional."""

    #: A number may grow, and shrink, by this factor at most.
    factor: Annotated[float, Field(gt=1.0)] | None = None
    replicas: Annotated[int, Field(ge=0)] | None = None
    #: Quantities of one container's request or limit.
    cpu: str | None = None
    memory: str | None = None
    #: Changed lines (added plus removed) and files of one merge request.
    lines: Annotated[int, Field(ge=1)] | None = None
    files: Annotated[int, Field(ge=1)] | None = None

    @field_validator("cpu", "memory", mode="before")
    @classmethod
    def _quantity(cls, value: object) -> object:
        if value is None or isinstance(value, bool):
            return value
        text = str(value)
        if quantities.parse(text) <= 0:
            raise ValueError("a quantity above zero is needed")
        return text


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
    #: User names, ``@group/path`` or ``@@role``, asked for review.
    reviewers: _Texts | None = None

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


def refusal(
    consent: Consent, changes: Sequence[KubernetesChange], edits: Sequence[FileEdit]
) -> str:
    """Why the owners do not let this be proposed, in one sentence; empty when they do."""
    if not consent.propose:
        return say("publish.policy.nothing", file=FILE)
    return next((told for told in _objections(consent, changes, edits) if told), "")


def _objections(
    consent: Consent, changes: Sequence[KubernetesChange], edits: Sequence[FileEdit]
) -> Iterator[str]:
    for edit in edits:
        if consent.paths is not None and not any(matches(p, edit.path) for p in consent.paths):
            yield say("publish.policy.path", file=FILE, path=edit.path)
    largest, lines = consent.maximum, sum(e.added_lines + e.removed_lines for e in edits)
    if largest.files is not None and len(edits) > largest.files:
        yield say("publish.policy.files", file=FILE, most=largest.files, files=len(edits))
    if largest.lines is not None and lines > largest.lines:
        yield say("publish.policy.lines", file=FILE, most=largest.lines, lines=lines)
    for change in changes:
        yield from _against(consent, change)


def _against(consent: Consent, change: KubernetesChange) -> Iterator[str]:
    kind = change.object.kind
    if consent.kinds is not None and kind not in consent.kinds:
        yield say("publish.policy.kind", file=FILE, kind=kind)
    if change.action == "delete":
        yield say("publish.policy.deleted", file=FILE)
    if change.action == "create" and not consent.create:
        yield say("publish.policy.added", file=FILE)
    if change.action == "create" and consent.fields is not None:
        yield say("publish.policy.whole", file=FILE, kind=kind)
    for one in change.fields:
        if consent.fields is not None and not any(_covers(f, one.path) for f in consent.fields):
            yield say("publish.policy.path", file=FILE, path=one.path)
    for path, before, after in _leaves(change):
        yield _too_large(consent.maximum, path, before, after)


def _covers(pattern: str, path: str) -> bool:
    """Is the field ``pattern`` or one below it?"""
    wanted, there = _TOKENS.findall(pattern), _TOKENS.findall(path)
    if len(wanted) > len(there):
        return False
    pairs = zip(wanted, there, strict=False)
    return all(
        w == t or (w == "*" and t[0] != "[") or (w == "[*]" and t[0] == "[") for w, t in pairs
    )


def _leaves(change: KubernetesChange) -> Iterator[tuple[tuple[str, ...], Json, Json]]:
    """(path, before, after) of every single value that changes, also inside of what is changed as a whole."""
    if change.manifest is not None:
        yield from _inside((), None, change.manifest)
    for one in change.fields:
        yield from _inside(_names(one), one.before, one.after)


def _names(change: FieldChange) -> tuple[str, ...]:
    try:
        return tuple(str(segment) for segment in paths.parse(change.path))
    except paths.BadPath:
        return (change.path,)


def _inside(
    path: tuple[str, ...], before: Json, after: Json
) -> Iterator[tuple[tuple[str, ...], Json, Json]]:
    if isinstance(after, dict):
        for key, value in after.items():
            yield from _inside((*path, str(key)), _at(before, key), value)
    elif isinstance(after, list):
        for index, value in enumerate(after):
            yield from _inside((*path, str(index)), _at(before, index), value)
    elif after != before:
        yield path, before, after


def _at(value: Json, key: Json) -> Json:
    """The value below, where there is one. Items of lists are compared by their place."""
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return None


def _too_large(maximum: Maximum, path: tuple[str, ...], before: Json, after: Json) -> str:
    resource = path[-1] if len(path) > 1 and path[-2] in ("requests", "limits") else ""
    counted = bool(path) and path[-1] in _REPLICAS
    if after is None or not (counted or resource):
        return ""
    new, old = _number(after), _number(before)
    if new is None:
        return say("publish.policy.no_number", file=FILE, field=path[-1])
    ceilings = {"cpu": maximum.cpu, "memory": maximum.memory}
    ceiling = (
        str(maximum.replicas)
        if counted and maximum.replicas is not None
        else ceilings.get(resource)
    )
    if ceiling is not None and new > quantities.parse(ceiling):
        return say(
            "publish.policy.up_to", file=FILE, field=path[-1], ceiling=ceiling, amount=str(after)
        )
    if maximum.factor is not None and old is not None and old > 0:
        factor = Decimal(str(maximum.factor))
        if new > old * factor or new * factor < old:
            return say(
                "publish.policy.factor",
                file=FILE,
                field=path[-1],
                factor=maximum.factor,
                before=str(before),
                after=str(after),
            )
    return ""


def _number(value: Json) -> Decimal | None:
    try:
        return quantities.parse(value) if isinstance(value, str | int | float) else None
    except quantities.BadQuantity:
        return None
