"""The closed set of failure classes. Ids are stable: they are in fingerprints, outcomes and history.

The records stand in ``decide/core/families/``; ``docs/failure-classes.md`` is made from them
(``python -m decide.core.taxonomy``).
"""

from __future__ import annotations

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


def title(class_id: str, language: str = "en") -> str:
    """The class in one sentence, in the language of messages. Raises KeyError for an unknown class."""
    return CLASSES[class_id].title(language)


def sharper(entry: FailureClass) -> frozenset[str]:
    """Ids of the classes that say the same more exactly where both stand at one object."""
    causes = CAUSES if entry.yields_to_causes else frozenset()
    return (causes | frozenset(entry.yields_to)) - {entry.id}


def table() -> str:
    """The content of ``docs/failure-classes.md``."""
    out = [
        "# Failure classes",
        "",
        "Made from `decide/core/families/`; a test keeps it current.",
        "",
    ]
    family = ""
    for entry in CLASSES.values():
        if entry.family.id != family:
            family = entry.family.id
            out += ["", f"## {family}", "", _HEAD, "| --- " * 7 + "|"]
        plans = entry.plans or f"hand-off ({entry.handoff.replace('_', ' ')})"
        cells = (
            f"`{entry.id}`",
            entry.en,
            entry.symptoms,
            entry.evidence,
            entry.confounders,
            plans,
            entry.source,
        )
        out.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(out) + "\n"
