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
_ASKS = (
    ("port", "port"),
    ("protocol", "protocole"),
    ("path", "chemin"),
    ("timing", "délai"),
    ("command", "programme"),
)
#: What a plan gives the probe, by what is wrong with it.
_PLANS = {
    "port": "a port that the container's other probes, its ports by name, siblings of the same image, or the program's documentation give",
    "protocol": "the scheme or protocol that the answer shows; what the other probes ask",
    "path": "the path of the other probe, of siblings of the same image, or of the program's documentation",
    "timing": "the probe's patience",
    "command": "the known program that a misspelt one means; what siblings of the same image run",
}

UNWELL = _one(
    id="probe_answers_error",
    blames_no_setting=True,
    en="The program tells its probe that it is not well",
    fr="Le programme répond à sa sonde qu'il ne va pas bien",
    symptoms="a probe that gets an HTTP status of 400 and more from a program that speaks HTTP",
    plans="",
    nature="symptom",
    handoff="not_enough_evidence",
    yields_to_causes=True,
    of_a_callee=True,
    mistaken_for=("connection_pool_exhausted", "dependency_unavailable"),
    facts=Facts,
)
_ASKING = tuple(
    _one(
        id=f"{probe}_probe_{what}",
        of_a_callee=what == "timing",
        en=f"The {probe} probe has the wrong {what}",
        fr=f"La sonde {probe} a un mauvais {fr}",
        symptoms=symptoms,
        plans=f"{_PLANS[what]}; the last good revision",
        mistaken_for=(f"{probe}_probe_{'port' if what == 'timing' else 'timing'}",),
    )
    for probe, symptoms in _PROBES
    for what, fr in _ASKS
)
CLASSES: tuple[FailureClass, ...] = (*_ASKING, UNWELL)
#: Ids of those whose probe is wrong itself.
MENDED = tuple(entry.id for entry in CLASSES if entry is not UNWELL)
