"""Plans for images, references, probes, replicas, rollouts, accounts, commands, volumes and DNS settings."""

from __future__ import annotations

from collections import Counter
from typing import Any

from decide.core.findings import Finding
from decide.core.objects import (
    Obj,
    Workload,
    at,
    items,
    mapping,
    name_of,
    namespace_of,
    number,
)
from decide.core.plans.drafts import Draft, container_path, patch, patch_workload
from decide.core.plans.history import last_good, revision_of, rollback
from decide.core.rules.probes import PROBES, handler, resolved
from decide.core.rules.services import alike
from decide.core.view import ClusterView
from schemas.base import ObjectRef
from schemas.plans import KubernetesChange

_ROLL = ("The pods restart once", "Les pods redémarrent une fois")
_OLD = (
    "The last revision's other changes are lost too",
    "Les autres changements de la révision sont perdus aussi",
)


def image(finding: Finding, view: ClusterView) -> list[Draft]:
    """The image that ran before: from history, from the repository, or the registry that siblings use."""
    workload, name = finding.facts["workload"], str(finding.facts["container"])
    bad = str(finding.facts.get("image") or "")
    path = container_path(workload, name, "image")
    drafts: list[Draft] = []
    good = last_good(view, workload)
    before = next(
        (
            mapping(c).get("image")
            for c in items(at(good or {}, "spec", "template", "spec", "containers"))
            if mapping(c).get("name") == name
        ),
        None,
    )
    if before and before != bad:
        why = (
            f"{bad} cannot be pulled; {before} ran in revision {revision_of(good or {})}.",
            f"{bad} est introuvable ; {before} tournait en révision {revision_of(good or {})}.",
        )
        drafts.append(
            Draft(
                "set_image",
                (
                    f"Use the image that ran before: {before}",
                    f"Reprendre l'image précédente : {before}",
                ),
                why,
                patch_workload(view, workload, [(path, before)]),
                0.93,
                [_OLD],
            )
        )
    elsewhere = _sibling_registry(view, workload, bad)
    if elsewhere and finding.failure_class == "image_registry_unreachable":
        why = (
            f"{bad} cannot be pulled; every other image of the namespace comes from {elsewhere.partition('/')[0]}.",
            f"{bad} est introuvable ; toutes les autres images du namespace viennent de {elsewhere.partition('/')[0]}.",
        )
        drafts.append(
            Draft(
                "set_image",
                (f"Use {elsewhere}", f"Utiliser {elsewhere}"),
                why,
                patch_workload(view, workload, [(path, elsewhere)]),
                0.74,
                [
                    (
                        "Not known to exist: the pipeline's dry run does not pull",
                        "Existence non vérifiée : le dry-run ne télécharge pas l'image",
                    ),
                    _ROLL,
                ],
            )
        )
    for candidate, count in _sibling_images(view, workload, bad):
        why = (
            f"{bad} cannot be pulled; {count} other workloads run images of {candidate.rpartition(':')[0].rpartition('/')[0]} with this tag.",
            f"{bad} est introuvable ; {count} autres applications utilisent ce dépôt et ce tag.",
        )
        drafts.append(
            Draft(
                "set_image",
                (f"Use {candidate}", f"Utiliser {candidate}"),
                why,
                patch_workload(view, workload, [(path, candidate)]),
                0.75,
                [
                    (
                        "Not known to exist: the pipeline's dry run does not pull",
                        "Existence non vérifiée : le dry-run ne télécharge pas l'image",
                    ),
                    _ROLL,
                ],
            )
        )
    return drafts


def _sibling_registry(view: ClusterView, workload: Workload, bad: str) -> str:
    """The same image from the registry host that all siblings are pulled from; empty when they disagree."""
    host, _, rest = bad.partition("/")
    hosts: Counter[str] = Counter()
    for other in view.workloads:
        if (
            other.ref.key != workload.ref.key
            and other.namespace == workload.namespace
            and other.ready
        ):
            for container in other.containers():
                place, slash, _ = str(container.spec.get("image") or "").partition("/")
                if slash and ("." in place or ":" in place):
                    hosts[place] += 1
    named = "." in host or ":" in host
    return (
        f"{next(iter(hosts))}/{rest}"
        if named and len(hosts) == 1 and host not in hosts and hosts.total() >= 2
        else ""
    )


