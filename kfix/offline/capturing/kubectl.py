"""The same capture as commands of kubectl, for people who may not let K-Fix at their cluster. Nothing is run here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from enrich.adapters.kubernetes import WantedList, wishes_for
from kfix.offline.capturing.reading import CaptureBounds

#: One line for each container that ran: namespace, pod, container, restarts.
_CONTAINERS = (
    "{{range .items}}{{$pod := .metadata}}"
    "{{range .status.initContainerStatuses}}"
    '{{$pod.namespace}} {{$pod.name}} {{.name}} {{.restartCount}}{{"\\n"}}{{end}}'
    "{{range .status.containerStatuses}}"
    '{{$pod.namespace}} {{$pod.name}} {{.name}} {{.restartCount}}{{"\\n"}}{{end}}{{end}}'
)
#: Beside the commands: what the folder is for, and what becomes of a list that does not come.
_HEAD = (
    "# Reads only. What is written is not masked; kfix diagnose masks what it reads.",
    "# Beside the folder cluster/ kfix diagnose reads alert.json (the payload of the alert's webhook) and repo/ (a checkout of",
    "# the deployment repository, with its .git): docs/operations.md. Put them there by hand; --alert FILE copies the first.",
    "umask 077",
    "# Where a list does not come, its file says why, and kfix diagnose tells it.",
    """failed() { cat -- "$1.err" >&2; mv -f -- "$1.err" "$1"; }""",
    "# A kind that the cluster does not have leaves no file.",
    """absent() { if grep -q 'have a resource type' "$1.err"; then rm -f -- "$1"; else failed "$1"; fi; }""",
)
#: Bytes of one log, as the client that reads the cluster itself asks for.
_LOG_BYTES = 256 * 1024


def commands(
    namespaces: Sequence[str],
    out: Path,
    bounds: CaptureBounds,
    *,
    context: str = "",
    kubeconfig: str = "",
) -> Iterator[str]:
    """Lines of a script for a POSIX shell that writes the folder; every name in them is quoted.

    What kubectl writes is not masked: ``kfix diagnose`` masks what it reads.
    """
    kubectl = "kubectl"
    kubectl += f" --kubeconfig {shlex.quote(kubeconfig)}" if kubeconfig else ""
    kubectl += f" --context {shlex.quote(context)}" if context else ""
    root = out / "cluster"
    yield from _HEAD
    folders = sorted({root, *(root / w.namespace for w in wishes_for(namespaces) if w.namespace)})
    yield "mkdir -p -- " + " ".join(_path(folder) for folder in folders)
    numbers: dict[str, int] = {}
    for wish in wishes_for(namespaces):
        yield _get(kubectl, wish, root, numbers)
    yield "rm -f -- " + " ".join(f"{_path(folder)}/*.err" for folder in folders)
    for namespace in namespaces or ("",):
        yield from _logs(kubectl, namespace, root, bounds)


def _get(kubectl: str, wish: WantedList, root: Path, numbers: dict[str, int]) -> str:
    words = [kubectl, "get", shlex.quote(wish.resource), *_scope(wish), "-o", "json"]
    if wish.labels:
        words += ["--selector", shlex.quote(wish.labels)]
    stem = wish.plural
    if wish.only_beside:
        # No kind as a name: an empty list of some of them must not say that there are none.
        numbers[stem] = numbers.get(stem, 0) + 1
        stem = f"components-{stem}-{numbers[stem]}"
    file = _path(root / wish.namespace / f"{stem}.json")
    otherwise = "failed" if wish.needed else "absent"
    return f"{' '.join(words)} > {file} 2> {file}.err || {otherwise} {file}"


def _scope(wish: WantedList) -> list[str]:
    if wish.namespace:
        return ["--namespace", shlex.quote(wish.namespace)]
    return ["--all-namespaces"]


def _logs(kubectl: str, namespace: str, root: Path, bounds: CaptureBounds) -> Iterator[str]:
    """Logs of the containers that ran, and of the run before where there was one."""
    scope = f"--namespace {shlex.quote(namespace)}" if namespace else "--all-namespaces"
    place = f'{_path(root)}/"$ns/$pod"'
    log = (
        f'{kubectl} logs --namespace "$ns" "$pod" --container "$c"'
        f" --tail={bounds.log_lines} --limit-bytes={_LOG_BYTES}"
    )
    owner = 'logs for container $c of pod $ns/$pod ===="'
    yield f"{kubectl} get pods {scope} -o go-template={shlex.quote(_CONTAINERS)} |"
    yield f"  sort -k 4 -n -r | head -n {bounds.logs} | while read -r ns pod c restarts; do"
    yield '    case "$ns/$pod/$c" in *[!a-z0-9./-]*|*..*|*/.*) continue ;; esac'
    yield f"    mkdir -p -- {place}"
    yield (
        f'    {{ echo "==== START {owner}; {log} </dev/null; echo; echo "==== END {owner}; }}'
        f" >> {place}/logs.txt"
    )
    yield '    [ "$restarts" -gt 0 ] || continue'
    yield (
        f'    {{ echo "==== START {owner}; {log} --previous </dev/null; echo;'
        f' echo "==== END {owner}; }} >> {place}/logs-previous.txt'
    )
    yield "  done"


def _path(path: Path) -> str:
    text = str(path)
    return shlex.quote(text if not text.startswith("-") else f"./{text}")
