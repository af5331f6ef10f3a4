"""Nothing to change, and what only people can tell."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of

FAMILY = Family(
    id="no_fault",
    shows_in=("pods", "controllers", "events", "services", "endpoints", "logs"),
    mistaken_for=("recovered", "flapping_within_bounds", "alert_noise"),
)
_one = of(FAMILY, "Datadog: Monitor states, Downtimes")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="healthy",
        en="Nothing is wrong now",
        fr="Rien d'anormal à présent",
        symptoms="an alert alone",
        evidence="every workload available, no sign of trouble",
        confounders="sources that are missing",
        plans="",
        severity="low",
        handoff="healthy",
        nature="calm",
        mistaken_for=("recovered", "flapping_within_bounds", "alert_noise"),
    ),
    _one(
        id="recovered",
        en="It was wrong and is well again",
        fr="C'était anormal et c'est rétabli",
        symptoms="an alert; warnings of the past",
        evidence="the monitor's group is OK; restarts and warnings end before the alert's cycle does; everything is ready",
        confounders="sources that are missing",
        plans="",
        severity="low",
        handoff="recovered",
        nature="calm",
        mistaken_for=("flapping_within_bounds", "alert_noise", "healthy"),
    ),
    _one(
        id="maintenance",
        en="Somebody is at work there on purpose",
        fr="Une intervention est en cours",
        symptoms="fewer pods, cordoned nodes, missing data",
        evidence="the monitor is muted by a downtime; a node is drained and its pods run elsewhere",
        confounders="a cordon that leaves pods without a node",
        plans="",
        severity="low",
        handoff="maintenance",
        nature="calm",
    ),
    _one(
        id="flapping_within_bounds",
        en="The monitor flaps around its threshold",
        fr="Le moniteur oscille autour de son seuil",
        symptoms="alert and recovery many times in a row",
        evidence="at least three recoveries in the monitor's history; the measure stays near the threshold",
        confounders="a program that crashes at intervals",
        plans="",
        severity="low",
        handoff="flapping_within_bounds",
        nature="calm",
        mistaken_for=("recovered", "alert_noise", "healthy"),
    ),
    _one(
        id="alert_noise",
        en="The alert does not stand for trouble",
        fr="L'alerte ne traduit aucun problème",
        symptoms="an alert without any symptom",
        evidence="No Data while the workload is well; a test notification; a threshold that the measure never crossed",
        confounders="sources that are missing",
        plans="",
        severity="low",
        handoff="alert_noise",
        nature="calm",
    ),
    _one(
        id="undetermined",
        en="The evidence does not tell the cause",
        fr="Les indices ne disent pas la cause",
        symptoms="-",
        evidence="-",
        confounders="-",
        plans="",
        source="-",
        severity="medium",
        handoff="not_enough_evidence",
        nature="unknown",
        mistaken_for=("dependency_unavailable", "bad_rollout", "node_not_ready"),
        shows_in=("pods", "events"),
    ),
)
