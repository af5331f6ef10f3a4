"""BACKWARD: can a reader with the new schema read what was written with the old one?

The rules of Avro 1.12, "Schema Resolution", for the part of Avro that ``kfix.engine.wire.shapes`` writes. Pure.
"""

from __future__ import annotations

from typing import Any

_PROMOTIONS = {
    ("int", "long"),
    ("int", "float"),
    ("int", "double"),
    ("long", "float"),
    ("long", "double"),
    ("float", "double"),
    ("string", "bytes"),
    ("bytes", "string"),
}


def breaks(old: Any, new: Any) -> list[str]:
    """What of ``old``'s data a reader with ``new`` cannot read, one sentence each; empty: compatible."""
    return list(dict.fromkeys(_Comparison(_named(old), _named(new)).of(old, new, "")))


def _named(schema: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    todo = [schema]
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            todo.extend(item)
        elif isinstance(item, dict):
            if item.get("type") == "record":
                found[item["name"]] = item
                todo.extend(field["type"] for field in item["fields"])
            todo.extend(item[key] for key in ("items", "values", "type") if key in item)
    return found


class _Comparison:
    def __init__(self, old_names: dict[str, Any], new_names: dict[str, Any]) -> None:
        self._old = old_names
        self._new = new_names
        self._seen: set[tuple[str, str]] = set()

    def of(self, old: Any, new: Any, where: str) -> list[str]:
        old = self._old.get(old, old) if isinstance(old, str) else old
        new = self._new.get(new, new) if isinstance(new, str) else new
        if isinstance(old, list):
            return [text for branch in old for text in self.of(branch, new, where)]
        if isinstance(new, list):
            attempts = [self.of(old, branch, where) for branch in new]
            return [] if [] in attempts else [f"{where}: {_kind(old)} is in no branch of the union"]
        if _kind(old) != _kind(new):
            if (_kind(old), _kind(new)) in _PROMOTIONS and not _logical(old) and not _logical(new):
                return []
            return [f"{where}: {_kind(old)} became {_kind(new)}"]
        return self._same_kind(old, new, where)

    def _same_kind(self, old: Any, new: Any, where: str) -> list[str]:
        if _logical(old) != _logical(new):
            return [f"{where}: {_logical(old) or 'plain'} became {_logical(new) or 'plain'}"]
        if _kind(old) == "array":
            return self.of(old["items"], new["items"], f"{where}[]")
        if _kind(old) == "map":
            return self.of(old["values"], new["values"], f"{where}{{}}")
        return self._records(old, new, where) if _kind(old) == "record" else []

    def _records(self, old: Any, new: Any, where: str) -> list[str]:
        pair = (old["name"], new["name"])
        if old["name"] != new["name"]:
            return [f"{where}: record {old['name']} became {new['name']}"]
        if pair in self._seen:
            return []
        self._seen.add(pair)
        written = {field["name"]: field for field in old["fields"]}
        found: list[str] = []
        for field in new["fields"]:
            path = f"{where}.{field['name']}".lstrip(".")
            before = written.get(field["name"])
            if before is not None:
                found += self.of(before["type"], field["type"], path)
            elif "default" not in field:
                found.append(f"{path}: new and without a default")
        return found


def _kind(schema: Any) -> str:
    return str(schema["type"] if isinstance(schema, dict) else schema)


def _logical(schema: Any) -> str:
    return str(schema.get("logicalType", "")) if isinstance(schema, dict) else ""
