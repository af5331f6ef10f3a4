"""Devices that pods claim (dynamic resource allocation)."""

from __future__ import annotations

from decide.core.families.devices.facts import AbsentDevice
from decide.core.families.entry import FailureClass, Family, of

FAMILY = Family(
    id="devices",
    shows_in=("pods", "events", "nodes"),
    mistaken_for=("insufficient_resource", "node_selector_mismatch", "insufficient_cpu"),
    told_by="events",
    look_at=("devices", "events", "nodes"),
)
_one = of(
    FAMILY,
    "kubernetes.io: Dynamic Resource Allocation; pkg/scheduler/framework/plugins/dynamicresources",
)

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="device_claim_missing",
        en="The ResourceClaim or its template that the pods name does not exist",
        fr="Le ResourceClaim ou son modèle que nomment les pods n'existe pas",
        symptoms="Pending pods",
        evidence="spec.resourceClaims names a claim or template that is not there; waiting for resource claim",
        evidence_fr="spec.resourceClaims nomme un ResourceClaim ou un modèle absent ; waiting for resource claim",
        confounders="a claim that was made a moment ago",
        plans="the claim or template that exists, where its name is a slip away",
        facts=AbsentDevice,
    ),
    _one(
        id="device_class_missing",
        en="The DeviceClass that a claim asks for does not exist",
        fr="La DeviceClass demandée par un ResourceClaim n'existe pas",
        symptoms="Pending pods",
        evidence="request …: device class … does not exist",
        confounders="a driver that is being installed",
        plans="",
        yields_to=("device_claim_missing",),
    ),
    _one(
        id="device_unavailable",
        en="No node offers a free device that fits the claim",
        fr="Aucun nœud n'offre d'appareil libre qui convienne au ResourceClaim",
        symptoms="Pending pods",
        evidence="cannot allocate all claims; no ResourceSlice offers a device",
        evidence_fr="cannot allocate all claims ; aucune ResourceSlice n'offre d'appareil",
        confounders="a driver that has not yet published its devices",
        plans="",
        handoff="capacity",
        yields_to=("device_claim_missing", "device_class_missing"),
    ),
)
