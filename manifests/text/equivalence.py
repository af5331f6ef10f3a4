"""When do two writings of a field mean the same, and in which kind does a file want a new value?

A live object and its manifest often spell one value differently: ``cpu: 1`` and ``"1"``, ``1024Mi`` and ``1Gi``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from manifests.objects import paths, quantities
from manifests.text import scalars
from manifests.text.scalars import Scalar, is_scalar
from manifests.text.write import Value

#: Parents whose entries are quantities (core/v1 ResourceRequirements, ResourceQuotaSpec, LimitRangeItem).
_QUANTITY_PARENTS = frozenset(
    {"requests", "limits", "hard", "capacity", "max", "min", "default", "defaultRequest"}
)
_QUANTITY_FIELDS = frozenset({"sizeLimit", "averageValue"})
#: Mappings and fields whose values the API takes as text only.
_TEXT_PARENTS = frozenset(
    {
        "annotations",
        "labels",
        "matchLabels",
        "nodeSelector",
        "data",
        "stringData",
        "args",
        "command",
    }
)
#: Fields that are a number or a name or percentage (IntOrString): the kind has a meaning.
_NUMBER_OR_NAME = frozenset(
    {"port", "targetPort", "number", "maxSurge", "maxUnavailable", "minAvailable"}
)
#: Fields the API server fills in, so that a live object has them where the manifest does not.
DEFAULTED = frozenset(
    {
        "replicas",
        "minReplicas",
        "initialDelaySeconds",
        "periodSeconds",
        "timeoutSeconds",
        "failureThreshold",
        "successThreshold",
        "imagePullPolicy",
        "terminationGracePeriodSeconds",
        "progressDeadlineSeconds",
        "revisionHistoryLimit",
        "minReadySeconds",
        "scheme",
        "protocol",
        "maxSurge",
        "maxUnavailable",
        "serviceAccountName",
        "cpu",
        "memory",
        "ephemeral-storage",
        "targetPort",
    }
)
_MERGE = "tag:yaml.org,2002:merge"


def is_quantity(path: paths.Path) -> bool:
    """Does the field hold a quantity?"""
    return path[-1] in _QUANTITY_FIELDS or (len(path) > 1 and path[-2] in _QUANTITY_PARENTS)


def is_text(path: paths.Path) -> bool:
    """Does the API take nothing but text here?"""
    if len(path) > 2 and path[-1] == "value" and path[-3] == "env":
        return True
    return len(path) > 1 and path[-2] in _TEXT_PARENTS


def worded(path: paths.Path, value: Value) -> Value:
    """``value`` with text wherever the API takes nothing else: ``5`` for an environment variable means ``"5"``."""
    if isinstance(value, Mapping):
        return {key: worded((*path, key), inside) for key, inside in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [worded((*path, at), item) for at, item in enumerate(value)]
    return scalars.plain_text(value) if _is_wordless(path, value) else value


def _is_wordless(path: paths.Path, value: Scalar) -> bool:
    return value is not None and not isinstance(value, str) and is_text(path)


def equivalent(path: paths.Path, left: Value, right: Value) -> bool:
    """Do two values of one field mean the same to Kubernetes?"""
    if is_scalar(left) and is_scalar(right):
        return _same_scalar(path, left, right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(
            equivalent((*path, key), left[key], right[key]) for key in left
        )
    if is_scalar(left) or is_scalar(right):
        return False
    if isinstance(left, Sequence) and isinstance(right, Sequence):
        return len(left) == len(right) and all(
            equivalent((*path, at), a, b) for at, (a, b) in enumerate(zip(left, right, strict=True))
        )
    return False


def _same_scalar(path: paths.Path, left: Scalar, right: Scalar) -> bool:
    if scalars.same(left, right):
        return True
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        return False
    if is_quantity(path):
        try:
            return quantities.parse(left) == quantities.parse(right)
        except quantities.BadQuantity:
            return False
    if path[-1] in _NUMBER_OR_NAME:
        return False
    return str(left) == str(right)


def fit(path: paths.Path, current: Scalar, new: Scalar) -> Scalar:
    """``new`` in the kind that ``current`` has, where that says the same: ``cpu: 1`` stays a number, ``"1"`` text."""
    if new is None or scalars.kind_of(new) == scalars.kind_of(current):
        return new
    if is_text(path):
        return new if isinstance(new, str) else scalars.plain_text(new)
    if path[-1] in _NUMBER_OR_NAME:
        return new
    if isinstance(new, str):
        return _as_number(current, new)
    return _as_text(path, current, new)


def _as_text(path: paths.Path, current: Scalar, new: int | float | bool) -> Scalar:
    if not isinstance(current, str):
        return new
    if isinstance(new, bool):
        wanted = current.lower() in ("true", "false")
    else:
        wanted = is_quantity(path) or scalars.read_12(current) in ("int", "float")
    return scalars.plain_text(new) if wanted else new


def _as_number(current: Scalar, new: str) -> Scalar:
    if isinstance(current, bool) or not isinstance(current, int | float):
        return new
    kinds = {scalars.read_11(new), scalars.read_12(new)}
    if kinds == {"int"} and str(int(new)) == new:
        return int(new)
    if kinds == {"float"} and scalars.plain_text(float(new)) == new:
        return float(new)
    return new


def value_of(node: Node) -> Value:
    """A node's Python value under YAML 1.1, merge keys as they are written."""
    if isinstance(node, MappingNode):
        return {str(key.value): value_of(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [value_of(item) for item in node.value]
    assert isinstance(node, ScalarNode)
    return scalars.value_11(node)


def filled(node: Node) -> Value:
    """A node's Python value with merge keys (``<<: *default``; YAML 1.1, type ``merge``) filled in, as readers see it.

    Own keys win, and of several merged mappings the earlier one.
    """
    if isinstance(node, SequenceNode):
        return [filled(item) for item in node.value]
    if not isinstance(node, MappingNode):
        return value_of(node)
    own = {str(key.value): filled(value) for key, value in node.value if key.tag != _MERGE}
    merged = [filled(value) for key, value in node.value if key.tag == _MERGE]
    for one in (
        item for found in merged for item in (found if isinstance(found, list) else [found])
    ):
        own = {**one, **own} if isinstance(one, Mapping) else own
    return own
