"""One key's storm keeps nobody waiting: other keys of its partition go past what stands in its line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.pipeline import small_stages as small
from tests.pipeline.harness import Cluster, make_topics, new_prefix, publish, until, worker

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
STORM = 400
#: As many keys as it takes to have some in the storm's partition.
QUIET = tuple(f"quiet{n}" for n in range(16))


def raw(event_id: str, key: str, behaviour: str = "") -> small.Raw:
    return small.Raw(event_id=event_id, occurred_at=NOW, key=key, number=0, behaviour=behaviour)


async def test_records_behind_a_storm_of_one_key_are_handled_before_the_storm_is_over(
    cluster: Cluster, tmp_path: Path
) -> None:
    prefix = new_prefix()
    brokers = cluster.brokers(prefix)
    await make_topics(brokers, [small.RAW, small.RELAYED])
    storm = [raw(f"s{n}", "storm", "busy") for n in range(STORM)]
    await publish(brokers, [(small.RAW, r) for r in (*storm, *(raw(q, q) for q in QUIET))])
    journal = tmp_path / "journal"
    small_window = {"KFIX_RUNTIME_WINDOW": "20"}

    def handled() -> list[str]:
        return [words[0] for words in small.journal_of(journal, "relay")]

    with worker(
        cluster,
        ["tests.pipeline.small_stages:relay"],
        tmp_path,
        prefix=prefix,
        environment=small_window,
    ):
        await until(lambda: set(QUIET) <= set(handled()), within_s=40, what="the quiet keys")
        order = handled()
    last = max(order.index(quiet) for quiet in QUIET)
    before = sum(event.startswith("s") for event in order[:last])
    print(f"{before} of {STORM} records of the storm came before the last of the others")
    assert before <= 40
