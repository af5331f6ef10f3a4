"""The four ways to patch: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge, server-side apply.

Strategic merge and apply merge lists by the keys that Kubernetes' own OpenAPI names for them
(``x-kubernetes-patch-merge-key``, ``x-kubernetes-list-map-keys``). Pure: nothing given is changed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.kubernetes import schema
from sandbox.kubernetes.status import Refusal, bad_request

Node = Mapping[str, Any] | None
_DELETE = "$patch"


def unprocessable() -> Refusal:
    """422 as JSON patches get it."""
    message = "the server rejected our request due to an error in our request"
    return Refusal(422, "Invalid", message, {})


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge(out.get(key), value)
    return out


def json_patch(target: Any, operations: Any) -> Any:
    """RFC 6902. Raises Refusal: 400 when it is no patch, 422 when it does not fit."""
    if not isinstance(operations, list):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        )
    box = [copy.deepcopy(target)]
    for operation in operations:
        try:
            _operate(box, operation)
        except (KeyError, IndexError, TypeError, ValueError):
            raise unprocessable() from None
    return box[0]


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError(text)
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _step(node: Any, key: str) -> Any:
    return node[int(key)] if isinstance(node, list) else node[key]


def _find(box: list[Any], pointer: str) -> Any:
    node = box[0]
    for key in _pointer(pointer):
        node = _step(node, key)
    return node


def _insert(box: list[Any], pointer: str, value: Any) -> None:
    parts = _pointer(pointer)
    if not parts:
        box[0] = value
        return
    node = box[0]
    for key in parts[:-1]:
        node = _step(node, key)
    last = parts[-1]
    if isinstance(node, list):
        at = len(node) if last == "-" else int(last)
        if not 0 <= at <= len(node):
            raise IndexError(at)
        node.insert(at, value)
    else:
        node[last] = value


def _remove(box: list[Any], pointer: str) -> Any:
    parts = _pointer(pointer)
    node = box[0]
    for key in parts[:-1]:
        node = _step(node, key)
    return node.pop(int(parts[-1])) if isinstance(node, list) else node.pop(parts[-1])


def _operate(box: list[Any], operation: Mapping[str, Any]) -> None:
    name, path = operation["op"], operation["path"]
    if name == "add":
        _insert(box, path, copy.deepcopy(operation["value"]))
    elif name == "remove":
        _remove(box, path)
    elif name == "replace":
        _find(box, path)
        if _pointer(path):
            _remove(box, path)
        _insert(box, path, copy.deepcopy(operation["value"]))
    elif name == "test":
        if _find(box, path) != operation["value"]:
            raise ValueError(path)
    elif name in ("copy", "move"):
        value = copy.deepcopy(_find(box, operation["from"]))
        if name == "move":
            _remove(box, operation["from"])
        _insert(box, path, value)
    else:
        raise ValueError(name)


def strategic(target: Any, patch: Any, node: Node) -> Any:
    """Kubernetes' strategic merge patch; ``node`` is the schema at this place. Raises Refusal (500) without merge key."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if patch.get(_DELETE) == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if key != _DELETE}
    out = dict(target) if isinstance(target, dict) else {}
    if "$retainKeys" in patch:
        out = {key: value for key, value in out.items() if key in patch["$retainKeys"]}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            out[name] = [item for item in out.get(name) or [] if item not in value]
        elif key.startswith("$"):
            continue
        elif value is None or _directive(value) == "delete":
            out.pop(key, None)
        elif isinstance(value, list):
            out[key] = _strategic_list(out.get(key), value, schema.child(node, key))
        else:
            out[key] = strategic(out.get(key), value, schema.child(node, key))
    return out


def _strategic_list(target: Any, patch: list[Any], node: Node) -> list[Any]:
    annotations = {**schema.resolve(node), **(node or {})}
    current = list(target) if isinstance(target, list) else []
    plain = [item for item in patch if not _directive(item)]
    if "merge" not in str(annotations.get("x-kubernetes-patch-strategy", "")):
        return copy.deepcopy(plain)
    key = annotations.get("x-kubernetes-patch-merge-key")
    if not key:
        return current + [copy.deepcopy(item) for item in patch if item not in current]
    if any(_directive(item) == "replace" for item in patch):
        return copy.deepcopy(plain)
    for item in patch:
        _check_merge_key(item, key)
        at = next((i for i, old in enumerate(current) if old.get(key) == item[key]), None)
        if _directive(item) == "delete":
            current = [old for old in current if old.get(key) != item[key]]
        elif at is None:
            current.append(strategic({}, item, annotations.get("items")))
        else:
            current[at] = strategic(current[at], item, annotations.get("items"))
    return current


def _check_merge_key(item: Any, key: str) -> None:
    """Raises Refusal, in the API server's words, for an item that cannot be told from others."""
    if isinstance(item, dict) and key in item:
        return
    text = " ".join(f"{k}:{v}" for k, v in item.items()) if isinstance(item, dict) else item
    raise Refusal(500, "", f"map: map[{text}] does not contain declared merge key: {key}")


def _directive(item: Any) -> str:
    return str(item.get(_DELETE, "")) if isinstance(item, dict) else ""


def apply(target: Any, config: Any, node: Node) -> Any:
    """Server-side apply of ``config`` onto ``target``, ownership aside: lists merge by their map keys, else replace."""
    if not isinstance(config, dict):
        return copy.deepcopy(config)
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in config.items():
        below = schema.child(node, key)
        if isinstance(value, list):
            out[key] = _apply_list(out.get(key), value, below)
        else:
            out[key] = apply(out.get(key), value, below)
    return out


def _apply_list(target: Any, config: list[Any], node: Node) -> list[Any]:
    annotations = {**schema.resolve(node), **(node or {})}
    keys = annotations.get("x-kubernetes-list-map-keys")
    if annotations.get("x-kubernetes-list-type") == "set":
        current = list(target or [])
        return current + [item for item in config if item not in current]
    if annotations.get("x-kubernetes-list-type") != "map" or not keys:
        return copy.deepcopy(config)
    current = list(target or [])
    for item in config:
        at = next((i for i, old in enumerate(current) if _same(old, item, keys)), None)
        merged = apply({} if at is None else current[at], item, annotations.get("items"))
        if at is None:
            current.append(merged)
        else:
            current[at] = merged
    return current


_KEY_DEFAULTS = {"protocol": "TCP"}


def _same(one: Mapping[str, Any], other: Mapping[str, Any], keys: Sequence[str]) -> bool:
    return all(one.get(k, _KEY_DEFAULTS.get(k)) == other.get(k, _KEY_DEFAULTS.get(k)) for k in keys)
