"""Making sentences: in English where something is said, in the reader's language where it is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from kfix.texts.catalogue import Language, template
from schemas.text import Said, Text, text_of

#: What a sentence may be filled with.
Filling = str | int | float | Decimal | Text | Sequence["str | Text"]


def say(text_id: str, /, **parameters: Filling) -> Said:
    """The sentence in English, with what it says. Never raises: an unknown id, or a missing parameter, is shown as such.

    Numbers stay numbers, so that each language writes them its own way; a ``Said`` among the parameters is said in the
    reader's language too.
    """
    text = Text.model_construct(
        id=text_id, parameters={name: _parameter(value) for name, value in parameters.items()}
    )
    return Said(_english(text), text)


def both(english: str, french: str) -> Said:
    """What no catalogue has, in both languages: the words of a house's own playbook."""
    return say("texts.both", en=english, fr=french)


def render(text: Text, language: Language) -> str | None:
    """The sentence in the language; ``None`` when its catalogue lacks the id or the text lacks a parameter."""
    found = template(text.id, language)
    if found is None or not found.names <= text.parameters.keys():
        return None
    return found.filled(text.parameters, language, lambda value: _inner(value, language))


def told(sentence: str, text: Text | None, language: Language) -> str:
    """A record's sentence in the reader's language; as it stands in the record where its text is not known."""
    if text is None:
        return sentence
    made = render(text, language)
    return sentence if made is None else made


def told_all(
    sentences: Sequence[str], texts: Sequence[Text | None], language: Language
) -> list[str]:
    """``told`` for a list of sentences. Texts of another number, as of older records, are not theirs."""
    if len(texts) != len(sentences):
        return list(sentences)
    return [told(one, text, language) for one, text in zip(sentences, texts, strict=True)]


def known(text_id: str) -> bool:
    """Is there an entry for this id?"""
    return template(text_id, "en") is not None


def in_language(sentence: str, language: Language) -> str:
    """A sentence in another language; it still knows what it says. An ordinary ``str`` stays as it is."""
    text = text_of(sentence)
    return sentence if text is None else Said(told(str(sentence), text, language), text)


def word(text_id: str, language: Language, /, **parameters: Filling) -> str:
    """A word or sentence that no record carries. Never raises: what cannot be made in the language is said in English."""
    said = say(text_id, **parameters)
    found = render(said.text, language)
    return str(said) if found is None else found


def _english(text: Text) -> str:
    made = render(text, "en")
    if made is not None:
        return made
    filled = (f"{name}={_inner(value, 'en')}" for name, value in text.parameters.items())
    return " ".join((text.id, *filled))


def _inner(value: Any, language: Language) -> str:
    if isinstance(value, Text):
        made = render(value, language)
        return _english(value) if made is None else made
    if isinstance(value, list | tuple):
        return ", ".join(_inner(item, language) for item in value)
    return str(value)


def _parameter(value: Any) -> Any:
    text = text_of(value)
    if text is not None:
        return text
    if isinstance(value, Text | str):
        return value
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Sequence):
        return tuple(_parameter(item) for item in value)
    return str(value)