def _sibling_images(view: ClusterView, workload: Workload, bad: str) -> list[tuple[str, int]]:
    """The same image name with the registry path or the tag that most siblings share."""
    stem, _, tag = bad.partition("@")[0].rpartition(":")
    if not stem or "/" in tag:
        stem, tag = bad, "latest"
    folder, _, name = stem.rpartition("/")
    votes: dict[tuple[str, str], int] = {}
    for other in view.workloads:
        if (
            other.ref.key == workload.ref.key
            or other.namespace != workload.namespace
            or not other.ready
        ):
            continue
        for container in other.containers():
            text = str(container.spec.get("image") or "").partition("@")[0]
            path, _, label = text.rpartition(":")
            if path and "/" not in label:
                key = (path.rpartition("/")[0], label)
                votes[key] = votes.get(key, 0) + 1
    best = [k for k in sorted(votes, key=lambda k: -votes[k]) if votes[k] >= 3 and k[0]]
    out = []
    for path, label in best[:1]:
        if (
            alike(folder.split("/")[-1], path.split("/")[-1]) > 0.8
            and f"{path}/{name}:{label}" != bad
        ):
            out.append((f"{path}/{name}:{label}", votes[(path, label)]))
    return out


def pull_secret(finding: Finding, view: ClusterView) -> list[Draft]:
    """A pull secret that exists in the namespace."""
    workload = finding.facts["workload"]
    named = [str(mapping(s).get("name")) for s in items(workload.spec.get("imagePullSecrets"))]
    have = [
        name_of(s)
        for s in view.all("secrets")
        if namespace_of(s) == workload.namespace
        and s.get("type") in ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
    ]
    drafts = []
    for name in have:
        if name not in named:
            why = (
                f"Secret {name} holds registry credentials; the pods name {named or 'none'}.",
                f"Le secret {name} contient des identifiants de registre ; les pods nomment {named or 'aucun'}.",
            )
            drafts.append(
                Draft(
                    "set_image_pull_secret",
                    (f"Pull with secret {name}", f"Utiliser le secret de pull {name}"),
                    why,
                    patch_workload(view, workload, [(":imagePullSecrets", [{"name": name}])]),
                    0.8 if len(have) == 1 else 0.6,
                    [_ROLL],
                )
            )
    return drafts[:2] + image(finding, view)


def reference(finding: Finding, view: ClusterView) -> list[Draft]:
    """The ConfigMap or Secret that was meant: one that exists, alike in name, and that nobody else owns."""
    workload = finding.facts["workload"]
    missing, kind = (
        str(finding.facts.get("name") or ""),
        str(finding.facts.get("kind") or "").lower(),
    )
    plural = "configmaps" if kind.startswith("config") else "secrets"
    key = str(finding.facts.get("key") or "")
    if key:
        return _key(finding, view, workload, plural, missing, key) + rollback(finding, view)
    have = [name_of(o) for o in view.all(plural) if namespace_of(o) == workload.namespace]
    near = sorted((n for n in have if n != missing), key=lambda n: -alike(n, missing))[:1]
    if not missing or not near or alike(near[0], missing) < 0.88:
        return []
    wanted = _reference_paths(workload, plural, missing, near[0])
    why = (
        f"There is no {plural[:-1]} {missing}; {near[0]} exists.",
        f"Pas de {plural[:-1]} {missing} ; {near[0]} existe.",
    )
    return [
        Draft(
            "set_reference",
            (
                f"Refer to {near[0]} instead of {missing}",
                f"Utiliser {near[0]} au lieu de {missing}",
            ),
            why,
            patch_workload(view, workload, wanted),
            0.7,
            [
                (
                    "A like name is not proof: check what it holds",
                    "Un nom proche n'est pas une preuve : vérifier le contenu",
                ),
                _ROLL,
            ],
        )
    ]


