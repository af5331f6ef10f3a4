"""Renames everything in a case that somebody has named, the same everywhere. Pure.

Whoever diagnoses must not know a system by its names. Namespaces, workloads, Services, claims, secrets, nodes, images
and registries get random names in objects, logs, metrics, alert and manifests. What Kubernetes and programs call
themselves stays: ``kube-system`` and what is in it, ``default``, ``docker.io``, ``com.mysql.jdbc``, ports, tags, addresses.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import orjson
import yaml

from schemas.base import Json
from tools.evaluation.slips import slips

#: Names that are also words of programs or of Kubernetes: renamed only where they stand for an object.
WORDS = frozenset(
    {
        "api",
        "app",
        "backend",
        "cache",
        "cassandra",
        "data",
        "database",
        "db",
        "elasticsearch",
        "envoy",
        "gateway",
        "grafana",
        "ingress",
        "kafka",
        "main",
        "mariadb",
        "master",
        "memcached",
        "mongo",
        "mongodb",
        "monitor",
        "mysql",
        "nginx",
        "node",
        "openebs",
        "postgres",
        "postgresql",
        "prometheus",
        "proxy",
        "quota",
        "rabbitmq",
        "redis",
        "server",
        "service",
        "standard",
        "test",
        "web",
        "worker",
        "zookeeper",
        "config",
        "limits",
        "pods",
        "secret",
        "storage",
        "compute",
        "cpu",
        "memory",
    }
)
_KEPT_NAMES = frozenset({"default", "kubernetes", "kube-root-ca.crt", "localhost", ""})
_KEPT = re.compile(r"^(?:kube-|system:|sh\.helm|pvc-[0-9a-f]{8}-|istio-ca-)|-system$")
_KEPT_HOSTS = frozenset({"docker.io", "registry-1.docker.io", "registry.k8s.io", "k8s.gcr.io"})
#: Fields that hold the name of an object; ``name`` counts unless it names a part of a pod.
_NAMING = frozenset(
    {
        "namespace",
        "nodeName",
        "host",
        "hostname",
        "service",
        "serviceName",
        "serviceAccountName",
        "serviceAccount",
        "claimName",
        "secretName",
        "storageClassName",
        "node",
        "volumeName",
        "pod_name",
        "kube_namespace",
        "kube_deployment",
        "pod",
        "kube_stateful_set",
        "kube_service",
        "entity_name",
        "entry_service",
    }
)
_PARTS = frozenset(
    {
        "containers",
        "initContainers",
        "ephemeralContainers",
        "containerStatuses",
        "initContainerStatuses",
        "ports",
        "volumes",
        "env",
        "volumeMounts",
        "volumeDevices",
        "httpHeaders",
    }
)
_LABELS = frozenset({"labels", "matchLabels", "selector", "nodeSelector", "tags"})
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
#: ``CART_DB_SERVICE_HOST`` and its kin, which kubelets make of Services.
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_PATH = re.compile(r"[a-z0-9][a-z0-9.-]*(?::\d+)?(?:/[a-z0-9][a-z0-9._-]*)+")
#: What controllers append: template hashes, pod suffixes, ordinals, an open end in "pods "x-" is forbidden". The alphabet
#: of generated names has neither vowels nor ``y``; hexadecimal ones have a digit.
_GROWN = re.compile(
    r"-(?:(?:[b-df-hj-np-tv-xz2-9]{5,10}|(?=[a-f]*\d)[a-f0-9]{5,10})(?:-[a-z0-9]{5})?|\d{1,8}(?:-[a-z0-9]{5})?)?"
)
_BEFORE = re.compile(
    r"(?://|@|\b(?:to|on|from|for|lookup|node|host|service|pod|namespace|[Nn]ode:|quota:|\w+_\w+:|service:|host:|pod:|[\w-]+/)\s?|\")$"
)
_HOST = re.compile(r"\.[a-z0-9-]+\.svc\b")
_AFTER = re.compile(r":\d|\.svc\b|\"|/")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LETTERS = "bcdfghjklmnpqrstvwxz"


@dataclass(frozen=True, slots=True)
class Renaming:
    """Old names to new ones; ``apply`` to whole files, ``key`` to the objects of an answer."""

    names: Mapping[str, str]
    images: Mapping[str, str]
    references: frozenset[str]
    hosts: Mapping[str, str]

    def files(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """The case's files with new paths and contents."""
        return {self._path(path): self._content(path, raw) for path, raw in files.items()}

    def name(self, token: str) -> str:
        """The new name of one token, itself where nobody gave it."""
        if token in self.names:
            return self.names[token]
        for end in _dashes(token):
            new = self.names.get(token[:end])
            if new is not None and (token[:end] not in WORDS or _GROWN.fullmatch(token[end:])):
                return new + token[end:]  # grown by a controller, or a slip of somebody's pen
        slip = token.rstrip("0123456789")
        return (
            self.names[slip] + token[len(slip) :]
            if slip in self.names and slip not in WORDS
            else token
        )

    def _variable(self, match: re.Match[str]) -> str:
        words = match[0].split("_")
        for count in range(len(words) - 1, 0, -1):
            old = "-".join(words[:count]).lower()
            if old in self.names and old not in WORDS:
                head = self.names[old].upper().replace("-", "_")
                return "_".join([head, *words[count:]])
        return match[0]

    def key(self, key: str) -> str:
        """``Kind/namespace/name``, or ``app/name``, renamed."""
        kind, *rest = key.split("/")
        return "/".join([kind, *(self.name(part) for part in rest)])

    def text(self, text: str) -> str:
        """A log line, a message, a value."""
        for old, new in self.hosts.items():
            text = text.replace(old, new)
        text = _PATH.sub(lambda m: self.images.get(m[0], m[0]), text)
        text = _VARIABLE.sub(self._variable, text)
        out, end, chained = [], 0, -1
        for match in _TOKEN.finditer(text):
            new = self._in_text(text, match, after_name=chained == match.start())
            if new != match[0]:
                out += [text[end : match.start()], new]
                end = match.end()
                chained = match.end() + 1
        return "".join(out) + text[end:] if out else text

    def _in_text(self, text: str, match: re.Match[str], *, after_name: bool) -> str:
        token, start, end = match[0], match.start(), match.end()
        tail = text[end : end + 64]
        if tail[:1] in ":@" and tail and token in self.images:
            reference = re.match(r"[:@][\w.-]+", tail)
            if reference and token + reference[0] in self.references:
                return self.images[token]
        new = self.name(token)
        inner = start > 1 and text[start - 1] == "." and text[start - 2].isalnum()
        if new == token or (inner and not after_name and "-" not in token):
            return token  # com.vendor.Class
        if tail[:1] == "." and tail[1:2].isalnum():
            following = _TOKEN.match(tail, 1)
            label = following[0] if following else ""
            if not self._is_host(label, tail):
                return token if label not in _KEPT_NAMES else new
        if token in WORDS and not (
            _BEFORE.search(text[max(0, start - 40) : start]) or _AFTER.match(tail)
        ):
            return token
        return new

    def _is_host(self, label: str, tail: str) -> bool:
        """A host below a known name, not com.vendor.Class."""
        known = label in ("svc", "cluster") or self.name(label) != label or _hash(label)
        return bool(known or _HOST.match(tail))

    def value(self, value: Json, field: str = "", holder: str = "") -> Json:
        """An object's tree; ``field`` is the key it stands under, ``holder`` the one above."""
        if isinstance(value, dict):
            renamed = holder == "" and field not in ("metadata", "spec", "data", "annotations")
            return {
                (self._field(k) if renamed else k): self.value(v, k, field)
                for k, v in value.items()
            }
        if isinstance(value, list):
            return [self.value(item, field, holder) for item in value]
        if not isinstance(value, str):
            return value
        if value in self.names:
            part = field == "name" and holder in _PARTS
            named = (
                field in _NAMING or field == "name" or (holder in _LABELS and "role" not in field)
            )
            if value not in WORDS or (named and not part) or field.endswith("/hostname"):
                return self.names[value]
            return value
        return self.text(value)

    def _field(self, key: str) -> str:
        """Tools key their outputs by names; ``data`` and the like are fields first."""
        return self.names[key] if key in self.names and key not in WORDS else self.text(key)

    def _path(self, path: str) -> str:
        parts = [self.names.get(p) or self._stem(p) for p in PurePosixPath(path).parts]
        return "/".join(parts)

    def _stem(self, part: str) -> str:
        stem, dot, ending = part.rpartition(".")
        return f"{self.name(stem)}.{ending}" if dot else self.name(part)

    def _content(self, path: str, raw: bytes) -> bytes:
        if path.endswith(".json"):
            return orjson.dumps(self.value(orjson.loads(raw)))
        if path.endswith((".yaml", ".yml")):
            documents = yaml.load_all(raw, Loader=yaml.CSafeLoader)
            renamed = [self.value(d) for d in documents]
            return yaml.dump_all(renamed, Dumper=yaml.CSafeDumper, sort_keys=False).encode()
        return self.text(raw.decode(errors="replace")).encode()


