"""Databases, caches, brokers and other services that a program needs."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, of

_one = of(
    "dependencies",
    "MySQL error reference; PostgreSQL Appendix A; Redis; MongoDB error codes",
    symptoms="errors or crashes of several callers of one database",
    confounders="the workload's own fault",
)

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="database_credentials_invalid",
        en="The database refuses the workload's credentials",
        fr="La base refuse les identifiants",
        symptoms="one caller crashes, others of the same database are well",
        evidence="1045 Access denied for user; 28P01 password authentication failed; NOAUTH; SASL authentication failed; not authorized on … to execute command",
        plans="the reference or value that ran before or that the repository declares",
    ),
    _one(
        id="database_port_wrong",
        en="The workload calls its database at a port where nothing listens",
        fr="L'application appelle sa base au mauvais port",
        evidence="Communications link failure or connection refused while the database is ready",
        plans="the port of the database's Service; the last good revision",
    ),
    _one(
        id="database_connections_exhausted",
        en="The database has no connection left",
        fr="La base n'a plus de connexion libre",
        evidence="1040 Too many connections; 53300 too many clients already",
        confounders="a leak of connections; the caller's own pool",
        plans="the limit that the database's own arguments or environment set, as they were",
        handoff="capacity",
    ),
    _one(
        id="database_read_only",
        en="The database accepts no writes",
        fr="La base n'accepte aucune écriture",
        evidence="1290 --read-only option; 25006 read-only transaction; READONLY You can't write against a read only replica",
        confounders="a caller that asks a replica",
        plans="the argument that made it read-only, as it was before",
        handoff="data_loss_risk",
    ),
    _one(
        id="database_disk_full",
        en="The database's disk is full",
        fr="Le disque de la base est plein",
        evidence="No space left on device; 1114; 53100; MISCONF",
        confounders="the node's disk",
        plans="a larger claim, where its storage class allows expansion",
        handoff="data_loss_risk",
    ),
    _one(
        id="database_schema_missing",
        en="The database or a table of it does not exist",
        fr="La base ou une de ses tables n'existe pas",
        evidence="1049 Unknown database; 1146 Table … doesn't exist; 3D000; 42P01",
        confounders="a migration under way",
        plans="the database's name that ran before",
        handoff="data_loss_risk",
    ),
    _one(
        id="cache_unavailable",
        en="The cache is down or refuses commands",
        fr="Le cache est indisponible ou refuse les commandes",
        symptoms="slow or failing callers of one cache",
        evidence="RedisConnectionException; Error 111 connecting to …; CLUSTERDOWN; OOM command not allowed",
        plans="",
        handoff="not_enough_evidence",
    ),
    _one(
        id="broker_unavailable",
        en="The message broker is down or blocked",
        fr="Le courtier de messages est indisponible ou bloqué",
        symptoms="producers and consumers of one broker fail",
        evidence="Broker may not be available; NoBrokersAvailable; AMQPConnectionError; nats: no servers available; memory resource limit alarm",
        plans="",
        handoff="not_enough_evidence",
        source="kafka-clients NetworkClient; librdkafka; AMQP clients; nats.go",
    ),
    _one(
        id="upstream_errors",
        en="A service that it calls answers with errors",
        fr="Un service appelé répond par des erreurs",
        symptoms="5xx passed on by callers",
        evidence="502, 503, 504; code = Unavailable; no live upstreams",
        confounders="the mesh; the network",
        plans="",
        handoff="not_enough_evidence",
        source="nginx; gRPC status codes; Envoy",
    ),
    _one(
        id="dependency_unavailable",
        en="A dependency is down",
        fr="Une dépendance est indisponible",
        evidence="connection refused to a Service without ready pods",
        plans="",
        handoff="not_enough_evidence",
    ),
    _one(
        id="external_dependency_unavailable",
        en="A service outside the cluster does not answer",
        fr="Un service hors du cluster ne répond pas",
        symptoms="errors of one caller, the cluster is well",
        evidence="refused, timed out or unresolved host that is no Service of the cluster",
        confounders="an egress policy; the cluster's DNS",
        plans="",
        handoff="outside_manifests",
    ),
)
