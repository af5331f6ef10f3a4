"""Label selectors, evaluated in one place for every kind that has one. Pure.

Source: k8s.io/apimachinery pkg/apis/meta/v1 LabelSelector and pkg/labels Requirement.Matches.
"""

from __future__ import annotations

from decide.core.objects import Obj, items, mapping


def plain(selector: object, labels: Obj) -> bool:
    """A map of labels, as Services have it; an empty one selects nothing."""
    wanted = mapping(selector)
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())


def selects(selector: object, labels: Obj) -> bool:
    """A LabelSelector: ``matchLabels`` and ``matchExpressions`` together. Absent: nothing; empty: everything."""
    if not isinstance(selector, dict):
        return False
    equal = mapping(selector.get("matchLabels"))
    if any(labels.get(key) != value for key, value in equal.items()):
        return False
    return all(requirement(labels, mapping(e)) for e in items(selector.get("matchExpressions")))


def requirement(labels: Obj, entry: Obj) -> bool:
    """One expression: In, NotIn, Exists, DoesNotExist, and the scheduler's Gt and Lt; an unknown one is not met."""
    key, values = str(entry.get("key")), [str(v) for v in items(entry.get("values"))]
    operator = entry.get("operator")
    if operator == "In":
        return key in labels and str(labels[key]) in values
    if operator == "NotIn":
        return key not in labels or str(labels[key]) not in values
    if operator in ("Exists", "DoesNotExist"):
        return (key in labels) is (operator == "Exists")
    try:
        have, limit = int(str(labels[key])), int(values[0])
    except (ValueError, IndexError, KeyError):
        return False
    return have > limit if operator == "Gt" else operator == "Lt" and have < limit


def stated(selector: object) -> bool:
    """The selector demands something."""
    found = mapping(selector)
    return bool(mapping(found.get("matchLabels")) or items(found.get("matchExpressions")))
