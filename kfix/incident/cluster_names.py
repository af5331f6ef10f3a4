"""Which of our clusters an alert is about, if any. Pure.

In doubt it is somebody else's: one name that is not ours, or names that disagree, are enough. With several clusters of our
own that goes for an alert that names none, too: any guess may be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kfix.incident.cluster_tags import LONGEST, ids_of, of_alert, of_monitor
from kfix.texts import say
from schemas.context import Monitor
from schemas.places import ClusterClaim
from schemas.text import again as as_said

_NAMES_AT_MOST = 20
#: What metrics call all clusters that are not ours.
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Own:
    """A cluster that this instance is connected to. Without a name nothing can be claimed.

    ``uid``: of its namespace ``kube-system``; empty: not compared. ``said_in``: the setting that tells of it, where that
    is not ``KFIX_CLUSTER_…``.
    """

    name: str = ""
    aliases: tuple[str, ...] = ()
    environment: str = ""
    uid: str = ""
    said_in: str = ""

    @property
    def names(self) -> frozenset[str]:
        """All that it is called, as names are compared."""
        return frozenset(n for n in (_name(t) for t in (self.name, *self.aliases)) if n)

    def is_named(self, text: str) -> bool:
        """Does the text name it? An ARN is another cluster's where we have one that ends alike and differs."""
        name = _name(text)
        mine = [t.strip().casefold() for t in (self.name, *self.aliases)]
        arns = [arn for arn in mine if arn.startswith("arn:") and _name(arn) == name]
        whole = text.strip().casefold()
        return whole in arns if arns and whole.startswith("arn:") else name in self.names

    def has_uid(self, uid: str) -> bool:
        """Is it known by that UID?"""
        return bool(self.uid) and uid.strip().lower() == self.uid.strip().lower()


@dataclass(frozen=True, slots=True)
class Fleet:
    """The clusters that this instance is connected to. ``ignored``: names in tags that mean no Kubernetes cluster."""

    clusters: tuple[Own, ...] = ()
    ignored: tuple[str, ...] = ()

    @classmethod
    def of(cls, *clusters: Own) -> Fleet:
        """These clusters."""
        return cls(clusters)

    @property
    def known(self) -> tuple[Own, ...]:
        """Those that have a name."""
        return tuple(own for own in self.clusters if own.names)

    @property
    def is_several(self) -> bool:
        """Is there a choice?"""
        return len(self.clusters) > 1

    @property
    def names(self) -> str:
        """What they are called, for people."""
        return ", ".join(own.name for own in self.clusters[:_NAMES_AT_MOST] if own.name)

    def chosen(self, told: ClusterClaim) -> Own:
        """The cluster that the claim is about; ``Own()`` where it is none of several."""
        if not self.is_several:
            return self.clusters[0] if self.clusters else Own()
        return next((own for own in self.clusters if own.name == told.own), Own())

    def one_of_several(self, cluster: str) -> str:
        """The name of a cluster where people have to be told which it is; empty where there is one alone."""
        return cluster if self.is_several else ""

    def label(self, told: ClusterClaim, cluster: str) -> str:
        """What metrics call a record's cluster: its configured name, or ``other``, so that their number is bounded."""
        strange = told.verdict in ("foreign", "unclaimed")
        return cluster if not strange and any(o.name == cluster for o in self.known) else OTHER

    def has(self, name: str) -> bool:
        """Is it a name of one of them, or of more?"""
        return any(own.is_named(name) for own in self.clusters)

    def called(self, text: str) -> str:
        """The one name of the cluster that the text names; the text, where it names none of ours."""
        meant = [own.name for own in self.clusters if text and own.is_named(text)]
        return meant[0] if len(meant) == 1 and meant[0] else text

    def counted(self, names: Iterable[str]) -> list[str]:
        """Those of the names that mean Kubernetes clusters."""
        ignored = {_name(name) for name in self.ignored}
        return [name for name in names if _name(name) not in ignored]

    def told_apart(self, tags: Mapping[str, str], scope: str) -> str:
        """What tells an alert from the same one of another of our clusters; empty where there is one cluster alone.

        Nothing is asked for it, so the monitor does not count.
        """
        if not self.is_several:
            return ""
        said, ids = self.counted(of_alert(tags, scope)), ids_of(tags)
        return ",".join(sorted(own.name for own in self.clusters if _is_meant(own, said, ids)))


