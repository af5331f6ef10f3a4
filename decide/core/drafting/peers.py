"""What KRR and the VPA would say to the same usage, for comparison in proposals. Pure; defaults as of their sources.

KRR (``robusta_krr/strategies/simple.py``): CPU request = 95th percentile of each pod, the highest of the pods, no limit;
memory request = limit = highest sample + 15 %, after an OOM kill (``use_oomkill_data``) at least the limit + 25 %; at least
10m and 100 MB; nothing below 100 points.
VPA (``vertical-pod-autoscaler/pkg/recommender/logic/recommender.go``): target CPU = 90th percentile + 15 %; target memory =
90th percentile of the peaks of each container and day + 15 %, where an OOM kill counts as a peak of max(1.2 times, 100 MiB
more); at least 25m and 250 MiB a pod. Its histograms' buckets (up to 5 % up) and decay (24 h) are left out.
"""

from __future__ import annotations

from collections.abc import Callable

from decide.core.measure import Usage, percentile
from kfix.texts import say

_MIB = 2**20
_DAY_S = 86_400.0
#: KRR's ``points_required``.
_KRR_POINTS = 100


def krr_cpu(usage: Usage) -> float | None:
    """Cores requested; ``None``: "not enough data"."""
    if len(usage.values) < _KRR_POINTS:
        return None
    return max(0.01, *(percentile(one, 0.95) or 0.0 for one in usage.instances))


def krr_memory(usage: Usage, killed_at: float | None = None) -> float | None:
    """Bytes requested and allowed; ``killed_at`` is the limit of a container that was killed there."""
    if len(usage.values) < _KRR_POINTS:
        return None
    return max(100e6, max(usage.values) * 1.15, (killed_at or 0.0) * 1.25)


def vpa_cpu(usage: Usage, containers: int = 1) -> float | None:
    """Cores of the target; ``containers`` of the pod share its floor."""
    high = percentile(usage.values, 0.9)
    return None if high is None else max(0.025 / containers, high * 1.15)


def vpa_memory(usage: Usage, killed_at: float | None = None, containers: int = 1) -> float | None:
    """Bytes of the target."""
    peaks = list(usage.peaks(_DAY_S))
    if killed_at is not None:
        peaks.append(max(killed_at * 1.2, killed_at + 100 * _MIB))
    high = percentile(peaks, 0.9)
    return None if high is None else max(250 * _MIB / containers, high * 1.15)


def comparison(krr: float | None, vpa: float | None, show: Callable[[float], str]) -> str:
    """What other recommenders would request, as a sentence; empty when they would not say."""
    if krr is not None and vpa is not None:
        return say("drafting.peers.krr_and_vpa", krr=show(krr), vpa=show(vpa))
    if krr is not None:
        return say("drafting.peers.krr", krr=show(krr))
    return say("drafting.peers.vpa", vpa=show(vpa)) if vpa is not None else ""