def _key(  # noqa: PLR0917
    finding: Finding, view: ClusterView, workload: Workload, plural: str, name: str, key: str
) -> list[Draft]:
    """The key that was meant: the one of the object that is much alike."""
    if not name:
        return _item(finding, view, workload, key)
    found = view.get(plural, workload.namespace, name) or {}
    keys = {**mapping(found.get("data")), **mapping(found.get("binaryData"))}
    near = max(
        (k for k in keys if alike(k.lower(), key.lower()) >= 0.75),
        key=lambda k: alike(k.lower(), key.lower()),
        default="",
    )
    ref = "configMapKeyRef" if plural == "configmaps" else "secretKeyRef"
    wanted: list[tuple[str, Any]] = []
    for container in workload.containers(init=True):
        for entry in container.env:
            if (
                near
                and at(entry, "valueFrom", ref, "name") == name
                and at(entry, "valueFrom", ref, "key") == key
            ):
                wanted.append(
                    (
                        container_path(
                            workload,
                            container.name,
                            f"env[name={entry.get('name')}].valueFrom.{ref}.key",
                        ),
                        near,
                    )
                )
    why = (
        f"{name} has no key {key}; {near} exists.",
        f"{name} n'a pas de clé {key} ; {near} existe.",
    )
    risk = (
        "A like name is not proof: check what it holds",
        "Un nom proche n'est pas une preuve : vérifier le contenu",
    )
    return [
        Draft(
            "set_reference",
            (f"Read key {near} of {name}", f"Lire la clé {near} de {name}"),
            why,
            patch_workload(view, workload, wanted),
            0.76,
            [risk, _ROLL],
        )
    ]


def _item(finding: Finding, view: ClusterView, workload: Workload, key: str) -> list[Draft]:
    """The same for a volume that picks keys of a ConfigMap or Secret."""
    for volume in map(mapping, items(workload.spec.get("volumes"))):
        for field, plural, inner in (
            ("configMap", "configmaps", "name"),
            ("secret", "secrets", "secretName"),
        ):
            name = str(at(volume, field, inner) or "")
            picked = [mapping(i).get("key") for i in items(at(volume, field, "items"))]
            keys = mapping((view.get(plural, workload.namespace, name) or {}).get("data"))
            near = max(
                (k for k in keys if alike(k.lower(), key.lower()) >= 0.75),
                key=lambda k: alike(k.lower(), key.lower()),
                default="",
            )
            if key in picked and near:
                path = f":volumes[name={volume.get('name')}].{field}.items[{picked.index(key)}].key"
                why = (
                    f"{name} has no key {key}; {near} exists.",
                    f"{name} n'a pas de clé {key} ; {near} existe.",
                )
                risk = (
                    "A like name is not proof: check what it holds",
                    "Un nom proche n'est pas une preuve : vérifier le contenu",
                )
                return [
                    Draft(
                        "set_reference",
                        (f"Mount key {near} of {name}", f"Monter la clé {near} de {name}"),
                        why,
                        patch_workload(view, workload, [(path, near)]),
                        0.76,
                        [risk, _ROLL],
                    )
                ]
    return []


def _reference_paths(workload: Workload, plural: str, old: str, new: str) -> list[tuple[str, Any]]:
    ref, key = (
        ("configMapRef", "configMapKeyRef")
        if plural == "configmaps"
        else ("secretRef", "secretKeyRef")
    )
    out: list[tuple[str, Any]] = []
    for container in workload.containers(init=True):
        for i, source in enumerate(items(container.spec.get("envFrom"))):
            if at(source, ref, "name") == old:
                out.append(
                    (container_path(workload, container.name, f"envFrom[{i}].{ref}.name"), new)
                )
        for entry in container.env:
            if at(entry, "valueFrom", key, "name") == old:
                out.append(
                    (
                        container_path(
                            workload,
                            container.name,
                            f"env[name={entry.get('name')}].valueFrom.{key}.name",
                        ),
                        new,
                    )
                )
    for volume in items(workload.spec.get("volumes")):
        for field, inner in (("configMap", "name"), ("secret", "secretName")):
            if at(volume, field, inner) == old:
                out.append((f":volumes[name={mapping(volume).get('name')}].{field}.{inner}", new))
    return out


