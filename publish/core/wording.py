"""Every word of ours that people read, in English and French."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "fr"]

_WORDS: dict[str, tuple[str, str]] = {
    "why": ("Why", "Pourquoi"),
    "evidence": ("Evidence", "Éléments de preuve"),
    "observation": ("Observation", "Observation"),
    "value": ("Value", "Valeur"),
    "source": ("Source", "Source"),
    "patch": ("The change", "Le changement"),
    "plan": ("The plan", "Le plan"),
    "alternatives": ("Alternatives", "Alternatives"),
    "checks": ("Proof", "Preuves"),
    "check": ("Check", "Contrôle"),
    "verdict": ("Verdict", "Verdict"),
    "detail": ("Detail", "Détail"),
    "numbers": ("Numbers", "Chiffres"),
    "rollback": ("Rollback", "Retour arrière"),
    "rollback_button": (
        "Once merged, **Revert** on this page does it, or:",
        "Une fois fusionnée, **Revert** (Annuler) sur cette page suffit, ou :",
    ),
    "rollback_commands": ("Commands", "Commandes"),
    "rollback_inverse": ("The exact inverse", "L'inverse exact"),
    "rollback_no_commit": (
        "Revert the merge commit, or apply the exact inverse.",
        "Annuler le commit de fusion, ou appliquer l'inverse exact.",
    ),
    "history": ("How this kind of fix fared", "Ce que ce type de correctif a donné"),
    "history_none": (
        "No earlier fix of this kind is known.",
        "Aucun correctif de ce type n'est connu.",
    ),
    "watch": ("After the merge", "Après la fusion"),
    "watch_what": (
        "K-Fix looks again once it is merged and rolled out, and says here what it found:",
        "Une fois la fusion déployée, K-Fix regarde à nouveau et dit ici ce qu'il a trouvé :",
    ),
    "watch_arrived": (
        "the change is in the cluster, and every pod of the new spec is ready",
        "le changement est dans le cluster et chaque pod de la nouvelle spécification est prêt",
    ),
    "watch_deaths": ("no container dies any more", "plus aucun conteneur ne meurt"),
    "watch_alert": ("the alert recovers", "l'alerte se résout"),
    "watch_signals": (
        "these signals get better, or at least no worse:",
        "ces signaux s'améliorent, ou du moins n'empirent pas :",
    ),
    "signal": ("Signal", "Signal"),
    "now": ("During the alert", "Pendant l'alerte"),
    "cpu_cores": ("CPU used", "CPU utilisé"),
    "memory_mib": ("Memory used", "Mémoire utilisée"),
    "restarts": ("Restarts", "Redémarrages"),
    "error_rate": ("Errors per request", "Erreurs par requête"),
    "latency_ms": ("Latency, mean", "Latence moyenne"),
    "latency_p95_ms": ("Latency, p95", "Latence p95"),
    "throttled_ratio": ("CPU periods throttled", "Périodes CPU bridées"),
    "located": ("How the line was found", "Comment la ligne a été trouvée"),
    "risks": ("Risks", "Risques"),
    "confidence": ("confidence", "confiance"),
    "confidence_head": ("Confidence", "Confiance"),
    "impact": ("Impact", "Impact"),
    "unseen": (
        "Not seen while diagnosing",
        "Non vu pendant le diagnostic",
    ),
    "alternatives_how": (
        "Comment `/kfix alternative N` to put one of them on this branch instead.",
        "Commentez `/kfix alternative N` pour mettre l'une d'elles sur cette branche à la place.",
    ),
    "more_evidence": ("More evidence", "Autres éléments"),
    "all_checks": ("All checks", "Tous les contrôles"),
    "opinion": ("Second opinion of a model", "Second avis d'un modèle"),
    "chance": ("chance that it holds", "chance qu'il tienne"),
    "merged_n": ("merged", "fusionné(s)"),
    "rejected_n": ("turned down", "refusé(s)"),
    "similar": ("Similar incidents", "Incidents semblables"),
    "success": ("held", "a tenu"),
    "partial": ("helped in part", "a aidé en partie"),
    "failure": ("did not help", "n'a pas aidé"),
    "rejected_result": ("turned down", "refusé"),
    "expired": ("never decided", "jamais décidé"),
    "high": ("high", "haute"),
    "low": ("low", "basse"),
    "medium": ("medium", "moyenne"),
    "critical": ("critical", "critique"),
    "create": ("new", "nouveau"),
    "patch_action": ("changes", "change"),
    "delete": ("removes", "retire"),
    "alert": ("alert", "alerte"),
    "monitor": ("monitor", "moniteur"),
    "event": ("event", "événement"),
    "logs": ("logs", "journaux"),
    "log": ("log", "journal"),
    "metric": ("metric", "métrique"),
    "change": ("change", "changement"),
    "repository": ("repository", "dépôt"),
    "object_source": ("object", "objet"),
    "earlier": ("earlier incidents", "incidents passés"),
    "environment_policy": ("Environment policy", "Politique d'environnement"),
    "fix_policy": ("Fix policy", "Politique de correctifs"),
    "resource_quota": ("Quota", "Quota"),
    "limit_range": ("Limit range", "LimitRange"),
    "requests_within_limits": ("Requests ≤ limits", "Requêtes ≤ limites"),
    "scaling_ceiling": ("Ceilings", "Plafonds"),
    "node_fit": ("Fits on a node", "Tient sur un nœud"),
    "disruption_budget": ("Disruption budget", "Budget d'interruption"),
    "schema": ("Schema", "Schéma"),
    "render": ("Rendered difference", "Différence rendue"),
    "manifest_edit": ("Edit", "Modification"),
    "server_dry_run": ("Server dry-run", "Essai à blanc du serveur"),
    "historical_failures": ("History", "Historique"),
    "severity": ("Severity", "Sévérité"),
    "service": ("Service", "Service"),
    "environment": ("Environment", "Environnement"),
    "incident": ("Incident", "Incident"),
    "object": ("Object", "Objet"),
    "cause": ("Cause", "Cause"),
    "diagnosis": ("Diagnosis", "Diagnostic"),
    "solution": ("Proposed fix", "Solution proposée"),
    "rejected": ("rejected by", "rejeté par"),
    "accepted": ("accepted", "accepté"),
    "estimated": ("Estimated time", "Durée estimée"),
    "view_mr": ("Open the merge request", "Voir la MR GitLab"),
    "view_json": ("Diagnosis as JSON", "Diagnostic JSON"),
    "draft": (
        "**Draft**: K-Fix is not sure enough of this one; mark it as ready if you are.",
        "**Brouillon** : K-Fix n'est pas assez sûr de ce correctif ; marquez-la prête si vous l'êtes.",
    ),
    "view_incident": ("Incident page", "Page de l'incident"),
    "head_opened": (
        "K-Fix: incident found, fix proposed",
        "K-Fix : incident détecté, solution proposée",
    ),
    "head_declined": (
        "K-Fix: incident, no change proposed",
        "K-Fix : incident, aucun changement proposé",
    ),
    "head_human": (
        "K-Fix: incident, a person is needed",
        "K-Fix : incident, une personne est nécessaire",
    ),
    "none_opens": (
        "{plans} plans were found; none of them may be opened while this stands in the way.",
        "{plans} plans ont été trouvés ; aucun ne peut être ouvert tant que ceci l'empêche.",
    ),
    "none_opens_one": (
        "A plan was found; it may not be opened while this stands in the way.",
        "Un plan a été trouvé ; il ne peut pas être ouvert tant que ceci l'empêche.",
    ),
    "not_checked_because": (
        "could not be checked: {reason}",
        "n'a pas pu être contrôlé : {reason}",
    ),
    "other_checks": (
        "Other checks that stopped a plan: {others}; the incident's page has them.",
        "Autres contrôles qui ont arrêté un plan : {others} ; la page de l'incident les donne.",
    ),
    "next": ("What to do", "Que faire"),
    "next_lock_unlocked": (
        "Apply deploy/kubernetes/1-admission-policy.yaml: the ValidatingAdmissionPolicy and the "
        "ValidatingAdmissionPolicyBinding, both k-fix-dry-run-only. K-Fix tries the lock again by itself.",
        "Appliquer deploy/kubernetes/1-admission-policy.yaml : la ValidatingAdmissionPolicy et la "
        "ValidatingAdmissionPolicyBinding, toutes deux k-fix-dry-run-only. K-Fix essaie de nouveau le verrou seul.",
    ),
    "next_lock_unknown": (
        "Apply deploy/kubernetes: 2-access.yaml has the ConfigMap kfix/k-fix-lock that is tried and the right to try it, "
        "1-admission-policy.yaml the lock; if they are there, see that the API server answers K-Fix.",
        "Appliquer deploy/kubernetes : 2-access.yaml contient la ConfigMap kfix/k-fix-lock que K-Fix essaie et le droit de "
        "l'essayer, 1-admission-policy.yaml le verrou ; s'ils y sont, voir si le serveur d'API répond à K-Fix.",
    ),
    "next_cluster": (
        "See that K-Fix reaches the API server and may read and dry-run there (deploy/kubernetes/2-access.yaml).",
        "Voir si K-Fix atteint le serveur d'API et peut y lire et essayer à blanc (deploy/kubernetes/2-access.yaml).",
    ),
    "next_repository": (
        "See that GitLab answers K-Fix and that KFIX_GITLAB_PROJECTS names the deployment repository.",
        "Voir si GitLab répond à K-Fix et si KFIX_GITLAB_PROJECTS nomme le dépôt de déploiement.",
    ),
    "next_policy": (
        "If this should be allowed, the policy says so (KFIX_SAFETY_POLICY_FILE); otherwise a person acts.",
        "Si cela doit être permis, la politique le dit (KFIX_SAFETY_POLICY_FILE) ; sinon une personne agit.",
    ),
    "next_by_hand": (
        "A person looks at the repository: the incident's page has the plans.",
        "Une personne regarde le dépôt : la page de l'incident donne les plans.",
    ),
    "next_quota": (
        "Make room in the namespace, or let a person choose a smaller change.",
        "Faire de la place dans l'espace de noms, ou laisser une personne choisir un changement plus petit.",
    ),
    "next_unknown": (
        "See that K-Fix can read what this check needs: the incident's page has every check.",
        "Voir si K-Fix peut lire ce qu'il faut à ce contrôle : la page de l'incident donne chaque contrôle.",
    ),
    "next_person": (
        "A person decides: the incident's page has the plans and every check.",
        "Une personne décide : la page de l'incident donne les plans et chaque contrôle.",
    ),
    "head_recovered": ("K-Fix: incident over", "K-Fix : incident terminé"),
    "shortened": (
        "Shortened: the incident's page has the whole text.",
        "Abrégé : la page de l'incident a le texte entier.",
    ),
    "head_returned": ("K-Fix: the alert is back", "K-Fix : l'alerte est revenue"),
    "note_repeat": ("The alert came again", "L'alerte est revenue"),
    "note_returned": (
        "The alert is on again: the incident is not over, and this change is proposed as before.",
        "L'alerte est de nouveau active : l'incident n'est pas terminé, ce changement reste proposé.",
    ),
    "note_recovered": (
        "The incident recovered by itself. Nothing has to be merged for it; closing this merge request says so.",
        "L'incident s'est résolu de lui-même. Rien ne doit être fusionné pour cela ; fermer cette MR le dit.",
    ),
    "no_merge": (
        "Nobody but people merges this: the environment is production.",
        "Seules des personnes fusionnent ceci : l'environnement est la production.",
    ),
    "no_merge_in_doubt": (
        "Nobody but people merges this: it is not proven that the environment is not production.",
        "Seules des personnes fusionnent ceci : il n'est pas prouvé que l'environnement n'est pas la production.",
    ),
    "place": ("Which environment, and who says so", "Quel environnement, et qui le dit"),
    "place_proven": ("all that speak agree", "tous ceux qui le disent sont d'accord"),
    "place_conflict": (
        "taken for production: the sources disagree",
        "considéré comme la production : les sources se contredisent",
    ),
    "place_unproven": (
        "taken for production: nobody says it beside the alert",
        "considéré comme la production : personne ne le dit hormis l'alerte",
    ),
    "place_sources": ("The sources", "Les sources"),
    "counts_as": ("counts as", "compte comme"),
    "read_at": ("read at", "lu dans"),
    "said_by_alert": ("alert", "alerte"),
    "said_by_monitor": ("monitor", "moniteur"),
    "said_by_workload": ("workload", "charge de travail"),
    "said_by_template": ("pod template", "modèle de pod"),
    "said_by_namespace": ("namespace", "espace de noms"),
    "said_by_cluster": ("cluster", "cluster"),
    "said_by_settings": ("settings", "réglages"),
    "said_by_repository": ("repository", "dépôt"),
    "another_cluster": (
        "The plan is for a cluster that this instance is not connected to",
        "Le plan concerne un cluster auquel cette instance n'est pas connectée",
    ),
    "auto_merge": (
        "Merges by itself once its pipeline passed.",
        "Se fusionne seule une fois sa pipeline réussie.",
    ),
    "by_people": ("Waits for a reviewer.", "Attend une relecture."),
    "observe": (
        "Observation mode: nothing was opened.",
        "Mode observation : rien n'a été ouvert.",
    ),
    "remembered": (
        "The same fix was closed unmerged recently; that decision is kept.",
        "Le même correctif a été fermé sans fusion récemment ; cette décision est conservée.",
    ),
    "same_change": (
        "The same change of the same object is proposed already, in the merge request of incident",
        "Le même changement du même objet est déjà proposé, dans la merge request de l'incident",
    ),
    "same_change_note": (
        "Another incident asks for this very change, which is opened once:",
        "Un autre incident demande ce même changement, qui n'est ouvert qu'une fois :",
    ),
    "competing": (
        "Another change of the same object is open: a person must choose between this incident and incident",
        "Un autre changement du même objet est ouvert : une personne doit choisir entre cet incident et l'incident",
    ),
    "competing_note": (
        "Another incident asks for another change of this object, which is not opened while this one is open:",
        "Un autre incident demande un autre changement de cet objet, qui n'est pas ouvert tant que celui-ci l'est :",
    ),
    "already_merged": (
        "The merge request of this incident is merged already.",
        "La merge request de cet incident est déjà fusionnée.",
    ),
    "moved": (
        "The file changed since the plan was proven. The next alert plans again.",
        "Le fichier a changé depuis la preuve du plan. La prochaine alerte replanifiera.",
    ),
    "no_forge": (
        "GitLab is not configured: nothing was opened.",
        "GitLab n'est pas configuré : rien n'a été ouvert.",
    ),
    "reapplied": (
        "The branch moved since the proof; the same change was made on the newer file, whose object is unchanged.",
        "La branche a avancé depuis la preuve ; le même changement a été fait sur le fichier plus récent, dont l'objet est inchangé.",
    ),
    "no_edit": (
        "The repository already declares this; nothing is left to change.",
        "Le dépôt déclare déjà cela ; il ne reste rien à changer.",
    ),
    "capped": (
        "Too many open merge requests for this repository.",
        "Trop de merge requests ouvertes pour ce dépôt.",
    ),
    "hourly": (
        "K-Fix opened as many merge requests in this repository within the last hour as it may.",
        "K-Fix a ouvert dans ce dépôt autant de merge requests qu'il le peut en une heure.",
    ),
    "consented": ("✅ within `.kfix.yaml`", "✅ permis par `.kfix.yaml`"),
    "consent": (
        "The owners of the repository do not let this be proposed",
        "Les propriétaires du dépôt ne permettent pas de proposer ceci",
    ),
    "circuit": (
        "The last merge requests for this repository were all closed unmerged; K-Fix pauses there.",
        "Les dernières merge requests de ce dépôt ont toutes été fermées sans fusion ; K-Fix y fait une pause.",
    ),
    "remembered_note": (
        "The alert came again. K-Fix proposes nothing while the decision on this merge request counts, until",
        "L'alerte est revenue. K-Fix ne propose rien tant que compte la décision prise sur cette merge request, jusqu'au",
    ),
    "closed_note": (
        "Closed without a merge: that is a decision, and K-Fix keeps it. For this object and cause it proposes nothing until",
        "Fermée sans fusion : c'est une décision, et K-Fix la garde. Pour cet objet et cette cause, il ne propose rien jusqu'au",
    ),
    "closed_undo": (
        "Reopening takes it back; `/kfix feedback bad …` says what was wrong.",
        "La rouvrir annule la décision ; `/kfix feedback bad …` dit ce qui n'allait pas.",
    ),
    "outcome_success": (
        "After the merge: **it held**.",
        "Après la fusion : **le correctif a tenu**.",
    ),
    "outcome_partial": (
        "After the merge: **it helped in part**.",
        "Après la fusion : **le correctif a aidé en partie**.",
    ),
    "outcome_failure": (
        "After the merge: **it did not help**. The way back is in the description.",
        "Après la fusion : **le correctif n'a pas aidé**. Le retour arrière est dans la description.",
    ),
    "denied": (
        "Only members of this project with the role Developer or above give K-Fix orders.",
        "Seuls les membres de ce projet ayant au moins le rôle Developer donnent des ordres à K-Fix.",
    ),
    "help": (
        "K-Fix understands these comments, one at the start of a line:",
        "K-Fix comprend ces commentaires, un en début de ligne :",
    ),
    "help_explain": (
        "what else it considered, and why not",
        "ce qu'il a envisagé d'autre, et pourquoi pas",
    ),
    "help_alternative": (
        "puts plan N on this branch instead",
        "met le plan N sur cette branche à la place",
    ),
    "help_snooze": (
        "says nothing more of this trouble for 30m, 2h, 3d or 1w; `off` ends it",
        "ne dit plus rien de ce problème pendant 30m, 2h, 3j ou 1w ; `off` y met fin",
    ),
    "help_feedback": (
        "teaches it; a number from -1 to 1 and words are fine too",
        "l'instruit ; un nombre de -1 à 1 et des mots conviennent aussi",
    ),
    "feedback_taken": (
        "Thank you. It counts for later proposals:",
        "Merci. Cela compte pour les propositions suivantes :",
    ),
    "good": ("good", "bon"),
    "bad": ("bad", "mauvais"),
    "comment": ("comment", "commentaire"),
    "snoozed": (
        "K-Fix is quiet about this trouble until",
        "K-Fix se tait sur ce problème jusqu'au",
    ),
    "awake": ("K-Fix speaks of this trouble again.", "K-Fix parle à nouveau de ce problème."),
    "forgotten": (
        "K-Fix does not know what it proposed here: it was opened before it kept that.",
        "K-Fix ne sait pas ce qu'il a proposé ici : c'était avant qu'il ne le garde.",
    ),
    "no_such_plan": ("There is no such plan; there are", "Ce plan n'existe pas ; il y a"),
    "there_already": ("That plan is on the branch.", "Ce plan est sur la branche."),
    "not_open": (
        "This merge request is not open any more.",
        "Cette merge request n'est plus ouverte.",
    ),
    "not_accepted": (
        "That plan did not pass its checks; K-Fix does not put it on the branch:",
        "Ce plan n'a pas passé ses contrôles ; K-Fix ne le met pas sur la branche :",
    ),
    "elsewhere": (
        "That plan changes another repository.",
        "Ce plan change un autre dépôt.",
    ),
    "touched": (
        "Somebody else changed this branch; K-Fix leaves it alone.",
        "Quelqu'un d'autre a changé cette branche ; K-Fix n'y touche pas.",
    ),
    "switched": (
        "Done. This plan is on the branch now, in one commit; the description tells of it:",
        "Fait. Ce plan est maintenant sur la branche, en un commit ; la description en parle :",
    ),
    "considered": ("Causes considered", "Causes envisagées"),
    "for": ("for", "pour"),
    "against": ("against", "contre"),
    "stopped_by": ("What was not proven", "Ce qui n'a pas été prouvé"),
    "agreed": ("agreed", "d'accord"),
    "footer": (
        "Opened by K-Fix. Comments it understands: `/kfix explain`, `/kfix alternative N`, `/kfix snooze 2h`, `/kfix feedback good`.",
        "Ouverte par K-Fix. Commentaires compris : `/kfix explain`, `/kfix alternative N`, `/kfix snooze 2h`, `/kfix feedback good`.",
    ),
    "passed_n": ("passed", "réussi(s)"),
    "failed_n": ("failed", "échoué(s)"),
    "unknown_n": ("unknown", "inconnu(s)"),
    "pass": ("pass", "réussi"),
    "fail": ("fail", "échec"),
    "unknown": ("unknown", "inconnu"),
    "held": ("held", "tenu(s)"),
    "field": ("Field", "Champ"),
    "before": ("Before", "Avant"),
    "after": ("After", "Après"),
    "lessons": ("Lessons", "Leçons"),
    "links": ("Links", "Liens"),
}


_FRENCH_UNITS = {"cores": "cœurs", "replicas": "réplicas"}


def colon(language: Language) -> str:
    """French puts a (narrow, unbreakable) blank before a colon."""
    return ":" if language == "en" else "\u202f:"


def number(value: float, unit: str, language: Language) -> str:
    """A measured value as people of the language write it; a ratio is a percentage."""
    if unit == "ratio":
        return percent(value, language)
    text = f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
    if language == "fr":
        text, unit = text.replace(".", ","), _FRENCH_UNITS.get(unit, unit)
    return f"{text} {unit}".strip()


def percent(value: float, language: Language) -> str:
    """A share of one: ``85%``, ``85 %`` in French (with a narrow, unbreakable blank)."""
    text = f"{value * 100:.3g}" if 0 < abs(value) < 0.1 else f"{value:.0%}".removesuffix("%")
    return f"{text}%" if language == "en" else text.replace(".", ",") + "\u202f%"


def word(key: str, language: Language) -> str:
    """A word or sentence in the language. Raises KeyError for an unknown key."""
    return _WORDS[key][0 if language == "en" else 1]


def has(key: str) -> bool:
    """Is there a word for this key?"""
    return key in _WORDS


def check_name(name: str, language: Language) -> str:
    """What people call a check; its own name where nobody thought of one."""
    return word(name, language) if has(name) else f"`{name}`"
