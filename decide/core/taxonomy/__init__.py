"""The closed set of failure classes. Ids are stable: they are in fingerprints, outcomes and history.

The records stand in ``decide/core/families/``; ``docs/failure-classes.md`` is made from them
(``python -m decide.core.taxonomy``).
"""

from __future__ import annotations

from collections.abc import Iterator

from decide.core.families import modules
from decide.core.families.entry import FailureClass, Family

__all__ = ["CAUSES", "CLASSES", "FAMILIES", "FailureClass", "Family", "sharper", "table", "title"]

_MODULES = modules("classes")
FAMILIES: dict[str, Family] = {module.FAMILY.id: module.FAMILY for module in _MODULES}
CLASSES: dict[str, FailureClass] = {
    entry.id: entry for module in _MODULES for entry in module.CLASSES
}
#: Ids of the classes that say what is wrong.
CAUSES = frozenset(entry.id for entry in CLASSES.values() if entry.nature == "cause")
_HEAD = "| class | meaning | symptoms | decisive evidence | confounders | plans | source |"
_STANDING = "| class | nature | severity | shows in | told by | taken for | steps back behind | handed off as | also |"


def title(class_id: str, language: str = "en") -> str:
    """The class in one sentence, in the language of messages. Raises KeyError for an unknown class."""
    return CLASSES[class_id].title(language)


def sharper(entry: FailureClass) -> frozenset[str]:
    """Ids of the classes that say the same more exactly where both stand at one object."""
    causes = CAUSES if entry.yields_to_causes else frozenset()
    return (causes | frozenset(entry.yields_to)) - {entry.id}


def table() -> str:
    """The content of ``docs/failure-classes.md``: of each family what its classes mean, then how they stand to others."""
    out = [
        "# Failure classes",
        "",
        "Made from `decide/core/families/`; a test keeps it current.",
        "",
        "The first table of a family says what its classes mean, the second how they stand to others: in which sources",
        "a class shows, which source must tell it, what it is taken for and behind what it steps back.",
        "",
    ]
    for family in FAMILIES.values():
        entries = [entry for entry in CLASSES.values() if entry.family is family]
        out += ["", f"## {family.id}", "", _HEAD, "| --- " * 7 + "|", *map(_meaning, entries)]
        out += ["", _STANDING, "| --- " * 9 + "|", *map(_standing, entries)]
    return "\n".join(out) + "\n"


def _meaning(entry: FailureClass) -> str:
    plans = entry.plans or f"hand-off ({entry.handoff.replace('_', ' ')})"
    return _row(
        f"`{entry.id}`",
        entry.en,
        entry.symptoms,
        entry.evidence,
        entry.confounders,
        plans,
        entry.source,
    )


def _standing(entry: FailureClass) -> str:
    before = [*entry.yields_to, *(["every cause there"] if entry.yields_to_causes else [])]
    return _row(
        f"`{entry.id}`",
        entry.nature,
        entry.severity,
        ", ".join(entry.shows_in),
        entry.told_by,
        ", ".join(dict.fromkeys(rival for rival in entry.rivals if rival != entry.id)),
        ", ".join(before),
        entry.handoff.replace("_", " "),
        "; ".join(_also(entry)),
    )


def _also(entry: FailureClass) -> Iterator[str]:
    """What else is special about a class."""
    flags = {
        "stands at a node": entry.at_node,
        "what a caller says of a callee": entry.of_a_callee,
        "everybody's trouble": entry.everybodys,
        "told from metrics alone": entry.measured,
        "rollback beside other plans": entry.rollback_too,
    }
    yield from (words for words, said in flags.items() if said)
    if entry.explains:
        yield f"explains {', '.join(entry.explains)}"
    if entry.drift_places:
        yield f"drifts in {', '.join(entry.drift_places)}"
    if entry.incident_as:
        yield f"known as {entry.incident_as}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
