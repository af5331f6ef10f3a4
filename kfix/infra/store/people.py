"""Takes a person out of what the store keeps: their name, and their words wherever they are quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    String,
    Table,
    and_,
    cast,
    func,
    or_,
    select,
    update,
)

from kfix.incident.judgements import one_line
from kfix.infra.store.console_tables import incident_lines, incident_records
from kfix.infra.store.decide_tables import failed_attempts, fix_lifts, fix_trials, opinions
from kfix.infra.store.enrich_tables import kept_alerts
from kfix.infra.store.forgetting import ERASED
from kfix.infra.store.learn_tables import (
    followed_merge_requests,
    incident_feedback,
    incident_outcomes,
    post_deploy_checks,
)
from kfix.infra.store.publish_tables import merge_requests, notifications, proposals, reverts
from schemas.base import Json

#: Fields that name who said what stands beside them.
_WHO = ("author", "actor", "lifted_by", "judged_by")
#: Fields with what they said.
_SAID = ("text", "argument", "comment", "note", "body", "reason")
#: Ids and hashes: a name in one of them is not this person's.
_IDS = re.compile(r"(?:^|_)(?:id|ids|hash|sha|sha256|iid)$")
#: Characters of a person's words from which a quotation is recognised; shorter ones are common words.
_QUOTED = 12
#: Quotations are cut; so much of the beginning tells them.
_BEGINNING = 40
#: Characters that a name must have: a shorter one is part of too much.
SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Person:
    """Who is taken out: a name as it stands in the records (a forge's user name, a chat's), and what they said."""

    name: str
    words: frozenset[str] = frozenset()

    def is_named(self, value: Json) -> bool:
        """Whether a field that names somebody names this person."""
        return isinstance(value, str) and value.lstrip("@").casefold() == self.name.casefold()

    def without(self, text: str) -> str:
        """The text without the name, and cut off where the person is quoted."""
        for words in sorted(self.words, key=len, reverse=True):
            at = text.find(words[:_BEGINNING])
            if at >= 0:
                whole = text.find(words)
                rest = text[whole + len(words) :] if whole >= 0 else ""
                text = text[:at] + ERASED + rest
        name = rf"(?<!\w)@?{re.escape(self.name)}(?!\w)"
        return re.sub(name, ERASED, text, flags=re.IGNORECASE)


def said_by(person: Person, value: Json) -> set[str]:
    """What the person said, long enough to be recognised where it is quoted."""
    found: set[str] = set()
    if isinstance(value, dict):
        if any(person.is_named(value.get(who)) for who in _WHO):
            found |= {str(value[said]) for said in _SAID if value.get(said)}
        for each in value.values():
            found |= said_by(person, each)
    elif isinstance(value, list):
        for each in value:
            found |= said_by(person, each)
    # A lesson and the memory quote words on one line.
    found |= {one_line(words, max(len(words), 1)) for words in found}
    return {words for words in found if len(words) >= _QUOTED}


def without_person(person: Person, value: Json, key: str = "") -> Json:
    """A JSON value of the same shape without the person. Ids stay, and so does every field that is not a text."""
    if isinstance(value, dict):
        theirs = any(person.is_named(value.get(who)) for who in _WHO)
        return {
            name: _blank(each)
            if theirs and name in _SAID
            else ERASED
            if name in _WHO and person.is_named(each)
            else without_person(person, each, name)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [without_person(person, each, key) for each in value]
    if isinstance(value, str) and not _IDS.search(key):
        return person.without(value)
    return value


def _blank(value: Json) -> Json:
    return "" if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class NamingTable:
    """A table that may name people: which columns, and which one names an incident (``None``: none)."""

    table: Table
    columns: tuple[str, ...]
    incident: Column[str] | None
    #: Columns that name who spoke, and what they said.
    who: str = ""
    said: str = ""


PERSONAL: tuple[NamingTable, ...] = (
    NamingTable(incident_records, ("summary", "payload"), incident_records.c.incident_id),
    NamingTable(incident_lines, ("facts",), incident_lines.c.incident_id),
    NamingTable(kept_alerts, ("alert",), None),
    NamingTable(failed_attempts, ("attempt",), failed_attempts.c.root),
    NamingTable(fix_trials, ("judged_by",), fix_trials.c.incident_id, who="judged_by"),
    NamingTable(fix_lifts, ("lifted_by", "reason"), None, who="lifted_by", said="reason"),
    NamingTable(reverts, ("reason",), reverts.c.incident_id),
    NamingTable(opinions, ("answer",), None),
    NamingTable(proposals, ("record",), proposals.c.incident_id),
    NamingTable(merge_requests, ("title",), merge_requests.c.incident_id),
    NamingTable(notifications, ("reason",), notifications.c.incident_id),
    NamingTable(
        followed_merge_requests,
        ("proposal", "merge_request"),
        followed_merge_requests.c.incident_id,
    ),
    NamingTable(post_deploy_checks, ("watch", "verdict"), post_deploy_checks.c.incident_id),
    NamingTable(incident_outcomes, ("outcome",), incident_outcomes.c.incident_id),
    NamingTable(
        incident_feedback,
        ("author", "text"),
        incident_feedback.c.incident_id,
        who="author",
        said="text",
    ),
)
#: Columns of text that hold JSON.
_JSON_TEXT: Mapping[str, frozenset[str]] = MappingProxyType(
    {"incident_records": frozenset({"payload"}), "opinions": frozenset({"answer"})}
)


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """What was found of a person: rows by table, their incidents, and the person with all their words."""

    counts: Mapping[str, int]
    incidents: tuple[str, ...]
    person: Person


def erase(connection: Connection, name: str, *, act: bool) -> ErasedPerson:
    """Takes the person out of all tables, in the caller's transaction; without ``act`` rows are only counted."""
    person, incidents = _known(connection, Person(name))
    counts = {}
    for one in PERSONAL:
        rows = 0
        for key, before in _rows(connection, one, person, incidents):
            after = {
                column: _cleaned(one, column, person, value) for column, value in before.items()
            }
            changed = {column: value for column, value in after.items() if value != before[column]}
            if one.who and person.is_named(before[one.who]):
                changed |= {one.who: ERASED} | ({one.said: ""} if one.said else {})
            if changed:
                rows += 1
                if act:
                    connection.execute(update(one.table).where(key).values(**changed))
        counts[one.table.name] = rows
    return ErasedPerson(counts, tuple(sorted(incidents)), person)


