"""Label selectors, evaluated in one place for every kind that has one, as a mapping or as the API's query has them.

``selects`` is lenient, for evidence: a requirement that Kubernetes would refuse is not met. ``matches`` is strict, for
checks: it raises ``BadSelector``. A label or a wanted value that is null is an empty text, as the API server reads it.
Sources: k8s.io/apimachinery ``LabelSelectorAsSelector`` (pkg/apis/meta/v1/helpers.go) and ``Requirement.Matches``
(pkg/labels/selector.go); kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from manifests.objects.shapes import Misshapen, Obj, items, mapping, strict_mapping, strict_mappings

_OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})


class BadSelector(Misshapen):
    """A selector that Kubernetes refuses: an unknown operator, values where none may be or none where some must be."""


def equal(wanted: object, labels: object) -> bool:
    """A map of labels, as Services and node selectors have it; an empty one selects nothing."""
    found = mapping(wanted)
    have = mapping(labels)
    return bool(found) and all(
        key in have and _word(have[key]) == _word(value) for key, value in found.items()
    )


def selects(selector: object, labels: object) -> bool:
    """A LabelSelector: ``matchLabels`` and ``matchExpressions`` together. Absent: nothing; empty: everything."""
    if not isinstance(selector, Mapping):
        return False
    try:
        return matches(selector, mapping(labels))
    except Misshapen:
        return False


def matches(selector: Obj, labels: Obj) -> bool:
    """As ``selects``, of a selector that is there. Raises BadSelector, Misshapen."""
    wanted = strict_mapping(selector, "matchLabels")
    expressions = strict_mappings(selector, "matchExpressions")
    for entry in expressions:  # all are looked at: a bad one makes the whole selector bad
        _check(entry)
    if wanted and not equal(wanted, labels):
        return False
    return all(requirement(labels, entry) for entry in expressions)


def _check(entry: Obj) -> None:
    operator, values = entry.get("operator"), entry.get("values")
    if not isinstance(operator, str) or operator not in _OPERATORS:
        raise BadSelector(f"no operator of a selector: {operator}")
    if values is not None and not isinstance(values, list):
        raise BadSelector(f"the values for {entry.get('key')} are no list")
    if bool(values) != (operator in ("In", "NotIn")):
        raise BadSelector(f"{operator} for {entry.get('key')} with {len(values or ())} values")


def requirement(labels: Obj, entry: Obj) -> bool:
    """One expression: In, NotIn, Exists, DoesNotExist, and the scheduler's Gt and Lt; an unknown one is not met."""
    key, values = str(entry.get("key")), [_word(value) for value in items(entry.get("values"))]
    operator = entry.get("operator")
    if operator == "In":
        return key in labels and _word(labels[key]) in values
    if operator == "NotIn":
        return key not in labels or _word(labels[key]) not in values
    if operator in ("Exists", "DoesNotExist"):
        return (key in labels) is (operator == "Exists")
    if operator not in ("Gt", "Lt") or key not in labels or len(values) != 1:
        return False
    have, limit = _whole(_word(labels[key])), _whole(values[0])
    if have is None or limit is None:
        return False
    return have > limit if operator == "Gt" else have < limit


def stated(selector: object) -> bool:
    """The selector demands something."""
    found = mapping(selector)
    return bool(mapping(found, "matchLabels") or items(found, "matchExpressions"))


def written(selector: object) -> str:
    """A LabelSelector as the API's ``labelSelector`` query takes it; empty where it demands nothing."""
    said = [f"{key}={_word(value)}" for key, value in mapping(selector, "matchLabels").items()]
    for entry in items(selector, "matchExpressions"):
        key, operator = str(mapping(entry).get("key") or ""), str(mapping(entry).get("operator"))
        values = ",".join(_word(value) for value in items(entry, "values"))
        plain = {"Exists": key, "DoesNotExist": f"!{key}"}
        said.append(plain.get(operator, f"{key} {operator.lower()} ({values})"))
    return ",".join(said)


_REQUIREMENTS = re.compile(r",(?![^()]*\))")
_KEY = r"[A-Za-z0-9](?:[\w./-]*[A-Za-z0-9])?"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)")
_EQUALITY = re.compile(rf"({_KEY})\s*(==|=|!=)\s*([\w.-]*)")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})")


def parse(query: str) -> list[Obj]:
    """The requirements of a ``labelSelector`` query, for ``requirement``; an empty query has none. Raises BadSelector."""
    return list(_parse(query))


def _parse(query: str) -> Iterator[Obj]:
    for part in (piece.strip() for piece in _REQUIREMENTS.split(query)):
        if not part:
            continue
        if match := _SET.fullmatch(part):
            values = [value.strip() for value in match[3].split(",")]
            yield _entry(match[1], "In" if match[2] == "in" else "NotIn", values)
        elif match := _EQUALITY.fullmatch(part):
            yield _entry(match[1], "NotIn" if match[2] == "!=" else "In", [match[3]])
        elif match := _EXISTS.fullmatch(part):
            yield _entry(match[2], "DoesNotExist" if match[1] else "Exists", [])
        else:
            raise BadSelector(f"unable to parse requirement: {part}")


def _entry(key: str, operator: str, values: list[str]) -> Obj:
    return {"key": key, "operator": operator, "values": values}


def asked(query: str, labels: object) -> bool:
    """Does a ``labelSelector`` query select these labels? Raises BadSelector."""
    have = mapping(labels)
    return all(requirement(have, entry) for entry in parse(query))


def _word(value: object) -> str:
    return "" if value is None else str(value)


def _whole(text: str) -> int | None:
    """As Go's ``ParseInt`` reads it."""
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,19}", text) else None