def probe(finding: Finding, view: ClusterView) -> list[Draft]:
    """The probe asks what the container serves: its port, the other probe's protocol, more patience."""
    workload, name = finding.facts["workload"], str(finding.facts["container"])
    which, spec = str(finding.facts["probe"]), finding.facts["spec"]
    container = next((c for c in workload.containers() if c.name == name), None)
    if container is None:
        return []
    what = finding.failure_class.rpartition("_")[2]
    base = container_path(workload, name, f"{which}Probe")
    kind, port = handler(spec)
    field = {"http": "httpGet", "tcp": "tcpSocket", "grpc": "grpc"}.get(kind, "")
    others = [mapping(container.spec.get(f"{o}Probe")) for o in PROBES if o != which]
    others = [o for o in others if o and handler(o)[0] in ("http", "tcp", "grpc")]
    drafts: list[Draft] = []
    if what == "port" and field:
        candidates = [resolved(container, handler(o)[1]) for o in others] + [
            number(p.get("containerPort")) for p in container.ports
        ]
        good = [c for c in dict.fromkeys(candidates) if c and c != port][:2]
        for at_, candidate in enumerate(good):
            why = (
                f"{finding.facts['why']}; port {candidate} is the container's.",
                f"{finding.facts['why']} ; le port {candidate} est celui du conteneur.",
            )
            drafts.append(
                Draft(
                    "set_probe",
                    (
                        f"{which} probe of {name} asks port {candidate}",
                        f"La sonde {which} de {name} vise le port {candidate}",
                    ),
                    why,
                    patch_workload(view, workload, [(f"{base}.{field}.port", candidate)]),
                    0.93 - 0.2 * at_,
                    [_ROLL],
                )
            )
    if what == "protocol" and field:
        drafts += _protocol(finding, view, base, field, others)
    if what == "timing":
        drafts += _patience(finding, view, base, spec, which)
    return drafts + rollback(finding, view)


def _protocol(
    finding: Finding, view: ClusterView, base: str, field: str, others: list[Obj]
) -> list[Draft]:
    workload, name = finding.facts["workload"], str(finding.facts["container"])
    probe_ = dict(finding.facts["spec"])
    port = at(probe_, field, "port")
    models = [
        (k, o[k]) for o in others for k in ("grpc", "httpGet", "tcpSocket") if k in o and k != field
    ]
    if field != "tcpSocket":
        models.append(("tcpSocket", {"port": port}))  # less is asked, whatever the program speaks
    models = list({key: (key, value) for key, value in reversed(models)}.values())[::-1]
    out = []
    for at_, (key, value) in enumerate(models[:2]):
        after = {k: v for k, v in probe_.items() if k != field} | {key: value}
        why = (
            f"{finding.facts['why']}; the container answers {key} on this port.",
            f"{finding.facts['why']} ; le conteneur répond en {key} sur ce port.",
        )
        out.append(
            Draft(
                "set_probe",
                (f"Probe {name} by {key}", f"Sonder {name} par {key}"),
                why,
                patch_workload(view, workload, [(base, after)]),
                0.9 - 0.2 * at_,
                [_ROLL],
            )
        )
    return out


def _patience(finding: Finding, view: ClusterView, base: str, spec: Obj, which: str) -> list[Draft]:
    """Kubernetes' own defaults where the probe is tighter, and a start-up allowance."""
    workload, name = finding.facts["workload"], str(finding.facts["container"])
    if which == "startup":
        return [_generous(finding, view, base, spec)]
    wanted: list[tuple[str, Any]] = []
    if number(spec.get("failureThreshold"), 3) < 3:
        wanted.append((f"{base}.failureThreshold", 3))
    if number(spec.get("periodSeconds"), 10) < 10:
        wanted.append((f"{base}.periodSeconds", 10))
    if number(spec.get("timeoutSeconds"), 1) < 3:
        wanted.append((f"{base}.timeoutSeconds", 3))
    delay = number(spec.get("initialDelaySeconds"))
    if delay < 15:
        wanted.append((f"{base}.initialDelaySeconds", 15))
    why = (
        f"{finding.facts['why']}: with the defaults of Kubernetes (period 10 s, 3 failures) and 15 s at start the program can answer.",
        f"{finding.facts['why']} : avec les défauts de Kubernetes (10 s, 3 échecs) et 15 s au départ le programme peut répondre.",
    )
    late = ("A hang is noticed later", "Un blocage est vu plus tard")
    title = (
        f"Give {name} time before the {which} probe fails",
        f"Laisser du temps à {name} avant l'échec de la sonde {which}",
    )
    relaxed = Draft(
        "set_probe", title, why, patch_workload(view, workload, wanted), 0.88, [late, _ROLL]
    )
    field = next((k for k in ("grpc", "httpGet", "tcpSocket", "exec") if k in spec), "")
    has_startup = any(c.name == name and c.spec.get("startupProbe") for c in workload.containers())
    if not field or which != "liveness" or has_startup:
        return [relaxed]
    # Nothing here tells how long the program takes to start: five minutes, as in the documentation's example.
    startup = (
        base.replace(f"{which}Probe", "startupProbe"),
        {field: spec[field], "periodSeconds": 10, "failureThreshold": 30},
    )
    why2 = (
        "A startup probe allows 300 s at start and keeps the liveness probe as strict as it is.",
        "Une sonde startup laisse 300 s au démarrage sans relâcher la sonde liveness.",
    )
    both = (f"{title[0]}, and a startup probe", f"{title[1]}, et une sonde startup")
    relaxed.weight = 0.72
    return [
        Draft(
            "set_probe",
            both,
            (f"{why[0]} {why2[0]}", f"{why[1]} {why2[1]}"),
            patch_workload(view, workload, [*wanted, startup]),
            0.88,
            [late, _ROLL],
        ),
        relaxed,
        Draft(
            "set_probe",
            (f"Add a startup probe to {name}", f"Ajouter une sonde startup à {name}"),
            why2,
            patch_workload(view, workload, [startup]),
            0.7,
            [_ROLL],
        ),
    ]