def claim(
    tags: Mapping[str, str],
    scope: str,
    monitor: Monitor | None,
    fleet: Fleet,
    behind: Sequence[Monitor] = (),
) -> ClusterClaim:
    """Whose cluster the alert is about. What the alert says counts first; a monitor may watch several clusters, but a
    monitor that watches others only contradicts it. ``behind``: the monitors that it sums up."""
    alert, ids = fleet.counted(of_alert(tags, scope)), ids_of(tags)
    others = fleet.counted(name for one in (monitor, *behind) for name in of_monitor(one))
    named = tuple(dict.fromkeys((*alert, *others)))[:_NAMES_AT_MOST]
    if not fleet.known:
        return ClusterClaim(verdict="unclaimed", named=named)
    said = alert or others
    maybe = fleet.known
    if fleet.is_several:
        maybe = tuple(own for own in maybe if _is_meant(own, said, ids))
    fitting = [own for own in maybe if _fits(own, said, ids, fleet)]
    if len(fitting) == 1 and (not others or any(fitting[0].is_named(name) for name in others)):
        verdict = "ours" if said or fleet.is_several else "unnamed"
        return ClusterClaim(verdict=verdict, named=named, own=fitting[0].name)
    strange = _strange(ids, fleet)
    if fleet.is_several and not strange and all(map(fleet.has, named)):
        return ClusterClaim(verdict="unclaimed", named=named, own=fleet.names)
    return _foreign(named, fleet.names, strange)


def _is_meant(own: Own, said: Sequence[str], ids: Sequence[str]) -> bool:
    return any(own.is_named(name) for name in said) or any(own.has_uid(uid) for uid in ids)


def _fits(own: Own, said: Sequence[str], ids: Sequence[str], fleet: Fleet) -> bool:
    """Does nothing that is said contradict its being this one?"""
    if not all(own.is_named(name) for name in said):
        return False
    if own.uid:
        return all(own.has_uid(uid) for uid in ids)
    others = (other for other in fleet.known if other is not own)
    return not any(other.has_uid(uid) for other in others for uid in ids)


def _strange(ids: Sequence[str], fleet: Fleet) -> str:
    """What the tags say of a UID that is none of ours; empty where ours are not known."""
    strange = [uid for uid in ids if not any(own.has_uid(uid) for own in fleet.known)]
    if not (strange and any(own.uid for own in fleet.known)):
        return ""
    return say("incident.cluster.tag", uid=strange[0][:LONGEST])


def _foreign(named: tuple[str, ...], own: str, reason: str = "") -> ClusterClaim:
    return ClusterClaim(verdict="foreign", named=named, own=own, reason=reason)


def again(told: ClusterClaim, cluster: str, fleet: Fleet) -> ClusterClaim:
    """A record's claim, judged by who is about to act on it. ``cluster``: where the record says it belongs.

    What was foreign stays so, and what was never judged is judged by its name. Ours has the name of ``fleet.chosen``.
    """
    if told.verdict in ("foreign", "unclaimed"):
        return told
    if not fleet.known or (fleet.is_several and not cluster):
        return told.model_copy(update={"verdict": "unclaimed", "own": fleet.names})
    meant = [own for own in fleet.known if not cluster or own.is_named(cluster)]
    astray = fleet.is_several and told.own and not any(own.is_named(told.own) for own in meant)
    if len(meant) != 1 or astray:
        named = tuple(dict.fromkeys((*told.named, cluster)))
        return _foreign(named, fleet.names, as_said(told.reason, told.reason_text))
    verdict = told.verdict
    if verdict == "unjudged":
        verdict = "ours" if cluster else "unnamed"
    return told.model_copy(update={"verdict": verdict, "own": meant[0].name})


def is_ours(told: ClusterClaim) -> bool:
    """May the cluster be read, and a change be dry-run and proposed?"""
    return told.verdict in ("ours", "unnamed")


def another(told: ClusterClaim, fleet: Fleet, uid: str) -> ClusterClaim:
    """The claim once the API server was seen: ``uid`` of its ``kube-system``, empty when that was not readable."""
    own = fleet.chosen(told)
    elsewhere = any(other.has_uid(uid) for other in fleet.clusters if other is not own)
    if not uid or own.has_uid(uid) or not (own.uid or elsewhere):
        return told
    return _foreign(told.named, own.name, say("incident.cluster.uid", uid=uid[:LONGEST]))


def _name(text: str) -> str:
    """A name as it is compared. Datadog writes tags in lower case; EKS' ARN ends in the name."""
    name = text.strip().casefold()
    return name.rpartition("/")[2] if name.startswith("arn:") else name


def are_confused(one: Own, other: Own) -> bool:
    """Is there a name that means both? Two ARNs that end alike are told apart by the rest of them."""
    mine, theirs = ((o.name, *o.aliases) for o in (one, other))
    return any(
        _name(a) == _name(b)
        and (a.strip().casefold() == b.strip().casefold() or not _are_arns(a, b))
        for a in mine
        for b in theirs
        if _name(a)
    )


def _are_arns(*names: str) -> bool:
    return all(name.strip().casefold().startswith("arn:") for name in names)
