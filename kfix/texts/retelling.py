"""A whole record in the reader's language: every sentence that knows what it says, at any depth. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from kfix.texts.catalogue import Language
from kfix.texts.saying import told, told_all
from schemas.base import Model
from schemas.text import Spoken

M = TypeVar("M", bound=Model)


def retold(record: M, language: Language) -> M:
    """The record with its sentences in ``language``; the record itself in English, in which records are written."""
    return record if language == "en" else _record(record, language)


def _record(record: M, language: Language) -> M:
    update: dict[str, Any] = {}
    spoken = record._sentences if isinstance(record, Spoken) else ()
    for name in type(record).model_fields:
        value = getattr(record, name)
        if name in spoken:
            text = getattr(record, f"{name}_text")
            update |= {name: _sentence(value, text, language), f"{name}_text": text}
        elif isinstance(value, Model) or (
            isinstance(value, tuple) and any(isinstance(item, Model) for item in value)
        ):
            update[name] = _inner(value, language)
    return record.model_copy(update=update)


def _inner(value: Any, language: Language) -> Any:
    if isinstance(value, tuple):
        return tuple(_inner(item, language) for item in value)
    return _record(value, language) if isinstance(value, Model) else value


def _sentence(value: Any, text: Any, language: Language) -> Any:
    if isinstance(value, Mapping):
        return {key: told(one, text.get(key), language) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return tuple(told_all(value, text, language))
    return told(value, text, language)
