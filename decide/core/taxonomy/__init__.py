"""The closed set of failure classes. Ids are stable: they are in fingerprints, outcomes and history.

A module per family; ``docs/failure-classes.md`` is made from them (``python -m decide.core.taxonomy``).
"""

from __future__ import annotations

from decide.core.families.admission import classes as admission
from decide.core.families.dependencies import classes as dependencies
from decide.core.families.entry import FailureClass, Family
from decide.core.families.no_fault import classes as quiet
from decide.core.families.nodes import classes as nodes
from decide.core.families.performance import classes as performance
from decide.core.families.resources import classes as resources
from decide.core.families.runtime import classes as runtime
from decide.core.families.scheduling import classes as scheduling
from decide.core.families.services import classes as services
from decide.core.families.startup import classes as startup

__all__ = ["CLASSES", "FailureClass", "Family", "table", "title"]

_FAMILIES = (
    resources,
    admission,
    scheduling,
    startup,
    runtime,
    services,
    dependencies,
    performance,
    nodes,
    quiet,
)
CLASSES: dict[str, FailureClass] = {c.id: c for family in _FAMILIES for c in family.CLASSES}
_HEAD = "| class | meaning | symptoms | decisive evidence | confounders | plans | source |"


def title(class_id: str, language: str = "en") -> str:
    """The class in one sentence, in the language of messages. Raises KeyError for an unknown class."""
    return CLASSES[class_id].title(language)


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
        if entry.family != family:
            family = entry.family
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
