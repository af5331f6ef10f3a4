"""Slack's Block Kit, strictly: known blocks, known keys, lengths and counts, as the service checks them.

Source: docs.slack.dev/reference/block-kit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schemas.base import Json

Flaws = list[str]
MAX_BLOCKS = 50


def flaws(blocks: Json) -> Flaws:
    """What is wrong with a message's blocks, each with its place; empty when nothing is."""
    if not isinstance(blocks, list):
        return ["blocks: must be a list"]
    if not 1 <= len(blocks) <= MAX_BLOCKS:
        return [f"blocks: {len(blocks)} items, 1 to {MAX_BLOCKS} allowed"]
    found: Flaws = []
    seen: set[str] = set()
    for at, block in enumerate(blocks):
        place = f"blocks[{at}]"
        found += _block(block, place)
        if isinstance(block, dict) and isinstance(block.get("block_id"), str):
            name = str(block["block_id"])
            found += [f"{place}: block_id {name!r} twice"] if name in seen else []
            found += _length(name, 255, f"{place}.block_id")
            seen.add(name)
    return found


def _block(block: Json, place: str) -> Flaws:
    if not isinstance(block, dict):
        return [f"{place}: must be an object"]
    check = _BLOCKS.get(str(block.get("type")))
    if check is None:
        return [f"{place}: unknown type {block.get('type')!r}"]
    keys, rule = check
    return _keys(block, {"type", "block_id", *keys}, place) + rule(block, place)


def _keys(obj: Mapping[str, Json], allowed: set[str], place: str) -> Flaws:
    return [f"{place}: unknown key {key!r}" for key in obj if key not in allowed]


def _length(text: str, most: int, place: str) -> Flaws:
    return (
        [] if 1 <= len(text) <= most else [f"{place}: {len(text)} characters, 1 to {most} allowed"]
    )


def _text(value: Json, most: int, place: str, kinds: tuple[str, ...]) -> Flaws:
    if not isinstance(value, dict):
        return [f"{place}: must be a text object"]
    if value.get("type") not in kinds:
        return [f"{place}: type {value.get('type')!r}, must be one of {', '.join(kinds)}"]
    allowed = {"type", "text", "verbatim" if value["type"] == "mrkdwn" else "emoji"}
    text = value.get("text")
    if not isinstance(text, str):
        return [f"{place}.text: must be a string"]
    return _keys(value, allowed, place) + _length(text, most, f"{place}.text")


_ANY = ("mrkdwn", "plain_text")


def _header(block: dict[str, Json], place: str) -> Flaws:
    return _text(block.get("text"), 150, f"{place}.text", ("plain_text",))


def _section(block: dict[str, Json], place: str) -> Flaws:
    found: Flaws = []
    text, fields = block.get("text"), block.get("fields")
    if text is None and fields is None:
        found.append(f"{place}: text or fields is required")
    if text is not None:
        found += _text(text, 3000, f"{place}.text", _ANY)
    if fields is not None:
        found += _items(fields, 10, f"{place}.fields", lambda f, p: _text(f, 2000, p, _ANY))
    if block.get("accessory") is not None:
        found += _element(block["accessory"], f"{place}.accessory")
    return found


def _items(value: Json, most: int, place: str, check: Callable[[Json, str], Flaws]) -> Flaws:
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        return [f"{place}: must be a list of 1 to {most}"]
    return [flaw for at, item in enumerate(value) for flaw in check(item, f"{place}[{at}]")]


def _context(block: dict[str, Json], place: str) -> Flaws:
    return _items(block.get("elements"), 10, f"{place}.elements", _context_item)


def _context_item(item: Json, place: str) -> Flaws:
    if isinstance(item, dict) and item.get("type") == "image":
        return _image(item, place)
    return _text(item, 3000, place, _ANY)


def _actions(block: dict[str, Json], place: str) -> Flaws:
    found = _items(block.get("elements"), 25, f"{place}.elements", _element)
    elements = block.get("elements")
    names = [
        str(e["action_id"])
        for e in (elements if isinstance(elements, list) else [])
        if isinstance(e, dict) and "action_id" in e
    ]
    return found + ([f"{place}: an action_id twice"] if len(set(names)) != len(names) else [])


def _element(element: Json, place: str) -> Flaws:
    if not isinstance(element, dict):
        return [f"{place}: must be an object"]
    if element.get("type") == "image":
        return _image(element, place)
    if element.get("type") != "button":
        return [f"{place}: unknown type {element.get('type')!r}"]
    allowed = {
        "type",
        "text",
        "action_id",
        "url",
        "value",
        "style",
        "confirm",
        "accessibility_label",
    }
    found = _keys(element, allowed, place)
    found += _text(element.get("text"), 75, f"{place}.text", ("plain_text",))
    for key, most in (("url", 3000), ("value", 2000), ("action_id", 255)):
        if key in element:
            value = element[key]
            found += (
                _length(value, most, f"{place}.{key}")
                if isinstance(value, str)
                else [f"{place}.{key}: no string"]
            )
    url = element.get("url")
    if isinstance(url, str) and not url.startswith(("http://", "https://", "mailto:")):
        found.append(f"{place}.url: no address")
    if element.get("style") not in (None, "primary", "danger"):
        found.append(f"{place}.style: unknown {element.get('style')!r}")
    return found


def _image(block: dict[str, Json], place: str) -> Flaws:
    found: Flaws = []
    for key, most in (("image_url", 3000), ("alt_text", 2000)):
        value = block.get(key)
        found += (
            _length(value, most, f"{place}.{key}")
            if isinstance(value, str)
            else [f"{place}.{key}: required"]
        )
    return found


def _nothing(block: dict[str, Json], place: str) -> Flaws:
    return []


_BLOCKS: dict[str, tuple[tuple[str, ...], Callable[[dict[str, Json], str], Flaws]]] = {
    "header": (("text",), _header),
    "section": (("text", "fields", "accessory", "expand"), _section),
    "context": (("elements",), _context),
    "actions": (("elements",), _actions),
    "image": (("image_url", "alt_text", "title"), _image),
    "divider": ((), _nothing),
}
