"""Probes that ask the wrong thing."""

from __future__ import annotations

from decide.core.facts import Facts
from decide.core.families.entry import FailureClass, Family, of
from decide.core.families.probes.facts import FailingProbe

FAMILY = Family(
    id="probes",
    shows_in=("pods", "controllers", "events"),
    mistaken_for=("crash_code", "dependency_unavailable", "cpu_throttling"),
    look_at=("pod", "said", "declared"),
)
_one = of(
    FAMILY,
    "kubernetes.io: Configure Liveness, Readiness and Startup Probes; kubelet event Unhealthy",
    evidence="Unhealthy event of this probe; the container's ports; what the other probe does",
    evidence_fr="événement Unhealthy de cette sonde ; les ports du conteneur ; ce que fait l'autre sonde",
    confounders="the program is down or slow and the probe is right",
    facts=FailingProbe,
)
_PROBES = (
    ("liveness", "restarts of a program that works"),
    ("readiness", "running pods that are never ready"),
    ("startup", "restarts during the start"),
)
_ASKS = (("port", "port"), ("protocol", "protocole"), ("path", "chemin"), ("timing", "délai"))

UNWELL = _one(
    id="probe_answers_error",
    en="The program tells its probe that it is not well",
    fr="Le programme répond à sa sonde qu'il ne va pas bien",
    symptoms="a probe that gets an HTTP status of 400 and more from a program that speaks HTTP",
    plans="",
    nature="symptom",
    handoff="not_enough_evidence",
    yields_to_causes=True,
    mistaken_for=("connection_pool_exhausted", "dependency_unavailable"),
    facts=Facts,
)
_ASKING = tuple(
    _one(
        id=f"{probe}_probe_{what}",
        en=f"The {probe} probe has the wrong {what}",
        fr=f"La sonde {probe} a un mauvais {fr}",
        symptoms=symptoms,
        plans=f"the probe's {what}; the last good revision",
        mistaken_for=(f"{probe}_probe_{'port' if what == 'timing' else 'timing'}",),
    )
    for probe, symptoms in _PROBES
    for what, fr in _ASKS
)
CLASSES: tuple[FailureClass, ...] = (*_ASKING, UNWELL)
