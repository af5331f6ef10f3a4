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
    "rollback_how": (
        "Revert the merge commit, or apply the exact inverse:",
        "Annuler le commit de fusion, ou appliquer l'inverse exact :",
    ),
    "history": ("How this kind of fix fared", "Ce que ce type de correctif a donné"),
    "history_none": (
        "No earlier fix of this kind is known.",
        "Aucun correctif de ce type n'est connu.",
    ),
    "watch": ("After the merge", "Après la fusion"),
    "watch_what": (
        "K-Fix will compare these with the values before:",
        "K-Fix comparera ces mesures avec leurs valeurs d'avant :",
    ),
    "watch_none": (
        "K-Fix will check restarts and the alert itself.",
        "K-Fix contrôlera les redémarrages et l'alerte elle-même.",
    ),
    "located": ("How the line was found", "Comment la ligne a été trouvée"),
    "risks": ("Risks", "Risques"),
    "confidence": ("confidence", "confiance"),
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
    "head_recovered": ("K-Fix: incident over", "K-Fix : incident terminé"),
    "note_repeat": ("The alert came again", "L'alerte est revenue"),
    "note_recovered": (
        "The incident recovered by itself. Nothing has to be merged for it; closing this merge request says so.",
        "L'incident s'est résolu de lui-même. Rien ne doit être fusionné pour cela ; fermer cette MR le dit.",
    ),
    "no_merge": (
        "Nobody but people merges this: the environment is production.",
        "Seules des personnes fusionnent ceci : l'environnement est la production.",
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
    "circuit": (
        "The last merge requests for this repository were all closed unmerged; K-Fix pauses there.",
        "Les dernières merge requests de ce dépôt ont toutes été fermées sans fusion ; K-Fix y fait une pause.",
    ),
    "footer": (
        "Opened by K-Fix. Comment `/kfix feedback good|bad …` to teach it.",
        "Ouverte par K-Fix. Commentez `/kfix feedback good|bad …` pour l'instruire.",
    ),
    "pass": ("pass", "réussi"),
    "fail": ("fail", "échec"),
    "unknown": ("unknown", "inconnu"),
    "tried": ("tried", "essayé(s)"),
    "held": ("held", "tenu(s)"),
    "failed": ("failed or were undone", "échoué(s) ou annulé(s)"),
    "field": ("Field", "Champ"),
    "before": ("Before", "Avant"),
    "after": ("After", "Après"),
    "lessons": ("Lessons", "Leçons"),
    "links": ("Links", "Liens"),
}


def colon(language: Language) -> str:
    """French puts a (narrow, unbreakable) blank before a colon."""
    return ":" if language == "en" else "\u202f:"


def word(key: str, language: Language) -> str:
    """A word or sentence in the language. Raises KeyError for an unknown key."""
    return _WORDS[key][0 if language == "en" else 1]
