"""Alerts about clusters that this instance is not connected to: nothing is diagnosed, people are told. Pure."""

from __future__ import annotations

from decide.core.opinion import Verdict
from schemas.context import ContextBundle
from schemas.places import ClusterClaim

#: Names in one sentence.
_NAMES = 5
_TEXTS = {
    "foreign": (
        "The alert is about cluster {named}, and this instance is connected to {own}: nothing was read and nothing is "
        "proposed. If {named} is another name of {own}, add it to KFIX_CLUSTER_ALIASES; otherwise send its alerts to an "
        "instance that is connected to it.",
        "L'alerte concerne le cluster {named} et cette instance est connectée à {own} : rien n'a été lu, rien n'est "
        "proposé. Si {named} est un autre nom de {own}, ajoutez-le à KFIX_CLUSTER_ALIASES ; sinon, envoyez ses alertes à "
        "une instance qui y est connectée.",
    ),
    "unclaimed": (
        "This instance does not know what its cluster is called, and the alert names {named}: nothing was read and nothing "
        "is proposed. Set KFIX_CLUSTER_NAME to what the tag kube_cluster_name says of the connected cluster.",
        "Cette instance ne sait pas comment son cluster s'appelle et l'alerte nomme {named} : rien n'a été lu, rien n'est "
        "proposé. Donnez à KFIX_CLUSTER_NAME ce que le tag kube_cluster_name dit du cluster connecté.",
    ),
}
_NOBODY = ("no cluster", "aucun cluster")


def not_ours(bundle: ContextBundle, *, language: str) -> Verdict | None:
    """The answer to an alert about another cluster; ``None`` where the cluster is ours, or a person handed it over."""
    claim = bundle.claim
    if claim.verdict not in _TEXTS:
        return None
    return Verdict("needs_human", "another_cluster", _said(claim, language), None, ())


def _said(claim: ClusterClaim, language: str) -> str:
    at = 1 if language == "fr" else 0
    named = ", ".join(claim.named[:_NAMES]) or _NOBODY[at]
    text = _TEXTS[claim.verdict][at].format(named=named, own=claim.own)
    return f"{text} ({claim.reason})" if claim.reason else text