def renaming_of(files: Mapping[str, bytes], seed: int) -> Renaming:
    """New names for everything that the files name. The same files and seed give the same names."""
    dice = random.Random(seed)
    trees = list(_trees(files))
    names: dict[str, str] = {}
    owned = {n for tree in trees for n in _names(tree)}
    for old in sorted(owned, key=lambda n: (len(n), n)):
        names[old] = _derived(old, names) or _fresh(dice, set(names.values()), len(old))
    names |= slips(
        trees, {old: new for old, new in names.items() if old not in WORDS}, WORDS | set(names)
    )
    for old in sorted({n for tree in trees for n in _referenced(tree)} - set(names)):
        names[old] = _derived(old, names) or _fresh(dice, set(names.values()), len(old))
    references = {r for tree in trees for r in _images(tree)}
    hosts: dict[str, str] = {}
    images: dict[str, str] = {}
    parts: dict[str, str] = {}
    for repository in sorted({_repository(r) for r in references}):
        new = _renamed_image(repository, dice, hosts, parts)
        host, slash, rest = repository.partition("/")
        if slash and host in hosts:  # hosts are renamed before paths are looked up
            images[f"{hosts[host]}/{rest}"] = new
        else:
            images |= {
                f"{head}{repository}": new for head in ("", "docker.io/", "docker.io/library/")
            }
    return Renaming(names, images, frozenset(references), hosts)


