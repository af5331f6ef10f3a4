"""Caches, brokers, other services and the outside world."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of

FAMILY = Family(
    id="upstreams",
    shows_in=("pods", "logs"),
    mistaken_for=(
        "dependency_unavailable",
        "network_policy_blocks",
        "connection_pool_exhausted",
        "database_credentials_invalid",
    ),
    told_by="logs",
    look_at=("said", "services", "endpoints"),
)
_one = of(FAMILY, "MySQL error reference; PostgreSQL Appendix A; Redis; MongoDB error codes")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="cache_unavailable",
        en="The cache is down or refuses commands",
        fr="Le cache est indisponible ou refuse les commandes",
        symptoms="slow or failing callers of one cache",
        evidence="RedisConnectionException; Error 111 connecting to …; CLUSTERDOWN; OOM command not allowed",
        confounders="the workload's own fault",
        plans="",
        handoff="not_enough_evidence",
        yields_to_causes=True,
        of_a_callee=True,
    ),
    _one(
        id="broker_unavailable",
        en="The message broker is down or blocked",
        fr="Le courtier de messages est indisponible ou bloqué",
        symptoms="producers and consumers of one broker fail",
        evidence="Broker may not be available; NoBrokersAvailable; AMQPConnectionError; nats: no servers available; memory resource limit alarm",
        confounders="the workload's own fault",
        plans="",
        source="kafka-clients NetworkClient; librdkafka; AMQP clients; nats.go",
        handoff="not_enough_evidence",
        yields_to_causes=True,
        of_a_callee=True,
    ),
    _one(
        id="upstream_errors",
        en="A service that it calls answers with errors",
        fr="Un service appelé répond par des erreurs",
        symptoms="5xx passed on by callers",
        evidence="502, 503, 504; code = Unavailable; no live upstreams",
        confounders="the mesh; the network",
        plans="",
        source="nginx; gRPC status codes; Envoy",
        handoff="not_enough_evidence",
        nature="symptom",
        yields_to_causes=True,
        of_a_callee=True,
    ),
    _one(
        id="external_dependency_unavailable",
        en="A service outside the cluster does not answer",
        fr="Un service hors du cluster ne répond pas",
        symptoms="errors of one caller, the cluster is well",
        evidence="refused, timed out or unresolved host that is no Service of the cluster",
        evidence_fr="un hôte qui refuse, ne répond pas ou ne se résout pas, et qui n'est pas un Service du cluster",
        confounders="an egress policy; the cluster's DNS",
        plans="",
        yields_to=(
            "missing_env",
            "env_address_mismatch",
            "dns_config_broken",
            "network_policy_blocks",
        ),
    ),
)
