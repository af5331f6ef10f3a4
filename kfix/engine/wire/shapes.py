"""From a pydantic model to its Avro schema, and its values to Avro's and back. Compiled once per model, pure.

What maps to what: ``str`` and closed words (``Literal``) to string, since an Avro enum cannot grow without breaking
its readers; ``int`` to long; ``float`` to double; ``bytes`` to bytes; times to timestamp-micros; tuples and lists to
arrays; string-keyed dicts to maps; ``X | None`` to a union; models to records of namespace ``kfix``; free JSON
(``schemas.base.Json``) to a string holding JSON. Every field with a default has that default in the schema too,
which is what lets a newer reader take older records (Avro 1.12, "Schema Resolution").
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import from_json, to_json

from schemas.base import JsonText

NAMESPACE = "kfix"
Schema = Any  #: Avro's schema language has no type of its own: names, lists and dicts.
Convert = Callable[[Any], Any]

_PRIMITIVES: dict[type, str] = {
    str: "string",
    int: "long",
    float: "double",
    bool: "boolean",
    bytes: "bytes",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A type's Avro schema and its conversions; ``None`` for a conversion means: the value travels as it is."""

    schema: Schema
    dump: Convert | None = None
    load: Convert | None = None


@dataclass(slots=True)
class Shapes:
    """Shapes of one schema. A record is spelled out where it is met first and named after that, as Avro demands."""

    _records: dict[type[BaseModel], Shape] = field(default_factory=dict)

    def of(self, annotation: Any, metadata: tuple[Any, ...] = ()) -> Shape:
        """The shape of a type. Raises TypeError for a type that the language does not use."""
        origin = get_origin(annotation)
        if origin is Annotated:
            inner, *marks = get_args(annotation)
            return self.of(inner, (*marks, *metadata))
        if JsonText in metadata:
            return Shape("string", dump_json, from_json)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return self._record(annotation)
        if annotation is datetime:
            return Shape({"type": "long", "logicalType": "timestamp-micros"})
        if annotation in _PRIMITIVES:
            return Shape(_PRIMITIVES[annotation])
        return self._composite(annotation, origin)

    def _composite(self, annotation: Any, origin: Any) -> Shape:
        arguments = get_args(annotation)
        if origin is Literal and all(isinstance(word, str) for word in arguments):
            return Shape("string")
        if origin in (Union, types.UnionType):
            return self._optional(arguments)
        if origin is list or (origin is tuple and arguments[1:] == (...,)):
            item = self.of(arguments[0])
            return Shape(
                {"type": "array", "items": item.schema}, _each(item.dump), _each(item.load)
            )
        if origin is dict and arguments[0] is str:
            value = self.of(arguments[1])
            schema = {"type": "map", "values": value.schema}
            return Shape(schema, _each_value(value.dump), _each_value(value.load))
        raise TypeError(f"{annotation!r} has no Avro form")

    def _optional(self, arguments: tuple[Any, ...]) -> Shape:
        present = [argument for argument in arguments if argument is not types.NoneType]
        if len(present) != 1 or len(arguments) != 2:
            raise TypeError(f"only 'X | None' unions are spoken, not {arguments!r}")
        inner = self.of(present[0])
        return Shape(["null", inner.schema], _unless_none(inner.dump), _unless_none(inner.load))

    def _record(self, model: type[BaseModel]) -> Shape:
        known = self._records.get(model)
        if known is not None:
            return Shape(f"{NAMESPACE}.{model.__name__}", known.dump, known.load)
        fields = {name: self.of(i.annotation, tuple(i.metadata)) for name, i in _fields(model)}
        schema = {
            "type": "record",
            "name": f"{NAMESPACE}.{model.__name__}",
            "fields": [_field(name, info, fields[name]) for name, info in _fields(model)],
        }
        shape = Shape(schema, _dump_record(fields), _load_record(fields))
        self._records[model] = shape
        return shape


def _fields(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    return list(model.model_fields.items())


def _field(name: str, info: FieldInfo, shape: Shape) -> dict[str, Any]:
    out: dict[str, Any] = {"name": name, "type": shape.schema}
    if info.is_required():
        return out
    default = info.get_default(call_default_factory=True, validated_data={})
    if isinstance(shape.schema, list) and default is not None:
        out["type"] = list(reversed(shape.schema))  # a default is of the union's first branch
    out["default"] = default if shape.dump is None else shape.dump(default)
    return out


def dump_json(value: Any) -> str:
    """Free JSON as text, what is not finite as ``null``."""
    return to_json(value, inf_nan_mode="null", bytes_mode="base64").decode()


def _dump_record(fields: dict[str, Shape]) -> Convert:
    getters = [(name, shape.dump) for name, shape in fields.items()]

    def dump(model: BaseModel) -> dict[str, Any]:
        values = model.__dict__
        return {
            name: values[name] if convert is None else convert(values[name])
            for name, convert in getters
        }

    return dump


def _load_record(fields: dict[str, Shape]) -> Convert | None:
    setters = [(name, shape.load) for name, shape in fields.items() if shape.load is not None]
    if not setters:
        return None

    def load(datum: dict[str, Any]) -> dict[str, Any]:
        for name, convert in setters:
            if name in datum:  # an older writer's record lacks what came after it
                datum[name] = convert(datum[name])
        return datum

    return load


def _each(convert: Convert | None) -> Convert:
    if convert is None:
        return list
    return lambda items: [convert(item) for item in items]


def _each_value(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None
    return lambda mapping: {key: convert(value) for key, value in mapping.items()}


def _unless_none(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None
    return lambda value: None if value is None else convert(value)


def shape_of(model: type[BaseModel]) -> Shape:
    """The whole shape of a record type, its schema self-contained."""
    return Shapes().of(model)
