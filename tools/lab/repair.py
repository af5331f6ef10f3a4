"""Whether the proposed change repairs the case: it is applied to the lab's own cluster, and the applications tell.

Kubernetes' own programs and the simulated kubelets go on as before; a case is repaired when every application is as
ready as its manifest asks and every call finds its way.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from kfix.offline import diagnose
from manifests.objects import paths
from tools.lab.api import GROUPS, NotServed, plural, root
from tools.lab.dump import read
from tools.lab.live import Live, Unsettled, counted, well
from tools.lab.scene import Obj
from tools.lab.talk import call

#: Seconds for a change to show its effect; a machine that plays many cases at once takes its time.
_PATIENCE_S = 60.0
#: Seconds between two looks that controllers are made to take.
_NUDGE_S = 4.0
#: Classes whose repair does not show in pods or calls here.
_INVISIBLE = frozenset(
    {
        "autoscaler_at_ceiling",
        "autoscaler_without_metrics",
        "autoscaler_target_missing",
        "autoscaler_conflict",
        "disruption_budget_blocks",
        "cron_suspended",
        "finalizer_stuck",
        "certificate_secret_missing",
        "route_backend_mismatch",
        "load_balancer_pending",
        "quota_storage_exceeded",
        "heap_exhausted",
    }
)


def repaired(live: Live, folder: Path) -> dict[str, str]:
    """``outcome``: ``none`` (no change proposed), ``crashed``, ``repaired``, ``not repaired``, ``refused`` by the server, ``not shown``."""
    try:
        result = diagnose.diagnose_case(diagnose.case_of(folder))
    except Exception as crash:  # noqa: BLE001 -- the report names it, the other cases go on
        return {"outcome": "crashed", "change": "", "detail": f"{type(crash).__name__}: {crash}"}
    action: Any = result.get("recommended_action")
    if result["status"] != "solution_proposed" or not action:
        return {"outcome": "none"}
    changes = action["kubernetes_changes"]
    said = "; ".join(f"{c['kind']}/{c['name']} {c['changes']}" for c in changes)
    return {"repairs": str(action["repairs"]["verdict"]), **_tried(live, changes, said)}


def _tried(live: Live, changes: list[Obj], said: str) -> dict[str, str]:
    """What became of the changes, as ``said``."""
    try:
        for change in changes:
            _apply(live, change)
        live.wait(lambda: counted(live), "quotas are not computed")
        for manifest, _ in live.refused:
            _again(live, manifest)
        _nudge(live)
    except (NotServed, Unsettled, paths.Missing) as trouble:
        return {"outcome": "refused", "change": said, "detail": str(trouble)[:300]}
    if live.scene.answer is not None and live.scene.answer.failure_class in _INVISIBLE:
        return {"outcome": "not shown", "change": said}
    deadline = time.monotonic() + _PATIENCE_S
    nudged = time.monotonic()
    while time.monotonic() < deadline:
        if _heals(live):
            return {"outcome": "repaired", "change": said}
        if time.monotonic() - nudged > _NUDGE_S:
            _nudge(live)
            nudged = time.monotonic()
        time.sleep(0.5)
    return {"outcome": "not repaired", "change": said, "detail": _why_not(live)}


def _why_not(live: Live) -> str:
    """What an application that is not well says, else the first call that fails."""
    unready = [app.name for app in live.scene.apps if not well(live, [app], declared=False)]
    if unready:
        warned = [e["message"] for e in live.events() if e.get("type") == "Warning"]
        return f"not ready: {', '.join(unready)}; {' | '.join(warned[-3:])}"[:600]
    objects = read(live)
    failing = (
        f"{app.name}: {line}"
        for app in live.scene.apps
        for pod in live.pods(app)
        for key in app.calls
        if (line := call(live, app, key, pod, objects))
    )
    return next(failing, "")[:600]


def _again(live: Live, manifest: Obj) -> None:
    """Whoever deploys tries again; admission may hear of a new quota a moment late. Raises NotServed."""
    for _ in range(20):
        try:
            live.api.create(manifest)
            return
        except NotServed as refused:
            if refused.code != 403:
                raise
        time.sleep(0.25)
    live.api.create(manifest)


def release(live: Live) -> None:
    """Takes workloads that fill whole nodes away again: other cases need the room."""
    if live.scene.answer and live.scene.answer.failure_class.startswith("insufficient_"):
        for kind in ("deployments", "statefulsets"):
            place = f"{root('apps/v1')}/namespaces/{live.scene.namespace}/{kind}"
            live.api.call("DELETE", place)


def _nudge(live: Live) -> None:
    """Controllers that were refused wait longer and longer; a touched object is looked at again at once.

    Once is not enough: admission may hear of a change after the controller has tried again.
    """
    stamp = {"lab.example.com/touched": str(time.monotonic_ns())}
    for kind in ("deployments", "replicasets", "statefulsets"):
        for obj in live.items("apps/v1", kind):
            name = obj["metadata"]["name"]
            place = f"{root('apps/v1')}/namespaces/{live.scene.namespace}/{kind}/{name}"
            live.api.merge(place, {"metadata": {"annotations": stamp}})


def _apply(live: Live, change: Obj) -> None:
    if change.get("manifest") is not None:
        live.api.create(change["manifest"])
        return
    name = plural(change["kind"])
    version = next(v for v, kinds in GROUPS.items() if name in kinds)
    place = f"{root(version)}/namespaces/{change['namespace']}/{name}/{change['name']}"
    for _ in range(5):  # controllers write to the same object
        obj = live.api.get(place)
        for path, value in change["changes"].items():
            _set(obj, paths.parse(path), value, new=change["before"].get(path) is None)
        try:
            live.api.call("PUT", place, obj)
            return
        except NotServed as refused:
            if refused.code != 409:
                raise
    raise NotServed(409, f"{place} changes all the time")


def _set(obj: Any, path: paths.Path, value: Any, *, new: bool) -> None:
    """Puts a value, makes the mappings on the way; None takes it away, a new item comes before the one at its position."""
    node = obj
    for segment in path[:-1]:
        if isinstance(segment, str) and isinstance(node, dict):
            node = node.setdefault(segment, {})
        else:
            node = paths.get(node, (segment,))
    last = path[-1]
    if isinstance(last, paths.Match):
        named = paths.find(node, (last,)) is not None
        last = paths.index_of(node, last) if named else len(node)
    if value is None and isinstance(last, str):
        node.pop(last, None)
    elif value is None and not new:
        del node[last]
    elif isinstance(last, int) and (new or last == len(node)):
        node.insert(last, value)
    else:
        node[last] = value


def _heals(live: Live) -> bool:
    """As many ready pods as asked for now, and no call that fails."""
    live.scene.broken.clear()
    if not well(live, live.scene.apps, declared=False):
        return False
    objects = read(live)
    for app in live.scene.apps:
        for pod in live.pods(app):
            if any(call(live, app, key, pod, objects) for key in app.calls):
                return False
    return True
