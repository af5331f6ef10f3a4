"""Create, patch, delete: decoding, merging, validation, admission; nothing stays when ``dryRun=All``."""

from __future__ import annotations

import copy
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import yaml

from sandbox.kubernetes import admission, patching, schema, validation
from sandbox.kubernetes.kinds import Kind
from sandbox.kubernetes.status import (
    Refusal,
    already_exists,
    bad_patch,
    bad_request,
    forbidden,
    invalid,
    modified,
    not_found,
)
from sandbox.kubernetes.store import Cluster, now

Object = dict[str, Any]
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_POD_DEFAULTS = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
}


@dataclass(frozen=True, slots=True)
class Options:
    """What the query of a write says."""

    dry_run: bool
    validation: str
    manager: str
    force: bool

    @classmethod
    def of(cls, query: Mapping[str, str], method: str) -> Options:
        """Raises Refusal (422) for values that the server does not know."""
        dry, how = query.get("dryRun", ""), query.get("fieldValidation", "") or "Warn"
        kind = {"POST": "CreateOptions", "PATCH": "PatchOptions"}.get(method, "DeleteOptions")
        if dry not in ("", "All"):
            raise _unsupported(kind, "dryRun", f'["{dry}"]', '"All"')
        if how not in ("Strict", "Warn", "Ignore"):
            listed = '"", "Ignore", "Strict", "Warn"'
            raise _unsupported(kind, "fieldValidation", f'"{how}"', listed)
        return cls(dry == "All", how, query.get("fieldManager", ""), query.get("force") == "true")


