"""What the pages say, in English and French. Pure."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "incidents": "Incidents", "incident": "Incident", "none": "No incidents yet.", "filter": "Filter", "all": "all",
        "status": "Status", "service": "Service", "environment": "Environment", "severity": "Severity", "object": "Object",
        "cause": "Cause", "confidence": "Confidence", "what": "What is wrong", "proposed": "What is proposed",
        "safe": "Is it safe", "where": "Where", "evidence": "Evidence", "hypotheses": "Hypotheses", "for": "for",
        "against": "against", "metrics": "Metrics", "plans": "Plans", "recommended": "recommended", "accepted": "accepted",
        "rejected_by": "stopped by", "checks": "Checks", "diff": "Diff", "rollback": "Rollback", "risks": "Risks",
        "time": "Time", "similar": "Similar incidents", "outcome": "Outcome", "before": "before", "after": "after",
        "feedback": "Feedback", "send": "Send", "good": "Right", "bad": "Wrong", "partial": "Partly right",
        "comment": "Comment", "your_name": "Your name", "timeline": "Timeline", "sources": "Sources", "links": "Links",
        "opinion": "Second opinion", "changes": "What changed", "logs": "Logs", "merge_request": "Merge request",
        "json": "JSON", "newer": "newer", "older": "older", "thanks": "Noted, thank you.", "lesson": "Lesson",
        "investigating": "investigating", "solution_proposed": "fix proposed", "no_action": "nothing to change",
        "needs_human": "needs a human", "success": "success", "failure": "failure", "rejected": "turned down",
        "expired": "expired", "opened": "open", "merged": "merged", "closed": "closed", "not_found": "No such incident.",
        "yes": "All checks passed.", "no": "No plan passed all checks.", "nothing": "No change is proposed.",
        "waiting": "Not decided yet.", "alert": "alert", "language": "en", "updated": "Last record",
    },
    "fr": {
        "incidents": "Incidents", "incident": "Incident", "none": "Pas encore d'incident.", "filter": "Filtrer",
        "all": "tous", "status": "Statut", "service": "Service", "environment": "Environnement", "severity": "Sévérité",
        "object": "Objet", "cause": "Cause", "confidence": "Confiance", "what": "Ce qui ne va pas",
        "proposed": "Ce qui est proposé", "safe": "Est-ce sûr", "where": "Où", "evidence": "Éléments",
        "hypotheses": "Hypothèses", "for": "pour", "against": "contre", "metrics": "Métriques", "plans": "Plans",
        "recommended": "recommandé", "accepted": "accepté", "rejected_by": "arrêté par", "checks": "Contrôles",
        "diff": "Diff", "rollback": "Retour arrière", "risks": "Risques", "time": "Durée", "similar": "Incidents similaires",
        "outcome": "Résultat", "before": "avant", "after": "après", "feedback": "Avis", "send": "Envoyer", "good": "Juste",
        "bad": "Faux", "partial": "En partie juste", "comment": "Commentaire", "your_name": "Votre nom",
        "timeline": "Chronologie", "sources": "Sources", "links": "Liens", "opinion": "Second avis",
        "changes": "Ce qui a changé", "logs": "Logs", "merge_request": "Merge request", "json": "JSON", "newer": "plus récents",
        "older": "plus anciens", "thanks": "C'est noté, merci.", "lesson": "Leçon", "investigating": "en cours d'analyse",
        "solution_proposed": "correctif proposé", "no_action": "rien à changer", "needs_human": "à un humain de voir",
        "success": "succès", "failure": "échec", "rejected": "refusé", "expired": "expiré", "opened": "ouverte",
        "merged": "fusionnée", "closed": "fermée", "not_found": "Cet incident n'existe pas.",
        "yes": "Tous les contrôles sont passés.", "no": "Aucun plan ne passe tous les contrôles.",
        "nothing": "Aucun changement proposé.", "waiting": "Pas encore décidé.", "alert": "alerte", "language": "fr",
        "updated": "Dernier message",
    },
}  # fmt: skip