def _known(connection: Connection, person: Person) -> tuple[Person, set[str]]:
    """The person with their words, and the incidents of rows that name them."""
    words: set[str] = set()
    incidents: set[str] = set()
    for one in PERSONAL:
        if one.incident is None:
            continue
        naming = select(one.incident, *(one.table.c[c] for c in one.columns))
        for row in connection.execute(naming.where(_names(one, person))):
            incidents.add(row[0])
            for column, value in zip(one.columns, row[1:], strict=True):
                words |= said_by(person, _read(one, column, value))
            told = row._mapping
            if one.said and person.is_named(told[one.who]):
                words |= {w for w in (told[one.said],) if len(w) >= _QUOTED}
    return Person(person.name, frozenset(words)), incidents - {""}


def _rows(
    connection: Connection, one: NamingTable, person: Person, incidents: Iterable[str]
) -> list[tuple[ColumnElement[bool], dict[str, Json]]]:
    """The key and the columns of rows that name the person, or are of an incident that the person spoke of."""
    wanted = _names(one, person)
    if one.incident is not None:
        wanted = or_(wanted, one.incident.in_(sorted(incidents)))
    keys: Sequence[Column[Json]] = tuple(one.table.primary_key.columns)
    columns = [one.table.c[name] for name in one.columns]
    found = connection.execute(select(*keys, *columns).where(wanted)).all()
    return [
        (
            and_(*(key == row[at] for at, key in enumerate(keys))),
            dict(zip(one.columns, row[len(keys) :], strict=True)),
        )
        for row in found
    ]


def _names(one: NamingTable, person: Person) -> ColumnElement[bool]:
    """Rows in which the name stands, as it is or as JSON writes it."""
    written = {person.name.lower(), json.dumps(person.name)[1:-1].lower()}
    told: list[ColumnElement[bool]] = []
    for name in one.columns:
        text = func.lower(cast(one.table.c[name], String))
        told += [text.contains(each, autoescape=True) for each in sorted(written)]
    return or_(*told)


def _read(one: NamingTable, column: str, value: Json) -> Json:
    if value is not None and column in _JSON_TEXT.get(one.table.name, ()):
        return json.loads(value)
    return value


def _cleaned(one: NamingTable, column: str, person: Person, value: Json) -> Json:
    if value is None:
        return None
    if column in _JSON_TEXT.get(one.table.name, ()):
        known = json.loads(value)
        made = without_person(person, known)
        return value if made == known else json.dumps(made, ensure_ascii=False)
    if isinstance(one.table.c[column].type, JSON):
        return without_person(person, value)
    return person.without(value)
