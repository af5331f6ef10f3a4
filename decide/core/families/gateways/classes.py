"""Routes that lead nowhere."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of
from decide.core.families.gateways.facts import DeclaredRoute, WrongRoute

FAMILY = Family(
    id="gateways",
    shows_in=("pods", "services", "endpoints"),
    mistaken_for=(
        "network_policy_blocks",
        "service_selector_mismatch",
        "dns_config_broken",
        "mesh_policy_blocks",
    ),
    told_by="services",
    look_at=("object", "endpoints", "routes"),
)
_one = of(
    FAMILY,
    "kubernetes.io: Ingress; gateway-api.sigs.k8s.io: HTTPRoute ResolvedRefs; istio.io: VirtualService",
)

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="route_backend_mismatch",
        en="A route sends requests to the wrong backend",
        fr="Une route mène au mauvais service",
        symptoms="404, 503 at the edge while services are well",
        evidence="backend Service or port of an Ingress, HTTPRoute or VirtualService does not exist; 404 on a path whose route names another service",
        evidence_fr="le Service ou le port d'arrivée d'un Ingress, d'une HTTPRoute ou d'un VirtualService n'existe pas ; 404 sur un chemin dont la route désigne un autre service",
        confounders="pods that are down",
        plans="the right backend or port",
        of_a_callee=True,
        facts=WrongRoute,
    ),
    _one(
        id="route_reference_not_permitted",
        en="A route refers to another namespace, and nothing there permits it",
        fr="Une route se réfère à un autre namespace que rien n'y autorise",
        symptoms="500 at the edge while services are well",
        evidence="HTTPRoute ResolvedRefs False: RefNotPermitted; no ReferenceGrant in the backend's namespace",
        evidence_fr="HTTPRoute à ResolvedRefs False: RefNotPermitted ; aucun ReferenceGrant dans le namespace d'arrivée",
        confounders="a backend that is down",
        plans="",
        source="gateway-api.sigs.k8s.io: ReferenceGrant, RouteConditionReason",
        look_at=("grants",),
        facts=DeclaredRoute,
    ),
    _one(
        id="gateway_not_programmed",
        en="The gateway or one of its listeners is not in service",
        fr="La passerelle ou l'un de ses écouteurs n'est pas en service",
        symptoms="connections to the gateway are refused or time out, whatever the route",
        evidence="Gateway Accepted or Programmed False; listener ResolvedRefs False: InvalidCertificateRef; gatewayClassName without GatewayClass",
        evidence_fr="Gateway à Accepted ou Programmed False ; écouteur à ResolvedRefs False: InvalidCertificateRef ; gatewayClassName sans GatewayClass",
        confounders="a gateway that was made a moment ago",
        plans="the class that exists, where its name is a slip away",
        source="gateway-api.sigs.k8s.io: GatewayConditionReason, ListenerConditionReason",
        facts=DeclaredRoute,
    ),
    _one(
        id="route_host_mismatch",
        en="No route answers for the host or is attached to its gateway",
        fr="Aucune route ne répond pour cet hôte ou n'est attachée à sa passerelle",
        symptoms="404 of the gateway itself",
        evidence="HTTPRoute Accepted False: NoMatchingListenerHostname, NoMatchingParent; ingressClassName without IngressClass; gateway not found",
        evidence_fr="HTTPRoute à Accepted False: NoMatchingListenerHostname, NoMatchingParent ; ingressClassName sans IngressClass ; Gateway introuvable",
        confounders="a backend that answers 404",
        plans="the class or gateway that exists",
        source="gateway-api.sigs.k8s.io: RouteConditionReason",
        facts=DeclaredRoute,
    ),
)
