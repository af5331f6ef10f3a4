"""Plans for images that do not come: another reference that is known to exist, the secret that opens the registry."""

from __future__ import annotations

from collections import Counter

from decide.core.drafting.drafts import (
    OTHER_CHANGES,
    RESTART,
    Draft,
    container_path,
    patch_workload,
)
from decide.core.drafting.history import last_good, revision_of
from decide.core.findings import Finding
from decide.core.names import alike
from decide.core.view import ClusterView
from manifests.objects.meta import name_of, namespace_of
from manifests.objects.shapes import at, items, mapping
from manifests.objects.workloads import Workload


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
                fix_kind="set_image",
                title=(
                    f"Use the image that ran before: {before}",
                    f"Reprendre l'image précédente : {before}",
                ),
                why=why,
                changes=patch_workload(view, workload, [(path, before)]),
                weight=0.93,
                risks=[OTHER_CHANGES],
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
                fix_kind="set_image",
                title=(f"Use {elsewhere}", f"Utiliser {elsewhere}"),
                why=why,
                changes=patch_workload(view, workload, [(path, elsewhere)]),
                weight=0.74,
                risks=[
                    (
                        "Not known to exist: the pipeline's dry run does not pull",
                        "Existence non vérifiée : le dry-run ne télécharge pas l'image",
                    ),
                    RESTART,
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
                fix_kind="set_image",
                title=(f"Use {candidate}", f"Utiliser {candidate}"),
                why=why,
                changes=patch_workload(view, workload, [(path, candidate)]),
                weight=0.75,
                risks=[
                    (
                        "Not known to exist: the pipeline's dry run does not pull",
                        "Existence non vérifiée : le dry-run ne télécharge pas l'image",
                    ),
                    RESTART,
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
                    fix_kind="set_image_pull_secret",
                    title=(f"Pull with secret {name}", f"Utiliser le secret de pull {name}"),
                    why=why,
                    changes=patch_workload(
                        view, workload, [(":imagePullSecrets", [{"name": name}])]
                    ),
                    weight=0.8 if len(have) == 1 else 0.6,
                    risks=[RESTART],
                )
            )
    return drafts[:2] + image(finding, view)
