"""Plans for pods without a node and claims without a volume."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from decide.core import measure
from decide.core.findings import Finding
from decide.core.objects import Obj, Workload, at, items, labels_of, mapping, name_of, number, pairs
from decide.core.plans import sizing
from decide.core.plans.drafts import (
    Draft,
    container_path,
    exchange,
    patch,
    patch_workload,
    source_of,
)
from decide.core.plans.history import rollback
from decide.core.rules.scheduling import affinity_fits, cordoned, selector_fits, untolerated
from decide.core.rules.services import alike
from decide.core.view import ClusterView, node_ready
from manifests import changes as typed
from manifests import quantities
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange

_SPREAD = (
    "The pods may run on nodes they were kept from",
    "Les pods peuvent aller sur des nœuds auparavant exclus",
)


def _room(view: ClusterView, workload: Workload, resource: str) -> Decimal | None:
    """The most that one pod may ask for so that all that wait find a node: allocatable minus requests of known pods."""
    _, used = held(view, resource)
    free: list[Decimal] = []
    for node in usable(view, workload):
        value = at(node, "status", "allocatable", resource)
        if (
            value is not None
            and selector_fits(workload.spec, node)
            and affinity_fits(workload.spec, node)
        ):
            free.append(quantities.parse(str(value)) - Decimal(str(used[name_of(node)])))
    waiting = max(1, workload.desired - workload.ready)
    fits = [gap / share for gap in free for share in range(1, min(waiting, 20) + 1) if gap > 0]
    enough = [f for f in fits if sum(int(gap // f) for gap in free if gap > 0) >= waiting]
    return max(enough, default=None)


def capacity(finding: Finding, view: ClusterView) -> list[Draft]:
    """A request that fits: from measured usage, else from the gaps on nodes; never below what is used."""
    workload = finding.facts["workload"]
    resource = "cpu" if finding.failure_class == "insufficient_cpu" else "memory"
    room = _room(view, workload, resource)
    drafts = []
    declared = Workload(workload.kind, source_of(view, workload.ref, workload.obj))
    for container in declared.containers():
        value = at(container.spec, "resources", "requests", resource) or at(
            container.spec, "resources", "limits", resource
        )
        if value is None:
            continue
        now = quantities.parse(str(value))
        usage = measure.used(view, workload, resource, container.name)
        target = _target(resource, usage, now, room, len(declared.containers()))
        if target is None or target >= now:
            continue
        text = (
            quantities.format_cpu(target) if resource == "cpu" else quantities.format_memory(target)
        )
        wanted = [
            (container_path(workload, container.name, f"resources.requests.{resource}"), text)
        ]
        basis = (
            f"{len(usage.values)} samples of usage"
            if sizing.tells_less(usage)
            else f"the gaps on nodes let {_show(resource, room)} fit"
        )
        why = (
            f"{container.name} requests {value} of {resource}, no node has that; {text} rests on {basis}.",
            f"{container.name} demande {value} de {resource}, aucun nœud ne l'a ; {text} repose sur : {basis}.",
        )
        title = (
            f"Request {text} of {resource} for {container.name}",
            f"Demander {text} de {resource} pour {container.name}",
        )
        kind = "set_cpu" if resource == "cpu" else "set_memory"
        drafts.append(
            Draft(
                kind,
                title,
                why,
                patch_workload(view, workload, wanted),
                0.85 if sizing.tells_less(usage) else 0.65,
                [
                    (
                        "Less is reserved for the container than it asked for",
                        "Moins de ressources réservées que demandé",
                    )
                ],
            )
        )  # type: ignore[arg-type]
    return [*drafts[:1], *rollback(finding, view)]


def held(view: ClusterView, resource: str) -> tuple[Counter[str], dict[str, float]]:
    """Pods on each node, and what they request of a resource there; read once."""
    return view.memo(f"held {resource}", lambda: _held(view, resource))


def _held(view: ClusterView, resource: str) -> tuple[Counter[str], dict[str, float]]:
    pods: Counter[str] = Counter()
    used: dict[str, float] = defaultdict(float)
    known: dict[str, float] = {}  # thousands of pods ask for a handful of values
    for pod in view.all("pods"):
        spec = mapping(pod.get("spec"))
        place = str(spec.get("nodeName") or "")
        if not place:
            continue
        pods[place] += 1
        for container in items(spec.get("containers")):
            value = at(container, "resources", "requests", resource)
            if value is not None:
                text = str(value)
                if text not in known:
                    known[text] = _amount(text)
                used[place] += known[text]
    return pods, used


def _amount(value: str) -> float:
    try:
        return float(quantities.parse(value))
    except quantities.BadQuantity:
        return 0.0


def _show(resource: str, room: Decimal | None) -> str:
    if room is None:
        return "unknown"
    return quantities.format_cpu(room) if resource == "cpu" else quantities.format_memory(room)


def _target(
    resource: str, usage: measure.Usage, now: Decimal, room: Decimal | None, containers: int
) -> Decimal | None:
    if sizing.tells_less(usage):
        size = (
            sizing.cpu(usage, None, None)
            if resource == "cpu"
            else sizing.memory(usage, None, None, killed=False)
        )
        wanted = Decimal(str(size.request)) if size else None
        return wanted if wanted is not None and (room is None or wanted <= room) else None
    if room is None or room <= 0:
        return None
    # Half of the gap leaves room for others; without usage that is a step, not a measure.
    fits = room / 2 / containers
    return (
        min(now, Decimal(round(fits, 2) if resource == "cpu" else int(fits // 2**26) * 2**26))
        or None
    )


def usable(view: ClusterView, workload: Workload) -> list[Obj]:
    """Nodes that would take the pods but for their labels: ready, open, with tolerated taints only."""
    pods, _ = held(view, "cpu")
    return [
        n
        for n in view.nodes
        if not cordoned(n)
        and node_ready(n) == "True"
        and not untolerated(workload.spec, n)
        and pods[name_of(n)] < number(at(n, "status", "allocatable", "pods"), 110)
    ]


def selector(finding: Finding, view: ClusterView) -> list[Draft]:
    """One key less wrong: the value that lets most usable nodes fit, else without the key."""
    workload = finding.facts["workload"]
    wanted = dict(mapping(workload.spec.get("nodeSelector")))
    nodes = [dict(labels_of(n)) for n in usable(view, workload)]
    drafts: list[Draft] = []
    for key, value in wanted.items():
        rest = {k: v for k, v in wanted.items() if k != key}
        fitting = [n for n in nodes if rest.items() <= n.items()]
        path = (
            f":nodeSelector['{key}']"
            if any(c in str(key) for c in "./[]")
            else f":nodeSelector.{key}"
        )
        have = Counter(str(n[key]) for n in fitting if key in n)
        if have:
            best = max(have, key=lambda v: (have[v], alike(v, str(value)), v))
            why = (
                f"{have[best]} usable nodes have {key}={best}, none that fits has {key}={value}.",
                f"{have[best]} nœuds utilisables ont {key}={best}, aucun possible n'a {key}={value}.",
            )
            drafts.append(
                Draft(
                    "set_scheduling",
                    (f"Select nodes with {key}={best}", f"Viser les nœuds {key}={best}"),
                    why,
                    patch_workload(view, workload, [(path, best)]),
                    0.8,
                    [_SPREAD],
                )
            )
        if fitting:
            change: list[tuple[str, Any]] = [(path, None)] if rest else [(":nodeSelector", None)]
            why = (
                f"{len(fitting)} usable nodes fit without {key}.",
                f"{len(fitting)} nœuds utilisables conviennent sans {key}.",
            )
            drafts.append(
                Draft(
                    "set_scheduling",
                    (f"Do not select nodes by {key}", f"Ne plus viser de nœuds par {key}"),
                    why,
                    patch_workload(view, workload, change),
                    0.6,
                    [_SPREAD],
                )
            )
    return [*drafts, *rollback(finding, view)]


def affinity(finding: Finding, view: ClusterView) -> list[Draft]:
    """Required node affinity becomes preferred, or its values those that nodes have."""
    workload = finding.facts["workload"]
    path = ":affinity.nodeAffinity"
    current = at(workload.spec, "affinity", "nodeAffinity")
    terms = items(
        at(current, "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    )
    drafts = []
    for t, term in enumerate(terms):
        for e, entry in enumerate(items(mapping(term).get("matchExpressions"))):
            have = Counter(
                str(labels_of(n)[entry["key"]])
                for n in usable(view, workload)
                if entry.get("key") in labels_of(n)
            )
            values = [str(v) for v in items(entry.get("values"))]
            if entry.get("operator") == "In" and have and not set(values) & set(have):
                best = max(have, key=lambda v: (have[v], v))
                place = f"{path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[{t}].matchExpressions[{e}].values"
                why = (
                    f"{have[best]} nodes have {entry['key']}={best}, none one of {values}.",
                    f"{have[best]} nœuds ont {entry['key']}={best}, aucun parmi {values}.",
                )
                drafts.append(
                    Draft(
                        "set_scheduling",
                        (
                            f"Accept nodes with {entry['key']}={best}",
                            f"Accepter les nœuds {entry['key']}={best}",
                        ),
                        why,
                        patch_workload(view, workload, [(place, [best])]),
                        0.75,
                        [_SPREAD],
                    )
                )
    if terms:
        soft = [{"weight": 100, "preference": term} for term in terms]
        keep = {k: v for k, v in mapping(current).items() if not k.startswith("required")}
        keep["preferredDuringSchedulingIgnoredDuringExecution"] = [
            *items(keep.get("preferredDuringSchedulingIgnoredDuringExecution")),
            *soft,
        ]
        why = (
            "No node satisfies the required affinity; as a preference it no longer blocks.",
            "Aucun nœud ne satisfait l'affinité requise ; en préférence elle ne bloque plus.",
        )
        drafts.append(
            Draft(
                "set_scheduling",
                (
                    "Prefer instead of require the node affinity",
                    "Préférer au lieu d'exiger l'affinité de nœud",
                ),
                why,
                patch_workload(view, workload, exchange(path, mapping(current), keep)),
                0.65,
                [_SPREAD],
            )
        )
    return drafts


def anti_affinity(finding: Finding, view: ClusterView) -> list[Draft]:
    """As many replicas as nodes can hold, or anti-affinity as a preference."""
    workload = finding.facts["workload"]
    drafts = []
    if workload.kind == "Deployment" and 0 < workload.ready < workload.desired:
        why = (
            f"{workload.ready} of {workload.desired} replicas found a node of their own.",
            f"{workload.ready} réplicas sur {workload.desired} ont trouvé un nœud.",
        )
        drafts.append(
            Draft(
                "set_replicas",
                (
                    f"Run {workload.ready} replicas of {workload.name}",
                    f"Passer {workload.name} à {workload.ready} réplicas",
                ),
                why,
                patch(view, workload.ref, workload.obj, [("spec.replicas", workload.ready)]),
                0.78,
                [("Fewer replicas carry the load", "Moins de réplicas portent la charge")],
            )
        )
    current = mapping(at(workload.spec, "affinity", "podAntiAffinity"))
    terms = items(current.get("requiredDuringSchedulingIgnoredDuringExecution"))
    if terms:
        soft = [{"weight": 100, "podAffinityTerm": term} for term in terms]
        keep = {k: v for k, v in current.items() if not k.startswith("required")}
        keep["preferredDuringSchedulingIgnoredDuringExecution"] = [
            *items(keep.get("preferredDuringSchedulingIgnoredDuringExecution")),
            *soft,
        ]
        why = (
            "Required anti-affinity leaves no node; as a preference the pods still spread where they can.",
            "L'anti-affinité requise ne laisse aucun nœud ; en préférence les pods restent répartis si possible.",
        )
        drafts.append(
            Draft(
                "set_scheduling",
                (
                    "Prefer instead of require pod anti-affinity",
                    "Préférer au lieu d'exiger l'anti-affinité",
                ),
                why,
                patch_workload(
                    view, workload, exchange(":affinity.podAntiAffinity", current, keep)
                ),
                0.7,
                [
                    ("Two pods may share a node", "Deux pods peuvent partager un nœud"),
                    (
                        "Pods of the old revision still keep new ones off: where each node holds one, a pod of the old revision must go first",
                        "Les pods de l'ancienne révision écartent encore les nouveaux : si chaque nœud en porte un, l'un d'eux doit partir d'abord",
                    ),
                ],
            )
        )
    return drafts


def toleration(finding: Finding, view: ClusterView) -> list[Draft]:
    """Tolerate the taint of the nodes that fit, unless the taint says that the node is sick."""
    workload = finding.facts["workload"]
    pod = finding.facts["pod"]
    fitting = [
        n
        for n in view.nodes
        if selector_fits(pod.spec, n) and affinity_fits(pod.spec, n) and not cordoned(n)
    ]
    taints: Counter[tuple[str, str, str]] = Counter()
    for node in fitting:
        for taint in untolerated(pod.spec, node):
            taints[
                (str(taint.get("key")), str(taint.get("value") or ""), str(taint.get("effect")))
            ] += 1
    if not taints:
        return []
    key, value, effect = max(taints, key=lambda t: (taints[t], t))
    entry = (
        {"key": key, "operator": "Equal", "value": value, "effect": effect}
        if value
        else {"key": key, "operator": "Exists", "effect": effect}
    )
    old = items(workload.spec.get("tolerations"))
    why = (
        f"Nodes that fit carry {key}={value}:{effect}, which the pods do not tolerate.",
        f"Les nœuds possibles portent {key}={value}:{effect}, non toléré.",
    )
    return [
        Draft(
            "set_scheduling",
            (f"Tolerate {key}={value}:{effect}", f"Tolérer {key}={value}:{effect}"),
            why,
            patch_workload(view, workload, [(":tolerations", [*old, entry])]),
            0.6,
            [
                (
                    "The taint may be there for a reason: ask who set it",
                    "Le taint a peut-être une raison : demander à son auteur",
                )
            ],
        )
    ]


def claim(finding: Finding, view: ClusterView) -> list[Draft]:
    """The claim takes the attribute that a free volume, or the cluster, has. Immutable fields: a new claim is needed."""
    old, workload = finding.facts["claim"], finding.facts["workload"]
    volume = finding.facts.get("volume") or next(iter(finding.facts.get("volumes") or []), None)
    ref = ObjectRef(
        api_version="v1",
        kind="PersistentVolumeClaim",
        namespace=workload.namespace,
        name=name_of(old),
    )
    wanted = _claim_change(finding, view, volume)
    if wanted is None:
        return []
    path, after, text = wanted
    why = (f"{finding.detail}; {text}", f"{finding.detail} ; {text}")
    risk = (
        "A claim's spec cannot be changed in place: delete the unbound claim first; it holds no data",
        "La spec d'un PVC est immuable : supprimer d'abord le PVC non lié ; il ne contient aucune donnée",
    )
    edit = Draft(
        "set_volume",
        (
            f"Claim {ref.name}: {path.rpartition('.')[2]} as volumes have it",
            f"PVC {ref.name} : {path.rpartition('.')[2]} conforme aux volumes",
        ),
        why,
        patch(view, ref, old, [(path, after)]),
        0.7,
        [risk],
    )
    drafts = [edit, *_another(view, workload, old, edit, why)]
    if path == "spec.accessModes" and not any("Write" in str(m) for m in items(after)):
        for draft in drafts:  # a program that writes will fail on it
            draft.weight -= 0.1
            draft.risks.insert(
                0, ("The volume can only be read", "Le volume n'est accessible qu'en lecture")
            )
    return drafts


def _another(
    view: ClusterView, workload: Workload, old: Obj, edit: Draft, why: tuple[str, str]
) -> list[Draft]:
    """A second claim with the right attribute, and the workload mounts that one: nothing has to be deleted first."""
    source = source_of(view, edit.changes[0].object, old) if edit.changes else old
    if not edit.changes or workload.kind == "StatefulSet":  # its claims come from a template
        return []
    spec = mapping(at(typed.apply(edit.changes[0].fields, source), "spec"))
    name = f"{name_of(old)[:60]}-2"
    ref = edit.changes[0].object.model_copy(update={"name": name})
    manifest = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": workload.namespace},
        "spec": {
            k: v
            for k, v in spec.items()
            if k in ("accessModes", "resources", "selector", "storageClassName", "volumeMode")
        },
    }
    volumes = [
        v
        for v in map(mapping, items(workload.spec.get("volumes")))
        if at(v, "persistentVolumeClaim", "claimName") == name_of(old)
    ]
    wanted = [
        (f":volumes[name={v.get('name')}].persistentVolumeClaim.claimName", name) for v in volumes
    ]
    mounted = patch_workload(view, workload, wanted)
    if not mounted:
        return []
    risk = (
        "The old claim stays unbound and empty: delete it afterwards",
        "L'ancien PVC reste non lié et vide : le supprimer ensuite",
    )
    created = KubernetesChange(object=ref, action="create", manifest=manifest, beside=workload.ref)
    return [
        Draft(
            "set_volume",
            (f"Mount a new claim {name}", f"Monter un nouveau PVC {name}"),
            why,
            [created, *mounted],
            0.78,
            [risk],
        )
    ]


def _claim_change(  # noqa: PLR0911
    finding: Finding, view: ClusterView, volume: Obj | None
) -> tuple[str, object, str] | None:
    kind = finding.failure_class
    if kind == "pvc_storage_class_mismatch":
        if volume is not None:
            name = str(at(volume, "spec", "storageClassName") or "")
            return (
                "spec.storageClassName",
                name,
                f"volume {name_of(volume)} is free with class '{name}'",
            )
        classes = [name_of(c) for c in view.all("storageclasses")]
        standard = [
            name_of(c)
            for c in view.all("storageclasses")
            if mapping(at(c, "metadata", "annotations")).get(
                "storageclass.kubernetes.io/is-default-class"
            )
            == "true"
        ]
        names = standard or (classes if len(classes) == 1 else [])
        return (
            ("spec.storageClassName", names[0], f"the cluster has class {names[0]}")
            if names
            else None
        )
    if volume is None:
        return None
    if kind == "pvc_capacity_mismatch":
        size = str(at(volume, "spec", "capacity", "storage"))
        return "spec.resources.requests.storage", size, f"volume {name_of(volume)} has {size}"
    if kind == "pvc_access_mode_mismatch":
        modes = items(at(volume, "spec", "accessModes"))
        return (
            "spec.accessModes",
            modes,
            f"volume {name_of(volume)} offers {', '.join(map(str, modes))}",
        )
    if kind == "pvc_selector_mismatch":
        labels = dict(labels_of(volume))
        return (
            ("spec.selector.matchLabels", labels, f"volume {name_of(volume)} has {pairs(labels)}")
            if labels
            else ("spec.selector", None, f"volume {name_of(volume)} has no labels")
        )
    return None
