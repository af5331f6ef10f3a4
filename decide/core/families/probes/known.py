"""Where well-known programs answer when nobody told them otherwise: ports and paths by the images they are published as.

Only images whose name tells the program for sure: the publisher's own repositories, and Docker's official images with the
mirrors that keep their names. A name of the same ending at another registry may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from decide.core.families.probes.facts import Probe
from manifests.objects.pods import Container
from manifests.objects.shapes import items, mapping
from manifests.objects.workloads import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What one program serves by default."""

    port: int
    #: Where it is documented.
    source: str
    #: The page that answers each probe; empty where it serves none that tells.
    paths: Mapping[Probe, str] = field(default_factory=dict)
    #: A configuration file may move port or path: with one mounted nothing is sure.
    by_file: bool = True


def _page(path: str, ready: str = "") -> Mapping[Probe, str]:
    return {"liveness": path, "readiness": ready or path, "startup": ready or path}


_HUB = "hub.docker.com/_/"
_PROMETHEUS = _page("/-/healthy", "/-/ready")
#: By repository: Docker's official images by their bare name.
SERVED: Mapping[str, Served] = {
    "nginx": Served(port=80, paths=_page("/"), source=f"{_HUB}nginx"),
    "nginxinc/nginx-unprivileged": Served(
        port=8080, paths=_page("/"), source="github.com/nginxinc/docker-nginx-unprivileged"
    ),
    "httpd": Served(port=80, paths=_page("/"), source=f"{_HUB}httpd"),
    "postgres": Served(port=5432, source=f"{_HUB}postgres"),
    "mysql": Served(port=3306, source=f"{_HUB}mysql"),
    "mariadb": Served(port=3306, source=f"{_HUB}mariadb"),
    "mongo": Served(port=27017, source=f"{_HUB}mongo"),
    "redis": Served(port=6379, source=f"{_HUB}redis"),
    "valkey/valkey": Served(port=6379, source="hub.docker.com/r/valkey/valkey"),
    "memcached": Served(port=11211, source=f"{_HUB}memcached"),
    "rabbitmq": Served(port=5672, source="rabbitmq.com/docs/networking"),
    "nats": Served(port=4222, source=f"{_HUB}nats"),
    "zookeeper": Served(port=2181, source=f"{_HUB}zookeeper"),
    "cassandra": Served(port=9042, source=f"{_HUB}cassandra"),
    "couchdb": Served(port=5984, paths=_page("/_up"), source="docs.couchdb.org: /_up"),
    "influxdb": Served(port=8086, paths=_page("/health"), source="docs.influxdata.com: /health"),
    "neo4j": Served(port=7687, source=f"{_HUB}neo4j"),
    "solr": Served(port=8983, source=f"{_HUB}solr"),
    "elasticsearch": Served(port=9200, source=f"{_HUB}elasticsearch"),
    "docker.elastic.co/elasticsearch/elasticsearch": Served(
        port=9200, source="elastic.co: Networking settings, http.port"
    ),
    "opensearchproject/opensearch": Served(
        port=9200, source="docs.opensearch.org: Network settings"
    ),
    "kibana": Served(port=5601, paths=_page("/api/status"), source="elastic.co: Kibana status API"),
    "docker.elastic.co/kibana/kibana": Served(
        port=5601, paths=_page("/api/status"), source="elastic.co: Kibana status API"
    ),
    "apache/kafka": Served(port=9092, source="hub.docker.com/r/apache/kafka"),
    "hashicorp/vault": Served(
        port=8200, paths=_page("/v1/sys/health"), source="developer.hashicorp.com: /sys/health"
    ),
    "hashicorp/consul": Served(
        port=8500,
        paths=_page("/v1/status/leader"),
        source="developer.hashicorp.com: /status/leader",
    ),
    "prom/prometheus": Served(
        port=9090, paths=_PROMETHEUS, by_file=False, source="prometheus.io: Management API"
    ),
    "quay.io/prometheus/prometheus": Served(
        port=9090, paths=_PROMETHEUS, by_file=False, source="prometheus.io: Management API"
    ),
    "prom/pushgateway": Served(
        port=9091, paths=_PROMETHEUS, by_file=False, source="github.com/prometheus/pushgateway"
    ),
    "grafana/grafana": Served(
        port=3000, paths=_page("/api/health"), source="grafana.com: Other HTTP API, health"
    ),
    "grafana/grafana-oss": Served(
        port=3000, paths=_page("/api/health"), source="grafana.com: Other HTTP API, health"
    ),
    "grafana/loki": Served(port=3100, paths=_page("/ready"), source="grafana.com: Loki HTTP API"),
    "quay.io/keycloak/keycloak": Served(
        port=8080, source="keycloak.org: Configuring Keycloak for production, http-port"
    ),
    "minio/minio": Served(
        port=9000,
        paths=_page("/minio/health/live", "/minio/health/ready"),
        source="min.io: Healthcheck API",
    ),
    "quay.io/minio/minio": Served(
        port=9000,
        paths=_page("/minio/health/live", "/minio/health/ready"),
        source="min.io: Healthcheck API",
    ),
    "jenkins/jenkins": Served(
        port=8080, paths=_page("/login"), source="github.com/jenkinsci/helm-charts"
    ),
    "gitea/gitea": Served(port=3000, paths=_page("/api/healthz"), source="docs.gitea.com"),
    "registry": Served(port=5000, paths=_page("/"), source="distribution.github.io/distribution"),
}
#: Registries that give Docker's images under their own names.
_HUBS = (
    "docker.io/",
    "index.docker.io/",
    "registry-1.docker.io/",
    "public.ecr.aws/docker/",
    "mirror.gcr.io/",
)
#: Words with which programs are told where to listen and under which path.
_TOLD = re.compile(
    r"port|listen|addr|bind|prefix|external[-._]?url|relative[-._]path|context[-._]?path|base[-._]?path|https?[-._]|tls|ssl",
    re.I,
)