def _generous(finding: Finding, view: ClusterView, base: str, spec: Obj) -> Draft:
    """Five minutes to start, as in the documentation's example: nothing here tells how long the program needs."""
    workload, name = finding.facts["workload"], str(finding.facts["container"])
    period = max(10, number(spec.get("periodSeconds"), 10))
    failures = max(30, -(-300 // period))
    wanted: list[tuple[str, Any]] = []
    if number(spec.get("periodSeconds"), 10) < 10:
        wanted.append((f"{base}.periodSeconds", period))
    wanted.append((f"{base}.failureThreshold", failures))
    why = (
        f"{finding.facts['why']}: {failures} failures every {period} s leave {failures * period} s to start.",
        f"{finding.facts['why']} : {failures} échecs toutes les {period} s laissent {failures * period} s au démarrage.",
    )
    return Draft(
        "set_probe",
        (
            f"Give {name} {failures * period} s to start",
            f"Laisser {failures * period} s au démarrage de {name}",
        ),
        why,
        patch_workload(view, workload, wanted),
        0.88,
        [("A start that hangs is noticed later", "Un démarrage bloqué est vu plus tard"), _ROLL],
    )


def replicas(finding: Finding, view: ClusterView) -> list[Draft]:
    """The declared number of replicas, else one."""
    workload = finding.facts["workload"]
    wanted = number(finding.facts.get("declared")) or 1
    why = (
        f"{workload.name} has 0 replicas and is needed; {wanted} is what is declared or the least.",
        f"{workload.name} a 0 réplica et sert ; {wanted} est le nombre déclaré ou le minimum.",
    )
    return [
        Draft(
            "set_replicas",
            (
                f"Run {wanted} replica(s) of {workload.name}",
                f"Passer {workload.name} à {wanted} réplica(s)",
            ),
            why,
            patch(view, workload.ref, workload.obj, [("spec.replicas", wanted)]),
            0.9,
            [("Somebody may have scaled it down on purpose", "L'arrêt était peut-être voulu")],
        )
    ]


def account(finding: Finding, view: ClusterView) -> list[Draft]:
    """An account that exists: alike in name, or the workload's own; else the missing one is created."""
    workload, missing = finding.facts["workload"], str(finding.facts.get("account") or "")
    have = [
        name_of(o) for o in view.all("serviceaccounts") if namespace_of(o) == workload.namespace
    ]
    near = sorted(
        (n for n in have if n not in ("default", missing)),
        key=lambda n: (n != workload.name, -alike(n, missing)),
    )[:1]
    drafts = []
    if near and (near[0] == workload.name or alike(near[0], missing) > 0.8):
        why = (
            f"ServiceAccount {missing} does not exist; {near[0]} does.",
            f"Le ServiceAccount {missing} n'existe pas ; {near[0]} existe.",
        )
        wanted = [(":serviceAccountName", near[0])]
        if "serviceAccount" in workload.spec:
            wanted.append((":serviceAccount", near[0]))
        drafts.append(
            Draft(
                "set_service_account",
                (f"Run as ServiceAccount {near[0]}", f"Utiliser le ServiceAccount {near[0]}"),
                why,
                patch_workload(view, workload, wanted),
                0.88,
                [("The account's permissions may differ", "Les droits du compte peuvent différer")],
            )
        )
    if missing:
        why = (
            f"ServiceAccount {missing} does not exist; without roles of its own it may do nothing at the API.",
            f"Le ServiceAccount {missing} n'existe pas ; sans rôle il n'a aucun droit auprès de l'API.",
        )
        ref = ObjectRef(
            api_version="v1", kind="ServiceAccount", namespace=workload.namespace, name=missing
        )
        manifest = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": missing, "namespace": workload.namespace},
        }
        drafts.append(
            Draft(
                "create_object",
                (f"Create ServiceAccount {missing}", f"Créer le ServiceAccount {missing}"),
                why,
                [
                    KubernetesChange(
                        object=ref, action="create", manifest=manifest, beside=workload.ref
                    )
                ],
                0.7,
                [("Roles that it needs are missing too", "Les rôles nécessaires manquent aussi")],
            )
        )
    return drafts + rollback(finding, view)


def dns(finding: Finding, view: ClusterView) -> list[Draft]:
    """The cluster's DNS again."""
    workload = finding.facts["workload"]
    wanted: list[tuple[str, Any]] = [(":dnsPolicy", "ClusterFirst")]
    if finding.facts.get("servers"):
        rest = {
            k: v for k, v in mapping(workload.spec.get("dnsConfig")).items() if k != "nameservers"
        }
        wanted.append((":dnsConfig", rest or None))
    if finding.facts.get("policy") == "ClusterFirst" and len(wanted) == 1:
        return rollback(finding, view)
    why = (
        f"{finding.detail}: names of the cluster do not resolve there.",
        f"{finding.detail} : les noms du cluster ne s'y résolvent pas.",
    )
    first = Draft(
        "other",
        (
            f"Resolve names of {workload.name} by the cluster's DNS",
            f"Résoudre les noms de {workload.name} par le DNS du cluster",
        ),
        why,
        patch_workload(view, workload, wanted),
        0.85,
        [_ROLL],
    )
    return [first, *_servers(finding, view), *rollback(finding, view)]


def _servers(finding: Finding, view: ClusterView) -> list[Draft]:
    """The cluster's DNS in front of the servers that were asked for."""
    workload, servers = finding.facts["workload"], list(finding.facts.get("servers") or [])
    dns_ = [
        str(at(s, "spec", "clusterIP"))
        for s in view.inside("services", "kube-system")
        if "dns" in name_of(s)
    ]
    if not servers or not dns_ or dns_[0] in servers or dns_[0] in ("None", ""):
        return []
    why = (
        f"{finding.detail}; {dns_[0]} is the cluster's DNS.",
        f"{finding.detail} ; {dns_[0]} est le DNS du cluster.",
    )
    return [
        Draft(
            "other",
            (f"Ask {dns_[0]} first", f"Interroger {dns_[0]} d'abord"),
            why,
            patch_workload(view, workload, [(":dnsConfig.nameservers", [dns_[0], *servers])]),
            0.68,
            [_ROLL],
        )
    ]


def volume_owner(finding: Finding, view: ClusterView) -> list[Draft]:
    """The volume's group is the one that the process runs with."""
    workload = finding.facts["workload"]
    security = mapping(workload.spec.get("securityContext"))
    group = (
        security.get("runAsGroup")
        or security.get("runAsUser")
        or next(
            (
                at(c.spec, "securityContext", k)
                for k in ("runAsGroup", "runAsUser")
                for c in workload.containers()
                if at(c.spec, "securityContext", k)
            ),
            None,
        )
    )
    if not group or security.get("fsGroup") == group:
        return rollback(finding, view)
    why = (
        f"The process runs as {group} and may not write its volume; fsGroup {group} gives it the group.",
        f"Le processus tourne en {group} sans accès à son volume ; fsGroup {group} lui donne le groupe.",
    )
    return [
        Draft(
            "set_volume",
            (
                f"Give the volume of {workload.name} to group {group}",
                f"Donner le volume de {workload.name} au groupe {group}",
            ),
            why,
            patch_workload(view, workload, [(":securityContext.fsGroup", group)]),
            0.7,
            [("hostPath volumes ignore fsGroup", "Les volumes hostPath ignorent fsGroup"), _ROLL],
        ),
        *rollback(finding, view),
    ]


def port_conflict(finding: Finding, view: ClusterView) -> list[Draft]:
    """What changed since it last worked."""
    return rollback(finding, view)
