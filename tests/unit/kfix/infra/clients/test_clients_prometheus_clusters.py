"""Series of several clusters in one place are only asked for where a label tells them apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfix.infra.clients.prometheus import PrometheusConnection, open_prometheus
from schemas import errors


@pytest.mark.parametrize(
    ("names", "said", "opens"),
    [
        (("eu",), {}, True),
        (("eu", "us"), {"cluster_label": "cluster"}, True),
        (("eu", "us"), {"cluster": "eu"}, True),
        (("eu", "us"), {}, False),
    ],
)
async def test_with_several_clusters_a_label_has_to_tell_them_apart(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: tuple[str, ...],
    said: dict[str, str],
    opens: bool,
) -> None:
    file = tmp_path / "clusters.yaml"
    file.write_text(
        "".join(f"- {{name: {n}, kubernetes: {{url: 'https://{n}'}}}}\n" for n in names)
    )
    monkeypatch.setenv("KFIX_CLUSTERS_FILE", str(file))
    connection = PrometheusConnection(url="http://127.0.0.1:9", **said)  # type: ignore[arg-type]
    if opens:
        async with open_prometheus(connection):
            return
    with pytest.raises(errors.Rejected, match="KFIX_PROMETHEUS_CLUSTER_LABEL") as failure:
        async with open_prometheus(connection):
            pass
    assert failure.value.reason == "no_cluster_label"


@pytest.mark.parametrize("label", ["a b", '"', "1a", "a-b"])
def test_a_label_is_one_of_prometheus(label: str) -> None:
    with pytest.raises(ValueError, match="cluster_label"):
        PrometheusConnection(cluster_label=label)