def _unsupported(kind: str, field: str, value: str, supported: str) -> Refusal:
    said = f"Unsupported value: {value}: supported values: {supported}"
    cause = {"reason": "FieldValueNotSupported", "message": said, "field": field}
    details = {"group": "meta.k8s.io", "kind": kind, "causes": [cause]}
    return Refusal(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {field}: {said}', details)


def _decode(body: bytes, kind: Kind) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as trouble:
        raise bad_request(
            f"the object provided is unrecognized (must be of type {kind.kind}): {trouble}"
        ) from None


def create(
    cluster: Cluster, kind: Kind, namespace: str, body: bytes, options: Options
) -> tuple[Object, tuple[str, ...]]:
    """POST: the stored (or, dry, the would-be) object and its warnings."""
    obj = _decode(body, kind)
    if not isinstance(obj, dict):
        raise bad_request(
            f"the object provided is unrecognized (must be of type {kind.kind}):"
            " couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value"
        )
    _right_kind(obj, kind)
    obj = {**obj, "apiVersion": kind.version, "kind": kind.kind}
    warnings = _fit(obj, kind, options)
    metadata = obj["metadata"] = dict(obj.get("metadata") or {})
    _place(cluster, kind, metadata, namespace)
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"] + _suffix()
    obj = _defaulted(obj)
    _admit(cluster, kind, obj, new=True)
    if found := validation.flaws(obj):
        raise invalid(kind, str(metadata.get("name") or ""), found)
    if cluster.get(kind, namespace, metadata["name"]) is not None:
        raise already_exists(kind, metadata["name"])
    if not options.dry_run:
        return cluster.put(obj), warnings
    stamped = {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
    return {**obj, "metadata": {**obj["metadata"], **stamped}}, warnings


def _suffix() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(5))


def _right_kind(obj: Object, kind: Kind) -> None:
    given = (obj.get("apiVersion", kind.version), obj.get("kind", kind.kind))
    if given != (kind.version, kind.kind):
        raise bad_request(
            f'{given[1]} in version "{kind.version.rpartition("/")[2]}" cannot be handled as a {kind.kind}:'
            f" converting ({given[0]}.{given[1]}) to ({kind.kind}): unknown conversion"
        )


def _place(cluster: Cluster, kind: Kind, metadata: Object, namespace: str) -> None:
    if not kind.namespaced:
        metadata.pop("namespace", None)
        return
    if metadata.setdefault("namespace", namespace) != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if cluster.find("Namespace", "", namespace) is None:
        details = {"name": namespace, "kind": "namespaces"}
        raise Refusal(404, "NotFound", f'namespaces "{namespace}" not found', details)


def _fit(obj: Object, kind: Kind, options: Options) -> tuple[str, ...]:
    """Schema check of a created object. Raises Refusal (400); returns warnings about dropped fields."""
    version = kind.version.rpartition("/")[2]
    cannot = f'{kind.kind} in version "{version}" cannot be handled as a {kind.kind}:'
    try:
        schema.check(obj, strict=options.validation == "Strict")
    except schema.Misfit as misfit:
        if misfit.unknown:
            said = f'strict decoding error: unknown field "{misfit.path}"'
        else:
            said = f"json: cannot unmarshal into Go struct field {misfit.path}: {misfit}"
        raise bad_request(f"{cannot} {said}") from None
    if bad := validation.unreadable_quantity(obj):
        raise bad_request(f"{cannot} quantities must match the regular expression: {bad!r}")
    return ()


def _defaulted(obj: Object) -> Object:
    """The few defaults that checks look at; the real server fills in many more."""
    out = copy.deepcopy(obj)
    spec = out.get("spec")
    held = validation.pod_spec(out)
    if held is not None and held[1]:
        filled = {**_POD_DEFAULTS, **admission.default_requests(held[1])}
        _set_pod_spec(out, filled)
    if out["kind"] in ("Deployment", "StatefulSet", "ReplicaSet") and isinstance(spec, dict):
        out["spec"].setdefault("replicas", 1)
    if out["kind"] == "Deployment" and isinstance(spec, dict):
        rolling = {"maxUnavailable": "25%", "maxSurge": "25%"}
        out["spec"].setdefault("strategy", {"type": "RollingUpdate", "rollingUpdate": rolling})
        out["spec"].setdefault("revisionHistoryLimit", 10)
        out["spec"].setdefault("progressDeadlineSeconds", 600)
    if out["kind"] == "LimitRange" and isinstance(spec, dict):
        out["spec"]["limits"] = [admission.complete_range(i) for i in spec.get("limits") or []]
    return out


def _set_pod_spec(obj: Object, spec: Object) -> None:
    path = validation.pod_spec(obj)
    parts = path[0].split(".") if path else []
    node = obj
    for part in parts[:-1]:
        node = node[part]
    node[parts[-1]] = spec


def _admit(cluster: Cluster, kind: Kind, obj: Object, *, new: bool) -> None:
    """LimitRanger and quota for new pods. Raises Refusal (403)."""
    if kind.kind != "Pod" or not new:
        return
    name, namespace = str(obj["metadata"].get("name") or ""), obj["metadata"]["namespace"]
    ranges = cluster.list("limitranges", namespace)
    obj["spec"] = admission.with_range_defaults(obj["spec"], ranges)
    # Validation comes before the validating admission plugins.
    if found := validation.flaws(obj):
        raise invalid(kind, name, found)
    troubles = admission.range_troubles(obj["spec"], ranges)
    if troubles:
        said = troubles[0] if len(troubles) == 1 else f"[{', '.join(troubles)}]"
        raise forbidden(kind, name, said)
    for quota in cluster.list("resourcequotas", namespace):
        if said := admission.quota_trouble(quota, obj["spec"]):
            raise forbidden(kind, name, said)


def patch(
    cluster: Cluster,
    kind: Kind,
    place: tuple[str, str],
    content: tuple[str, bytes],
    options: Options,
) -> tuple[Object, tuple[str, ...]]:
    """PATCH: the object after the patch and the warnings."""
    namespace, name = place
    content_type, body = content
    if content_type not in (STRATEGIC, MERGE, JSON, APPLY) or (
        content_type == STRATEGIC and schema.root(kind.version, kind.kind) is None
    ):
        raise Refusal(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    old = cluster.get(kind, namespace, name)
    if content_type == APPLY:
        return _apply(cluster, kind, place, body, options)
    if old is None:
        raise not_found(kind, name)
    wish = _decode(body, kind)
    new = _patched(old, wish, content_type, kind)
    _fit_patched(new, wish, content_type, options)
    return _replace(cluster, kind, old, new, options), ()


def _patched(old: Object, wish: Any, content_type: str, kind: Kind) -> Any:
    if content_type == JSON:
        return patching.json_patch(old, wish)
    if not isinstance(wish, dict):
        raise bad_request("error decoding patch: json: cannot unmarshal into Go value")
    if content_type == MERGE:
        return patching.merge(old, wish)
    return patching.strategic(old, wish, schema.root(kind.version, kind.kind))


def _fit_patched(new: Any, wish: Any, content_type: str, options: Options) -> None:
    # The real server dumps the patch (strategic) or the whole patched object (others) into its message.
    shown = str(wish if content_type == STRATEGIC else new).replace('"', '\\"')
    try:
        schema.check(new, strict=options.validation == "Strict")
    except schema.Misfit as misfit:
        if misfit.unknown:
            said = f'strict decoding error: unknown field "{misfit.path}"'
        else:
            said = f"unrecognized type: {misfit}"
        raise bad_patch(shown, said) from None
    if bad := validation.unreadable_quantity(new):
        raise bad_patch(shown, f"quantities must match the regular expression: {bad!r}")


def _replace(cluster: Cluster, kind: Kind, old: Object, new: Object, options: Options) -> Object:
    name = old["metadata"]["name"]
    if new["metadata"].get("resourceVersion") not in (None, old["metadata"]["resourceVersion"]):
        raise modified(kind, name)
    for key in ("name", "namespace", "uid"):
        if key in old["metadata"] and new["metadata"].get(key) != old["metadata"][key]:
            raise bad_request(f"the {key} of the object does not match the {key} on the URL")
    new = _defaulted(new)
    if found := [*validation.flaws(new), *validation.changes(old, new)]:
        raise invalid(kind, name, found)
    if not options.dry_run:
        # An update without a difference is not stored: the version stays.
        return old if new == old else cluster.put(new)
    changed = old.get("spec") != new.get("spec") and "generation" in old["metadata"]
    new["metadata"]["generation"] = old["metadata"].get("generation", 0) + changed
    new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
    return new


def _apply(
    cluster: Cluster, kind: Kind, place: tuple[str, str], body: bytes, options: Options
) -> tuple[Object, tuple[str, ...]]:
    namespace, name = place
    config = yaml.safe_load(body)
    if not isinstance(config, dict):
        raise bad_request("error decoding YAML: not an object")
    _right_kind(config, kind)
    config.setdefault("metadata", {}).setdefault("name", name)
    probe = {**config, "apiVersion": kind.version, "kind": kind.kind}
    try:
        schema.check(probe, strict=True)
    except schema.Misfit as misfit:
        said = f".{misfit.path}: {'field not declared in schema' if misfit.unknown else misfit}"
        what = f"({namespace}/{name}; {kind.version}, Kind={kind.kind})"
        raise Refusal(500, "", f"failed to create typed patch object {what}: {said}") from None
    old = cluster.get(kind, namespace, name)
    if old is None:
        return create(cluster, kind, namespace, orjson.dumps(config), options)
    if not options.force:
        _conflicts(old, config, options.manager)
    new = patching.apply(old, config, schema.root(kind.version, kind.kind))
    if bad := validation.unreadable_quantity(new):
        raise Refusal(500, "", f"quantities must match the regular expression: {bad!r}")
    return _replace(cluster, kind, old, new, options), ()


def _conflicts(old: Object, config: Object, manager: str) -> None:
    """Fields that the live object has with another value belong to whoever made it. Raises Refusal (409)."""
    owner = "kubectl" if manager != "kubectl" else "controller"
    clashes = list(_differing(old.get("spec"), config.get("spec"), ".spec"))
    if not clashes:
        return
    with_whom = f'conflict with "{owner}" using {config.get("apiVersion", "v1")}'
    causes = [
        {"reason": "FieldManagerConflict", "message": with_whom, "field": path} for path in clashes
    ]
    said = f"{with_whom}: {clashes[0]}"
    if len(clashes) > 1:
        said = f'conflicts with "{owner}":\n' + "\n".join(f"- {path}" for path in clashes)
    noun = "conflict" if len(clashes) == 1 else "conflicts"
    message = f"Apply failed with {len(clashes)} {noun}: {said}"
    raise Refusal(409, "Conflict", message, {"causes": causes})


def _differing(old: Any, new: Any, path: str) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in new.items():
            if key in old:
                yield from _differing(old[key], value, f"{path}.{key}")
    elif isinstance(old, list) and isinstance(new, list):
        for item in new:
            name = item.get("name") if isinstance(item, dict) else None
            match = next((o for o in old if isinstance(o, dict) and o.get("name") == name), None)
            if name and match:
                yield from _differing(match, item, f'{path}[name="{name}"]')
    elif old != new:
        yield path


def delete(cluster: Cluster, kind: Kind, namespace: str, name: str, options: Options) -> Object:
    """DELETE: the deleted object."""
    found = cluster.get(kind, namespace, name)
    if found is None:
        raise not_found(kind, name)
    if not options.dry_run:
        cluster.delete(kind.kind, namespace, name)
    return found