def _trees(files: Mapping[str, bytes]) -> Iterator[Any]:
    for path, raw in sorted(files.items()):
        if path.endswith(".json"):
            yield orjson.loads(raw)
        elif path.endswith((".yaml", ".yml")):
            yield from yaml.load_all(raw, Loader=yaml.CSafeLoader)


def _names(tree: Any, space: str = "") -> Iterator[str]:
    """Names of objects, and of those that events are about."""
    if isinstance(tree, list):
        for item in tree:
            yield from _names(item, space)
    elif isinstance(tree, dict):
        meta = tree.get("metadata")
        meta = meta if isinstance(meta, dict) else {}
        kind = str(tree.get("kind") or "")
        space = str(
            meta.get("namespace") or (meta.get("name") if kind == "Namespace" else "") or space
        )
        if not _kept(space):
            # an event's own name is made of its object's
            own = [] if kind == "Event" else [meta.get("name")]
            own += [meta.get("namespace"), _get(tree, "involvedObject", "name")]
            yield from (n for n in own if isinstance(n, str) and n and not _kept(n))
        for item in tree.values():
            yield from _names(item, space)


def _referenced(tree: Any, space: str = "") -> Iterator[str]:
    """Names that objects, alerts and metrics refer to, whether somebody has them or not."""
    if isinstance(tree, list):
        for item in tree:
            yield from _referenced(item, space)
    elif isinstance(tree, dict):
        space = str(_get(tree, "metadata", "namespace") or space)
        for key, item in tree.items():
            if isinstance(item, str) and key in _NAMING and not _kept(space) and not _kept(item):
                if _LABEL.fullmatch(item) and not item.isdigit():
                    yield item
            elif key == "tags":
                yield from _tagged(item)
            else:
                yield from _referenced(item, space)


def _tagged(tags: Any) -> Iterator[str]:
    pairs = (
        tags.items() if isinstance(tags, dict) else [str(t).partition(":")[::2] for t in tags or ()]
    )
    for key, value in pairs:
        if (
            key in _NAMING
            and isinstance(value, str)
            and _LABEL.fullmatch(value)
            and not _kept(value)
        ):
            yield value


def _images(tree: Any) -> Iterator[str]:
    """References of container images."""
    if isinstance(tree, list):
        for item in tree:
            yield from _images(item)
    elif isinstance(tree, dict):
        for key, item in tree.items():
            if key == "image" and isinstance(item, str) and item:
                yield item
            else:
                yield from _images(item)


def _repository(reference: str) -> str:
    bare = reference.partition("@")[0]
    head, _, last = bare.rpartition("/")
    bare = f"{head}/{last.partition(':')[0]}" if head else last.partition(":")[0]
    return bare.removeprefix("docker.io/").removeprefix("library/")


def _renamed_image(
    repository: str, dice: random.Random, hosts: dict[str, str], parts: dict[str, str]
) -> str:
    """Part by part, so that images of one folder stay in one folder."""
    first, slash, rest = repository.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first)
    if is_host and first in _KEPT_HOSTS - {"docker.io"}:
        return repository
    if is_host and first not in hosts:
        hosts[first] = f"{_fresh(dice, set())}.{first.rpartition('.')[2]}"
    for part in repository.split("/"):
        parts.setdefault(part, _fresh(dice, set(parts.values())))
    path = [parts[part] for part in (rest if is_host else repository).split("/")]
    return "/".join([*([hosts[first]] if is_host else []), *path])


def _derived(old: str, names: Mapping[str, str]) -> str:
    """The new name of what a controller named after something: a pod, a ReplicaSet, an ordinal's claim."""
    for end in _dashes(old):
        if old[:end] in names and _GROWN.fullmatch(old[end:]):
            return names[old[:end]] + old[end:]
    claim = re.fullmatch(r"([a-z0-9]+)-(.+-\d+)", old)  # template, StatefulSet, ordinal
    if claim:
        base = _derived(claim[2], names)
        return f"{claim[1]}-{base}" if base else ""
    return ""


def _dashes(token: str) -> Iterable[int]:
    return (at for at in range(len(token) - 1, 0, -1) if token[at] == "-")


def _fresh(dice: random.Random, taken: set[str], length: int = 9) -> str:
    """As long as the old name, so that a slip weighs as much in it, but long enough to be nobody else's."""
    while True:
        name = "".join(dice.choice(_LETTERS) for _ in range(max(7, length)))
        if name not in taken:
            return name


def _kept(name: str) -> bool:
    return (name in _KEPT_NAMES and name != "") or bool(_KEPT.search(name))


def _hash(label: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{8,}", label))


def _get(tree: Mapping[str, Any], *path: str) -> Any:
    node: Any = tree
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node
