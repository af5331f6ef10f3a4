"""Traffic that does not arrive."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of
from decide.core.families.services.facts import (
    AbsentService,
    DnsSettings,
    OtherPort,
    OtherProtocol,
    SelectsNothing,
    WrongAddress,
)

FAMILY = Family(
    id="services",
    shows_in=("pods", "services", "endpoints"),
    mistaken_for=(
        "network_policy_blocks",
        "service_selector_mismatch",
        "dns_config_broken",
        "mesh_policy_blocks",
    ),
    told_by="services",
    look_at=("object", "endpoints", "labels"),
)
_one = of(FAMILY, "kubernetes.io: Service")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="service_selector_mismatch",
        en="The Service's selector matches no pod",
        fr="Le sélecteur du Service ne vise aucun pod",
        symptoms="connection refused, time-outs, 503 while pods run",
        evidence="no endpoints while the pods it means are ready",
        evidence_fr="aucun endpoint alors que les pods visés sont prêts",
        confounders="pods that are down",
        plans="the pods' labels",
        facts=SelectsNothing,
    ),
    _one(
        id="service_port_mismatch",
        en="The Service's target port is none of the pods' ports",
        fr="Le targetPort du Service n'est pas un port des pods",
        symptoms="connection refused, time-outs, 503 while pods run",
        evidence="target port not among container ports; connection refused by ClusterIP",
        evidence_fr="port cible absent des ports du conteneur ; connection refused par la ClusterIP",
        confounders="pods that are down",
        plans="the container's port",
        facts=OtherPort,
    ),
    _one(
        id="service_protocol_mismatch",
        en="The Service speaks another transport protocol than the pods",
        fr="Le Service et les pods n'ont pas le même protocole",
        symptoms="connection refused, time-outs, 503 while pods run",
        evidence="protocol UDP against TCP on the same port",
        evidence_fr="protocole UDP contre TCP sur le même port",
        confounders="pods that are down",
        plans="the container's protocol",
        facts=OtherProtocol,
    ),
    _one(
        id="service_missing",
        en="The Service that callers name does not exist",
        fr="Le Service appelé n'existe pas",
        symptoms="callers cannot resolve a workload's name",
        evidence="no such host for the name of a workload that runs",
        evidence_fr="no such host pour le nom d'une application qui tourne",
        confounders="a wrong address in the caller",
        plans="the Service that the repository declares",
        facts=AbsentService,
        look_at=("services", "said"),
    ),
    _one(
        id="env_address_mismatch",
        en="The workload calls an address that no Service has",
        fr="L'application appelle une adresse sans Service",
        symptoms="connection refused, time-outs, 503 while pods run",
        evidence="host or port in the environment without Service; no such host",
        evidence_fr="hôte ou port d'une variable d'environnement sans Service ; no such host",
        confounders="pods that are down",
        plans="the Service's name and port; the last good revision",
        facts=WrongAddress,
        look_at=("declared", "services"),
    ),
    _one(
        id="dns_config_broken",
        en="The pods cannot resolve names: their DNS settings are wrong",
        fr="Les pods ne résolvent aucun nom : DNS mal réglé",
        symptoms="no name resolves in one workload",
        evidence="dnsPolicy None with foreign nameservers; hostNetwork with dnsPolicy ClusterFirst; temporary failure in name resolution",
        evidence_fr="dnsPolicy None avec des serveurs de noms étrangers au cluster ; hostNetwork avec dnsPolicy ClusterFirst ; temporary failure in name resolution",
        confounders="pods that are down",
        plans="dnsPolicy ClusterFirst, ClusterFirstWithHostNet on the node's network; the last good revision",
        drift_places=("dnsPolicy", "dnsConfig"),
        facts=DnsSettings,
        look_at=("declared", "dns"),
    ),
    _one(
        id="load_balancer_pending",
        en="The load balancer of a Service is not made",
        fr="Le répartiteur de charge d'un Service n'est pas créé",
        symptoms="no external address",
        evidence="SyncLoadBalancerFailed; type LoadBalancer without status.loadBalancer.ingress",
        evidence_fr="SyncLoadBalancerFailed ; type LoadBalancer sans status.loadBalancer.ingress",
        confounders="seconds old",
        plans="",
        source="k8s.io/cloud-provider controllers/service",
        look_at=("object", "events"),
    ),
)
