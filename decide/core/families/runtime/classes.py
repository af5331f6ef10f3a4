"""Programs that start and do not stay well, rollouts, jobs, and objects that do not go."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, of

_probe = of(
    "runtime",
    "kubernetes.io: Configure Liveness, Readiness and Startup Probes; kubelet event Unhealthy",
    evidence="Unhealthy event of this probe; the container's ports; what the other probe does",
    confounders="the program is down or slow and the probe is right",
)
_PROBES = (
    ("liveness", "restarts of a program that works"),
    ("readiness", "running pods that are never ready"),
    ("startup", "restarts during the start"),
)
_ASKS = (("port", "port"), ("protocol", "protocole"), ("path", "chemin"), ("timing", "délai"))
_one = of(
    "runtime",
    "kubernetes.io: Workloads",
    confounders="a dependency that is down",
    symptoms="CrashLoopBackOff",
)

CLASSES: tuple[FailureClass, ...] = (
    *(
        _probe(
            id=f"{probe}_probe_{what}",
            en=f"The {probe} probe has the wrong {what}",
            fr=f"La sonde {probe} a un mauvais {fr}",
            symptoms=symptoms,
            plans=f"the probe's {what}; the last good revision",
        )
        for probe, symptoms in _PROBES
        for what, fr in _ASKS
    ),
    _one(
        id="crash_bad_config",
        en="The program exits because of its configuration",
        fr="Le programme s'arrête à cause de sa configuration",
        evidence="exit code with a configuration error in the log",
        plans="the configuration that ran before",
    ),
    _one(
        id="crash_code",
        en="The program crashes by itself",
        fr="Le programme s'arrête de lui-même",
        evidence="panic, traceback, signal",
        plans="the revision that ran before",
        handoff="code_defect",
    ),
    _one(
        id="container_exits_at_once",
        en="The program ends with success but should run on",
        fr="Le programme se termine avec succès alors qu'il devrait durer",
        evidence="exit code 0 again and again under restartPolicy Always",
        confounders="a job in a Deployment",
        plans="the command that ran before",
        handoff="code_defect",
    ),
    _one(
        id="bad_rollout",
        en="It fails since the last revision; the previous one works",
        fr="En échec depuis la dernière révision",
        symptoms="errors, latency or crashes that begin with a rollout",
        evidence="old ReplicaSet ready, new one not; a change point just after a revision",
        plans="the previous revision",
        handoff="code_defect",
    ),
    _one(
        id="rollout_stuck",
        en="The rollout does not go on",
        fr="Le déploiement n'avance plus",
        symptoms="fewer updated pods than asked for",
        evidence="spec.paused; ProgressDeadlineExceeded without a sick pod; StatefulSet waiting for an ordinal",
        confounders="a rollout under way",
        plans="go on with a rollout that was paused; the previous revision",
    ),
    _one(
        id="sidecar_port_conflict",
        en="Two processes of the pod want the same port",
        fr="Deux processus du pod veulent le même port",
        evidence="Address already in use; Port N was already in use",
        plans="the ports that ran before; another port for the newcomer",
    ),
    _one(
        id="zero_replicas",
        en="The workload is scaled to zero",
        fr="L'application est réduite à zéro réplica",
        symptoms="a Service without endpoints",
        evidence="spec.replicas 0 and a Service that needs it",
        confounders="scaled down on purpose; scale to zero by an autoscaler",
        plans="the declared replicas",
    ),
    _one(
        id="pods_not_created",
        en="The controller does not create the pods",
        fr="Le contrôleur ne crée pas les pods",
        symptoms="no pods",
        evidence="FailedCreate",
        plans="",
        handoff="not_enough_evidence",
    ),
    _one(
        id="job_failing",
        en="The job keeps failing",
        fr="La tâche échoue",
        symptoms="failed pods of a job",
        evidence="Failed True: BackoffLimitExceeded, PodFailurePolicy",
        plans="what ran before; a hand-off with the exit code",
        handoff="code_defect",
    ),
    _one(
        id="job_deadline_exceeded",
        en="The job is stopped by its deadline",
        fr="La tâche est arrêtée par son délai",
        symptoms="failed jobs",
        evidence="Failed True: DeadlineExceeded",
        confounders="a job that hangs",
        plans="a deadline from how long it took before",
        handoff="code_defect",
    ),
    _one(
        id="cron_suspended",
        en="The cron job is suspended",
        fr="La tâche planifiée est suspendue",
        symptoms="no job since the last schedule",
        evidence="spec.suspend true while the repository declares otherwise",
        confounders="suspended on purpose",
        plans="resume it",
        severity="medium",
    ),
    _one(
        id="cron_not_starting",
        en="The cron job's runs are skipped",
        fr="La tâche planifiée saute ses exécutions",
        symptoms="no job at the scheduled time",
        evidence="TooManyMissedTimes, FailedNeedsStart, JobAlreadyActive under concurrencyPolicy Forbid, UnknownTimeZone, UnparseableSchedule",
        confounders="suspended",
        plans="",
        severity="medium",
    ),
    _one(
        id="disruption_budget_blocks",
        en="A PodDisruptionBudget allows no disruption",
        fr="Un PDB n'autorise aucune interruption",
        symptoms="a drain or an upgrade that does not end",
        evidence="Cannot evict pod as it would violate the pod's disruption budget; disruptionsAllowed 0",
        confounders="pods that are down for another cause",
        plans="a replica more; maxUnavailable 1 where the budget can never allow one",
        severity="medium",
    ),
    _one(
        id="finalizer_stuck",
        en="An object waits for its finalizer",
        fr="Un objet attend son finalizer",
        symptoms="Terminating for a long time",
        evidence="deletionTimestamp old, finalizers left; NamespaceFinalizersRemaining; NamespaceDeletionDiscoveryFailure",
        confounders="a grace period",
        plans="",
        handoff="data_loss_risk",
        source="kubernetes.io: Finalizers; pkg/controller/namespace/deletion",
    ),
)
