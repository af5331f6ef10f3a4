"""Databases, and dependencies that many callers complain of."""

from __future__ import annotations

from decide.core.families.dependencies.facts import Crowded, FullDisk, WrongPort
from decide.core.families.entry import FailureClass, Family, of

FAMILY = Family(
    id="dependencies",
    shows_in=("pods", "logs"),
    mistaken_for=(
        "dependency_unavailable",
        "network_policy_blocks",
        "connection_pool_exhausted",
        "database_credentials_invalid",
    ),
    told_by="logs",
    look_at=("said", "services", "pods"),
)
_one = of(FAMILY, "MySQL error reference; PostgreSQL Appendix A; Redis; MongoDB error codes")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="database_port_wrong",
        en="The workload calls its database at a port where nothing listens",
        fr="L'application appelle sa base au mauvais port",
        symptoms="errors or crashes of several callers of one database",
        evidence="Communications link failure or connection refused while the database is ready",
        evidence_fr="Communications link failure ou connection refused alors que la base de données est prête",
        confounders="the workload's own fault",
        plans="the port of the database's Service; the last good revision",
        yields_to=("env_address_mismatch", "dns_config_broken", "database_credentials_invalid"),
        of_a_callee=True,
        facts=WrongPort,
    ),
    _one(
        id="database_connections_exhausted",
        en="The database has no connection left",
        fr="La base n'a plus de connexion libre",
        symptoms="errors or crashes of several callers of one database",
        evidence="1040 Too many connections; 53300 too many clients already",
        confounders="a leak of connections; the caller's own pool",
        plans="pools that fit; the limit that the database's own configuration sets; fewer replicas; as it was before",
        handoff="capacity",
        facts=Crowded,
        explains=("crash_code", "database_port_wrong"),
    ),
    _one(
        id="database_read_only",
        en="The database accepts no writes",
        fr="La base n'accepte aucune écriture",
        symptoms="errors or crashes of several callers of one database",
        evidence="1290 --read-only option; 25006 read-only transaction; READONLY You can't write against a read only replica",
        confounders="a caller that asks a replica",
        plans="the argument that made it read-only, as it was before",
        handoff="data_loss_risk",
        explains=("crash_code", "database_port_wrong"),
    ),
    _one(
        id="database_disk_full",
        en="The database's disk is full",
        fr="Le disque de la base est plein",
        symptoms="errors or crashes of several callers of one database",
        evidence="No space left on device; 1114; 53100; MISCONF",
        confounders="the node's disk",
        plans="a larger claim, where its storage class allows expansion",
        handoff="data_loss_risk",
        explains=("crash_code", "database_port_wrong"),
        yields_to=("node_inotify_limit",),
        facts=FullDisk,
        look_at=("said", "claims"),
    ),
    _one(
        id="dependency_unavailable",
        en="A dependency is down",
        fr="Une dépendance est indisponible",
        symptoms="errors or crashes of several callers of one database",
        evidence="connection refused to a Service without ready pods",
        evidence_fr="connection refused vers un Service sans pod prêt",
        confounders="the workload's own fault",
        plans="",
        handoff="not_enough_evidence",
        nature="symptom",
        yields_to=(
            "init_container_failing",
            "bad_rollout",
            "rollout_stuck",
            "pods_not_created",
            "job_failing",
            "upstream_errors",
            "pod_network_delay",
            "latency_regression",
            "error_rate_regression",
        ),
        yields_to_causes=True,
        of_a_callee=True,
    ),
)