#: A number that may be a port.
_PORT = re.compile(r"(?<!\d)\d{2,5}(?!\d)")


def served(workload: Workload, container: Container) -> Served | None:
    """What the container's program serves by default; ``None`` where it is not known, or may have been told otherwise."""
    found = SERVED.get(repository(str(container.spec.get("image") or "")))
    if found is None or _told_otherwise(container):
        return None
    return None if found.by_file and _configured(workload, container) else found


def listened(workload: Workload, container: Container) -> frozenset[int]:
    """Every port that a known program can listen at: its default one, and each number that it was told.

    Empty where the program is not known, or where a file, a Secret or a script may tell it more.
    """
    found = SERVED.get(repository(str(container.spec.get("image") or "")))
    if found is None or container.spec.get("command") or items(container.spec.get("envFrom")):
        return frozenset()
    told = [str(word) for word in items(container.spec.get("args"))]
    told += [str(entry["value"]) for entry in container.env if "value" in entry]
    by_reference = len(container.env) > sum("value" in entry for entry in container.env)
    if by_reference or (found.by_file and _configured(workload, container)):
        return frozenset()
    return frozenset({found.port, *(int(n) for word in told for n in _PORT.findall(word))})


def repository(image: str) -> str:
    """An image's repository, Docker's official images by their bare name: ``docker.io/library/redis:7`` → ``redis``."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    name = head if colon and "/" not in tag else name
    hub = next((one for one in _HUBS if name.startswith(one)), "")
    name = name.removeprefix(hub)
    return name.removeprefix("library/")


def _told_otherwise(container: Container) -> bool:
    words = [*items(container.spec.get("command")), *items(container.spec.get("args"))]
    names = [str(entry.get("name")) for entry in container.env]
    whole = bool(items(container.spec.get("envFrom"))) or bool(container.spec.get("command"))
    return whole or any(_TOLD.search(str(word)) for word in (*words, *names))


def _configured(workload: Workload, container: Container) -> bool:
    """A ConfigMap, a Secret or the like is mounted, or an argument names a file: files may say anything."""
    if any("/" in str(word) for word in items(container.spec.get("args"))):
        return True
    told = {
        str(volume.get("name"))
        for volume in map(mapping, items(workload.spec.get("volumes")))
        if any(kind in volume for kind in ("configMap", "secret", "projected"))
    }
    mounts = map(mapping, items(container.spec.get("volumeMounts")))
    return any(str(mount.get("name")) in told for mount in mounts)
