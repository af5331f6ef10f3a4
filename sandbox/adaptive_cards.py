"""The envelope and the card that a Teams workflow takes: known elements, known keys, what Teams can do with them.

Sources: adaptivecards.io/explorer and learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors.
"""

from __future__ import annotations

from schemas.base import Json

Flaws = list[str]
CARD_TYPE = "application/vnd.microsoft.card.adaptive"
_COMMON = {"type", "id", "spacing", "separator", "isVisible", "height", "fallback", "requires"}
_ELEMENTS: dict[str, tuple[set[str], set[str]]] = {
    # type: (keys it may have besides the common ones, keys it must have)
    "TextBlock": (
        {
            "text",
            "color",
            "fontType",
            "horizontalAlignment",
            "isSubtle",
            "maxLines",
            "size",
            "weight",
            "wrap",
            "style",
        },
        {"text"},
    ),
    "FactSet": ({"facts"}, {"facts"}),
    "Container": (
        {
            "items",
            "style",
            "bleed",
            "verticalContentAlignment",
            "minHeight",
            "selectAction",
            "backgroundImage",
        },
        {"items"},
    ),
    "ColumnSet": (
        {"columns", "style", "bleed", "minHeight", "horizontalAlignment", "selectAction"},
        {"columns"},
    ),
    "Column": (
        {
            "items",
            "width",
            "style",
            "bleed",
            "verticalContentAlignment",
            "minHeight",
            "selectAction",
        },
        {"items"},
    ),
    "Image": (
        {"url", "altText", "size", "style", "width", "horizontalAlignment", "selectAction"},
        {"url"},
    ),
    "ActionSet": ({"actions"}, {"actions"}),
    "RichTextBlock": ({"inlines", "horizontalAlignment"}, {"inlines"}),
    "CodeBlock": ({"codeSnippet", "language", "startLineNumber"}, {"codeSnippet"}),
}
_CARD = {
    "type",
    "version",
    "$schema",
    "body",
    "actions",
    "msteams",
    "fallbackText",
    "lang",
    "speak",
    "selectAction",
}
_VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5")
#: Actions that work from a webhook card; Submit and Execute need a bot.
_ACTIONS = {
    "Action.OpenUrl": {"url"},
    "Action.ShowCard": {"card"},
    "Action.ToggleVisibility": {"targetElements"},
}


def envelope_flaws(body: Json) -> Flaws:
    """What is wrong with a workflow's message; empty when nothing is."""
    if not isinstance(body, dict) or body.get("type") != "message":
        return ["type: must be 'message'"]
    attachments = body.get("attachments")
    if not isinstance(attachments, list) or not attachments:
        return ["attachments: must be a list of at least one"]
    found: Flaws = []
    for at, attachment in enumerate(attachments):
        place = f"attachments[{at}]"
        if not isinstance(attachment, dict) or attachment.get("contentType") != CARD_TYPE:
            found.append(f"{place}.contentType: must be {CARD_TYPE}")
            continue
        found += card_flaws(attachment.get("content"), f"{place}.content")
    return found


def card_flaws(card: Json, place: str = "card") -> Flaws:
    """What is wrong with one card."""
    if not isinstance(card, dict) or card.get("type") != "AdaptiveCard":
        return [f"{place}.type: must be AdaptiveCard"]
    found = [f"{place}: unknown key {key!r}" for key in card if key not in _CARD]
    if card.get("version") not in _VERSIONS:
        found.append(f"{place}.version: {card.get('version')!r} is not known to Teams")
    found += _elements(card.get("body"), f"{place}.body")
    if "actions" in card:
        found += _actions(card["actions"], f"{place}.actions")
    return found


def _elements(items: Json, place: str) -> Flaws:
    if not isinstance(items, list) or not items:
        return [f"{place}: must be a list of at least one"]
    return [flaw for at, item in enumerate(items) for flaw in _element(item, f"{place}[{at}]")]


def _element(item: Json, place: str) -> Flaws:
    if not isinstance(item, dict) or str(item.get("type")) not in _ELEMENTS:
        kind = item.get("type") if isinstance(item, dict) else item
        return [f"{place}: unknown element {kind!r}"]
    allowed, required = _ELEMENTS[str(item["type"])]
    found = [f"{place}: unknown key {key!r}" for key in item if key not in allowed | _COMMON]
    found += [f"{place}.{key}: required" for key in sorted(required) if not item.get(key)]
    if "items" in item:
        found += _elements(item["items"], f"{place}.items")
    if "columns" in item:
        found += _elements(item["columns"], f"{place}.columns")
    if "actions" in item:
        found += _actions(item["actions"], f"{place}.actions")
    if "facts" in item:
        found += _facts(item["facts"], f"{place}.facts")
    return found


def _facts(facts: Json, place: str) -> Flaws:
    if not isinstance(facts, list):
        return [f"{place}: must be a list"]
    return [
        f"{place}[{at}]: title and value are required, and nothing else"
        for at, fact in enumerate(facts)
        if not isinstance(fact, dict)
        or set(fact) != {"title", "value"}
        or not all(isinstance(v, str) for v in fact.values())
    ]


def _actions(actions: Json, place: str) -> Flaws:
    if not isinstance(actions, list) or not 1 <= len(actions) <= 6:
        return [f"{place}: must be a list of 1 to 6"]
    found: Flaws = []
    for at, action in enumerate(actions):
        where = f"{place}[{at}]"
        if not isinstance(action, dict) or str(action.get("type")) not in _ACTIONS:
            found.append(f"{where}: this action does not work from a webhook")
            continue
        required = {"title", *_ACTIONS[str(action["type"])]}
        found += [f"{where}.{key}: required" for key in sorted(required) if not action.get(key)]
        url = action.get("url")
        if url is not None and not str(url).startswith(("https://", "http://")):
            found.append(f"{where}.url: no address")
        if "card" in action:
            found += card_flaws(action["card"], f"{where}.card")
    return found
