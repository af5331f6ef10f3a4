"""Which environment and which cluster an incident belongs to, and who says so: carried from enrich to publish."""

from __future__ import annotations

from typing import Literal

from schemas.base import Environment, Model
from schemas.text import Spoken, Text

#: Who can say it. ``workload``, ``template`` and ``namespace``: labels and annotations of those objects, and names.
#: ``cluster`` and ``settings``: what the operator says of the cluster, and of a namespace. ``repository``: where the
#: edited file deploys to.
Speaker = Literal[
    "alert", "monitor", "workload", "template", "namespace", "cluster", "settings", "repository"
]


class Statement(Spoken):
    """One word about the environment."""

    source: Speaker
    #: As it stands there; untrusted text.
    value: str
    #: Where it was read, as ``tag env`` or ``label env of Namespace/shop``.
    where: str = ""
    #: What it counts as. ``unknown``: a word that is not known, which is never a lower environment.
    environment: Environment = "unknown"
    #: What folders of that environment are called: a pre-production is protected like production, and stands elsewhere.
    place: Environment = "unknown"
    #: Said on purpose, by a field that is there for it; otherwise a name that happens to have such a word.
    explicit: bool = True
    where_text: Text | None = None


class EnvironmentProof(Model):
    """What the sources come to. ``environment`` is production unless all that speak agree on a lower one."""

    environment: Environment = "production"
    #: ``proven``: all that speak agree. ``conflict``: they do not. ``unproven``: nobody says it, or only the alert and
    #: what was chosen by it.
    verdict: Literal["proven", "conflict", "unproven"] = "unproven"
    #: The environment whose folders are looked in; ``unknown`` when the sources do not agree on one.
    place: Environment = "unknown"
    statements: tuple[Statement, ...] = ()


class ClusterClaim(Spoken):
    """Whose cluster an alert is about.

    ``ours``: everything that names a cluster names ours. ``unnamed``: nothing names one, and ours is the only one here.
    ``foreign``: something names another, or names that disagree. ``unclaimed``: this instance has no name to compare with,
    or several clusters, and what is named does not tell which.
    ``unjudged``: a capture that a person handed over, or a record from before there were claims.
    """

    verdict: Literal["ours", "unnamed", "foreign", "unclaimed", "unjudged"] = "unjudged"
    #: Clusters that alert and monitor name; untrusted text.
    named: tuple[str, ...] = ()
    #: The configured name; while none of several is chosen, all of them.
    own: str = ""
    #: One sentence, where there is more to say than the names.
    reason: str = ""
    reason_text: Text | None = None
