"""The little language of a catalogue's entry: see ``kfix.texts``. What an entry is filled with is never read as one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

_SLOT = re.compile(r"\{\{|\}\}|\{(?P<name>[a-z][a-z0-9_]*)(?:(?P<sort>[:?])(?P<rest>[^{}]*))?\}")
#: A blank that does not break, as French has it before a percent sign and between thousands.
NARROW = "\u202f"


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that a parameter fills. ``one`` and ``many``: words that a number chooses between."""

    name: str
    form: str = ""
    one: str | None = None
    many: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """An entry, read: literal text and slots in their order."""

    parts: tuple[str | Slot, ...]

    @property
    def names(self) -> frozenset[str]:
        """The parameters that it wants."""
        return frozenset(part.name for part in self.parts if isinstance(part, Slot))

    def filled(
        self, parameters: Mapping[str, Any], language: str, shown: Callable[[Any], str]
    ) -> str:
        """The sentence. ``shown``: how a sentence inside the sentence is written. Raises KeyError for a missing parameter."""
        return "".join(
            part if isinstance(part, str) else _filled(part, parameters[part.name], language, shown)
            for part in self.parts
        )


def compiled(entry: str) -> Template:
    """Reads an entry. A brace that opens no slot is an ordinary character."""
    parts: list[str | Slot] = []
    at = 0
    for match in _SLOT.finditer(entry):
        parts.append(entry[at : match.start()])
        at = match.end()
        if match["name"] is None:
            parts.append(match[0][0])
        elif match["sort"] == "?":
            one, _, many = match["rest"].partition("|")
            parts.append(Slot(match["name"], one=one, many=many))
        else:
            parts.append(Slot(match["name"], match["rest"] or ""))
    parts.append(entry[at:])
    return Template(tuple(part for part in parts if part != ""))


def _filled(slot: Slot, value: Any, language: str, shown: Callable[[Any], str]) -> str:
    if slot.one is not None:
        return slot.one if plural(value, language) == "one" else slot.many
    if isinstance(value, int | float):
        return number(value, slot.form, language)
    if isinstance(value, list | tuple):
        return (slot.form or ", ").join(shown(item) for item in value)
    return shown(value)


def plural(count: Any, language: str) -> Literal["one", "other"]:
    """CLDR's plural rule for cardinals: one in English is 1 without decimals, in French anything from 0 to below 2."""
    if not isinstance(count, int | float):
        return "other"
    single = abs(count) < 2 if language == "fr" else isinstance(count, int) and count == 1
    return "one" if single else "other"


def number(value: float, form: str, language: str) -> str:
    """A number in a format of Python's mini-language, with the language's marks. A format that does not fit is left out."""
    try:
        written = format(value, form)
    except ValueError:
        written = str(value)
    if language != "fr":
        return written
    marks = str.maketrans({",": NARROW, ".": ",", "%": f"{NARROW}%"})
    return written.translate(marks)
