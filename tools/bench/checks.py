"""What each step of an edit in an overlay costs, and each check that it is right: against parsing the repository once."""

from __future__ import annotations

import time
from collections.abc import Callable

from yaml import CSafeLoader, compose_all

from kfix.offline.renderers import here
from manifests.helm.releases import read_releases
from manifests.objects import paths
from manifests.proposal.declared import patch
from manifests.proposal.draft import EditDraft, Task
from manifests.proposal.proof import ExpectedRendering, prove
from manifests.proposal.propose import set_with_proof
from manifests.proposal.readers import RenderedChanges, sides_of, units_of
from manifests.proposal.second_way import refuse_second_way
from manifests.render import orders
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository import kustomize, rendering
from manifests.repository.index import RepositoryIndex, build
from manifests.repository.installers import read_map
from manifests.repository.locate import Hints, locate
from manifests.repository.rendering import KustomizeBuild
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from tools.bench.renderers import MEMORY, overlaid

TITLE = "checks: each step of an edit in one of 300 overlays, against one parse of all files"
BASES, NUMBER, ROUNDS = 100, 51, 5
OVERLAY = f"apps/svc-{NUMBER:04}/overlays/production"
REF = ObjectRef(kind="Deployment", namespace=f"shop-{NUMBER % 20}", name=f"svc-{NUMBER:04}")
CHANGE = KubernetesChange(
    object=REF, fields=(FieldChange(path=MEMORY, before="256Mi", after="777Mi"),)
)


def run() -> dict[str, float]:
    """Milliseconds of processor time, the least of five rounds, and each step's share of the parse. Programs that are
    started count by the clock alone, against themselves."""
    texts = overlaid(BASES)
    parse = _least(lambda: [list(compose_all(t, Loader=CSafeLoader)) for t in texts.values()])
    index, hints, graph, field = _read(texts)
    found = {"parsed once": parse, "indexed": _least(lambda: build(texts))}
    fresh = _Fresh(texts)
    found["graph of Kustomizations"] = fresh(kustomize.read_graph)
    found["map of installers"] = fresh(read_map)
    found["place of the field"] = _least(
        lambda: locate(REF, index, hints, fields=[field], graph=graph)
    )
    where = locate(REF, index, hints, fields=[field], graph=graph)
    (edit,) = (e for e in set_with_proof(index, REF, {MEMORY: "777Mi"}, hints, BuiltIn()).edits
               if e.path.endswith("patch.yaml"))  # fmt: skip
    listed = f"{OVERLAY}/kustomization.yaml"
    changed: dict[str, str] = {
        edit.path: edit.after,
        listed: f"{texts[listed]!s}patches:\n  - path: {edit.path.rpartition('/')[2]}\n",
    }
    with BuiltIn().open(index.files, index.readings) as bench:
        found["releases of charts"] = fresh(
            lambda one: read_releases(one, kustomize.read_graph(one), bench)
        )
        found["edits drafted"] = _least(
            lambda: patch(Task(index, graph, hints, bench, EditDraft()), CHANGE, where=where)
        )
        found["check: no second way to make it"] = _least(
            lambda: refuse_second_way(index, REF, where, hints, bench)
        )
        found["check: who reads the changed files"] = _least(
            lambda: units_of(sides_of(index, changed, bench), changed, {}, RenderedChanges())
        )
        build_ = KustomizeBuild(OVERLAY)
        before, after = bench.render(build_), bench.render(build_, changed)
        found["rendered, built-in subset, before and after"] = _least(
            lambda: (bench.render(build_), bench.render(build_, changed))
        )
        found["check: what differs"] = _least(lambda: rendering.compare(before, after))
        (difference,) = rendering.compare(before, after)
        found["check: as planned, in whatever order"] = _least(
            lambda: rendering.same(
                orders.settled(rendering.expected(difference.before, CHANGE.fields)),
                orders.settled(difference.after),
            )
        )
        wanted = ExpectedRendering([CHANGE], environment="production")
        assert prove(index, changed, wanted, bench).verdict == "pass"
        found["all of the proof, built-in subset"] = _least(
            lambda: prove(index, changed, wanted, bench)
        )
    figures = {name: ms / parse for name, ms in found.items()}
    for name, ms in found.items():
        print(f"{name:48} {ms:8.2f} ms {ms / parse:8.3f}")
    return figures | _programs(texts)


def _programs(texts: dict[str, bytes | str]) -> dict[str, float]:
    """An edit with programs, when each rendering is new and when all are known, to one with the built-in subset."""
    programs = here()
    if not programs.kustomize:
        return {}
    index, hints, _, _ = _read(texts)

    def asked(renderer: rendering.Renderer) -> Callable[[], object]:
        return lambda: set_with_proof(index, REF, {MEMORY: "777Mi"}, hints, renderer)

    asked(BuiltIn())()
    own = _clock(asked(BuiltIn()))
    first, again = _clock(asked(programs)), _clock(asked(programs))
    print(
        f"an edit with kustomize, on the clock: {first:.1f} ms, again {again:.1f}, built-in {own:.1f}"
    )
    return {"programs_first_to_built_in": first / own, "programs_again_to_built_in": again / own}


def _read(
    texts: dict[str, bytes | str],
) -> tuple[RepositoryIndex, Hints, kustomize.Graph, paths.Path]:
    index = build(texts, branches=("main",))
    return index, Hints("production"), kustomize.read_graph(index), paths.parse(MEMORY)


class _Fresh:
    """A step of a repository whose files were read and of which nothing was worked out."""

    def __init__(self, texts: dict[str, bytes | str]) -> None:
        self._index = build(texts, branches=("main",))

    def __call__(self, step: Callable[[RepositoryIndex], object]) -> float:
        step(self._index)
        return min(self._one(step) for _ in range(ROUNDS))

    def _one(self, step: Callable[[RepositoryIndex], object]) -> float:
        self._index.memo.clear()
        return _ms(lambda: step(self._index))


def _least(call: Callable[[], object]) -> float:
    return min(_ms(call) for _ in range(ROUNDS))


def _ms(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return (time.process_time() - started) * 1000


def _clock(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000
