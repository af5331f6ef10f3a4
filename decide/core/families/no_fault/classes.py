"""Nothing to change, and what only people can tell."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, of

_one = of(
    "nothing",
    "Datadog: Monitor states, Downtimes",
    severity="low",
    plans="",
    confounders="sources that are missing",
)

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="healthy",
        en="Nothing is wrong now",
        fr="Rien d'anormal à présent",
        symptoms="an alert alone",
        evidence="every workload available, no sign of trouble",
        handoff="healthy",
    ),
    _one(
        id="recovered",
        en="It was wrong and is well again",
        fr="C'était anormal et c'est rétabli",
        symptoms="an alert; warnings of the past",
        evidence="the monitor's group is OK; restarts and warnings end before the alert's cycle does; everything is ready",
        handoff="recovered",
    ),
    _one(
        id="maintenance",
        en="Somebody is at work there on purpose",
        fr="Une intervention est en cours",
        symptoms="fewer pods, cordoned nodes, missing data",
        evidence="the monitor is muted by a downtime; a node is drained and its pods run elsewhere",
        confounders="a cordon that leaves pods without a node",
        handoff="maintenance",
    ),
    _one(
        id="flapping_within_bounds",
        en="The monitor flaps around its threshold",
        fr="Le moniteur oscille autour de son seuil",
        symptoms="alert and recovery many times in a row",
        evidence="at least three recoveries in the monitor's history; the measure stays near the threshold",
        confounders="a program that crashes at intervals",
        handoff="flapping_within_bounds",
    ),
    _one(
        id="alert_noise",
        en="The alert does not stand for trouble",
        fr="L'alerte ne traduit aucun problème",
        symptoms="an alert without any symptom",
        evidence="No Data while the workload is well; a test notification; a threshold that the measure never crossed",
        handoff="alert_noise",
    ),
    of("human", "-")(
        id="undetermined",
        en="The evidence does not tell the cause",
        fr="Les indices ne disent pas la cause",
        symptoms="-",
        evidence="-",
        confounders="-",
        plans="",
        severity="medium",
        handoff="not_enough_evidence",
    ),
)
