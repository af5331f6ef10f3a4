"""Runs the tests behind each promise and writes the README's table from what they did.

    python tests/promises.py          all promises
    python tests/promises.py R1 R8    some; the others keep their last figures
    python tests/promises.py --last   reads the figures off what the last `make test` did
    python tests/promises.py --table  only writes the table again

The figures are kept in docs/promises.json; a unit test holds the README's table to them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "docs" / "promises.json"
README = ROOT / "README.md"
_BETWEEN = re.compile(r"(<!-- promises -->\n).*?(<!-- /promises -->)", re.S)


@dataclass(frozen=True)
class Promise:
    """A promise and the tests that hold it. ``select`` is pytest's ``-k``."""

    id: str
    text: str
    paths: tuple[str, ...]
    select: str = ""


PROMISES = (
    Promise(
        "R1",
        "whatever stage is killed at whatever point: no alert lost, no second merge request",
        (
            "tests/pipeline/test_runtime_kills.py",
            "tests/pipeline/test_river.py",
            "tests/contract/test_publish_taken_up.py",
        ),
        "killed or taken_up",
    ),
    Promise(
        "R2",
        "a poisoned record reaches retry or the dead letters; the stage goes on",
        ("tests/pipeline/test_runtime_failures.py",),
    ),
    Promise(
        "R3",
        "workers come and go under load: nothing lost",
        ("tests/pipeline/test_runtime_rebalance.py",),
    ),
    Promise(
        "faust",
        "each stage is an app for Faust's own command line, with the same promises; handlers are of their topics' types",
        (
            "tests/pipeline/test_faust_command_line.py",
            "tests/unit/kfix/engine/runtime/test_runtime_handler_types.py",
        ),
    ),
    Promise(
        "images",
        "no image is proposed that its registry does not have for the nodes; nothing read from outside chooses whom K-Fix asks",
        (
            "tests/contract/test_image_registries.py",
            "tests/contract/test_images_asked.py",
            "tests/unit/decide/test_decide_images.py",
            "tests/unit/enrich/test_enrich_images.py",
            "tests/unit/safety/test_safety_images.py",
            "tests/unit/kfix/incident/test_images.py",
        ),
    ),
    Promise(
        "objects",
        "Kubernetes objects are read in one place, as the real API server reads them; no copy comes back",
        (
            "tests/unit/manifests/test_manifests_objects.py",
            "tests/contract/test_objects_real.py",
            "tests/arch/test_arch_objects.py",
        ),
    ),
    Promise(
        "trees",
        "a file of a deployment repository is parsed once in a process, whoever looks at it for how many plans",
        (
            "tests/unit/manifests/test_manifests_parsed_once.py",
            "tests/contract/test_trees_parsed_once.py",
        ),
    ),
    Promise(
        "R4",
        "alert and recovery in any order: the final state is right",
        ("tests/pipeline/test_river.py", "tests/unit/decide/test_decide_ledger.py"),
        "r4 or recover",
    ),
    Promise(
        "R5",
        "broker away: 503, bounded memory, nothing lost",
        ("tests/pipeline/test_runtime_broker_away.py",),
    ),
    Promise(
        "R5b",
        "whatever the broker does to a request: everything gets through, or the stage says that it stands still and ends",
        (
            "tests/pipeline/test_runtime_faults.py",
            "tests/unit/kfix/engine/runtime/test_runtime_vitals.py",
            "tests/unit/kfix/engine/runtime/test_runtime_watchdog.py",
            "tests/unit/kfix/engine/runtime/test_runtime_intake.py",
        ),
    ),
    Promise(
        "R6",
        "dead letters replayed twice: the same merge requests as once",
        ("tests/pipeline/test_river.py",),
        "r6",
    ),
    Promise(
        "R7",
        "a storm (10,000 deliveries, an overloaded API server): an incident and a merge request for each trouble, the next"
        " one not kept waiting; two merge requests never change one object",
        (
            "tests/pipeline/test_storm.py",
            "tests/pipeline/test_runtime_fairness.py",
            "tests/contract/test_publish_claims.py",
            "tests/contract/test_enrich_alert_book.py",
            "tests/contract/test_kubernetes_at_once.py",
            "tests/unit/enrich/test_enrich_sharing.py",
        ),
    ),
    Promise(
        "R7b",
        "what could not be asked is asked again and is no verdict",
        (
            "tests/unit/enrich/test_enrich_asking_again.py",
            "tests/unit/decide/test_decide_unchecked.py",
            "tests/unit/safety/test_safety_examination.py",
            "tests/pipeline/test_unanswered.py",
        ),
    ),
    Promise(
        "R8",
        "the same trouble has the same fingerprint, another has another",
        (
            "tests/unit/decide/test_decide_identity.py",
            "tests/unit/decide/test_decide_trouble.py",
            "tests/pipeline/test_alerts_without_namespace.py",
        ),
    ),
    Promise(
        "R9",
        "a flapping alert is one merge request and few messages",
        ("tests/pipeline/test_river.py",),
        "r9",
    ),
    Promise(
        "R10",
        "a node down and 60 alerts of its pods at once: one incident",
        ("tests/pipeline/test_node_down.py",),
    ),
    Promise(
        "R11",
        "caps per repository and hour, the owners' consent, a pause after refusals",
        (
            "tests/unit/publish/test_publish_repo_policy.py",
            "tests/contract/test_publish_consent.py",
            "tests/contract/test_publish_stage.py",
        ),
        "consent or breaker or so_many or decision",
    ),
    Promise(
        "R12",
        "forged webhooks leave no record",
        ("tests/unit/ingest/test_ingest_forged_requests.py",),
    ),
    Promise(
        "forges",
        "stages run on a forge that is not GitLab; adding one touches its folder and two files: a recipe that is carried out",
        (
            "tests/contract/test_publish_other_forge.py",
            "tests/arch/test_arch_extending.py",
        ),
    ),
    Promise(
        "complexity",
        "no function has a cyclomatic complexity above 20",
        ("tests/arch/test_arch_complexity.py",),
    ),
    Promise(
        "sources",
        "an alert is neutral: a second source is its folder and one line, each alert of a delivery is a record, old records are read",
        (
            "tests/arch/test_arch_extending_source.py",
            "tests/arch/test_arch_sources.py",
            "tests/unit/ingest/test_ingest_several_records.py",
            "tests/unit/enrich/test_enrich_other_senders.py",
            "tests/unit/ingest/test_ingest_datadog_identity.py",
            "tests/unit/kfix/engine/wire/test_wire_first_version.py",
        ),
    ),
    Promise(
        "extending",
        "the recipes for a failure class, a check, a vector store, a forge and an alert source do what they say, as they are written",
        (
            "tests/arch/test_arch_extending.py",
            "tests/arch/test_arch_extending_class.py",
            "tests/arch/test_arch_extending_check.py",
            "tests/arch/test_arch_extending_store.py",
        ),
    ),
    Promise(
        "docstrings",
        "every public class, function and method of the product has a docstring",
        ("tests/arch/test_arch_docstrings.py",),
    ),
    Promise(
        "metrics",
        "asking, measuring and judging mean the same by a metric, in the unit that the answer names",
        ("tests/unit/kfix/incident/test_kfix_metrics.py",),
    ),
    Promise(
        "R13",
        "1,000 mutated payloads: no crash, nothing lost",
        ("tests/unit/ingest/test_ingest_mutated_payloads.py",),
    ),
    Promise(
        "R14",
        "YAML bombs and nests are refused",
        ("tests/unit/manifests/test_manifests_guards.py",),
    ),
    Promise(
        "R15",
        "Git's tricks are refused: links, submodules, `..`, `.git`, names that differ only in case",
        (
            "tests/unit/kfix/infra/test_forge_archives.py",
            "tests/unit/manifests/test_manifests_guards.py",
            "tests/unit/kfix/offline/test_kfix_edit.py",
        ),
        "odd_members or symlinks or paths or case or linked",
    ),
    Promise(
        "R16",
        "requests go to configured addresses only",
        (
            "tests/unit/kfix/infra/clients/test_clients_egress.py",
            "tests/unit/kfix/infra/clients/test_clients_httpx2.py",
        ),
    ),
    Promise(
        "R16a",
        "no answer goes to another question, whoever gives up when; answers to other questions are refused",
        (
            "tests/contract/test_clients_crossed.py",
            "tests/contract/test_clients_lying_server.py",
        ),
    ),
    Promise(
        "R16b",
        "whatever a service answers or its client raises: a typed failure of that source, and the alert goes on",
        (
            "tests/contract/test_clients_broken_answers.py",
            "tests/unit/kfix/infra/clients/test_clients_kubernetes_answers.py",
            "tests/unit/kfix/infra/clients/test_clients_datadog_wire.py",
        ),
    ),
    Promise(
        "capture",
        "what kfix capture reads of a cluster is answered as the running stages answer it; it only reads, masks, stays in its "
        "folder, and what it could not read is told in the answer",
        (
            "tests/contract/test_capture_cluster.py",
            "tests/unit/kfix/offline/test_kfix_capture.py",
            "tests/unit/kfix/offline/test_kfix_capture_kubectl.py",
        ),
    ),
    Promise(
        "R17",
        "nothing that a stranger wrote reaches a plan, though a model obeys it",
        ("tests/unit/decide/test_decide_injection.py",),
    ),
    Promise(
        "R18",
        "nothing from outside is active in a message",
        ("tests/unit/publish", "tests/unit/console"),
        "inert or outside or hostile or rendered or notes",
    ),
    Promise(
        "constructs",
        "each construct of GitLab's, Slack's and Teams' markup is only read; messages fit what a chat takes",
        (
            "tests/unit/publish/test_publish_gitlab_markdown.py",
            "tests/unit/publish/test_publish_pages.py",
            "tests/unit/publish/test_publish_long_messages.py",
        ),
    ),
    Promise(
        "unheard",
        "what GitLab did while nobody listened is found out and counts once; nothing expires unasked",
        (
            "tests/contract/test_publish_rereading.py",
            "tests/contract/test_learn_following.py",
            "tests/contract/test_learn_stands.py",
            "tests/pipeline/test_unheard_merges.py",
        ),
    ),
    Promise(
        "outcomes",
        "a fix counts as a success only where all was measured and is well; what is not there yet is looked at again",
        (
            "tests/unit/learn/test_learn_judgement.py",
            "tests/unit/learn/test_learn_workload.py",
            "tests/unit/learn/test_learn_edges.py",
        ),
    ),
    Promise(
        "order",
        "the last word on an alert or a merge request wins by its time, in every order",
        (
            "tests/unit/publish/test_publish_spoken.py",
            "tests/unit/decide/test_decide_ledger.py",
            "tests/contract/test_publish_stage.py",
            "tests/contract/test_learn_following.py",
        ),
        "order or last or over or back or merge_is_checked",
    ),
    Promise(
        "lock",
        "production is not examined unless the cluster is proven to refuse K-Fix's real writes",
        (
            "tests/unit/safety/test_safety_lock.py",
            "tests/contract/test_kubernetes_lock.py",
            "tests/contract/test_kubernetes_lock_watch.py",
        ),
    ),
    Promise(
        "stopped",
        "when no plan may be opened, both chats name the checks that stand in the way, why, and what to do",
        (
            "tests/contract/test_publish_obstacles.py",
            "tests/unit/publish/test_publish_obstacles.py",
        ),
    ),
    Promise(
        "R20",
        "secrets are masked before anything leaves enrich",
        ("tests/unit/kfix/incident/redaction", "tests/unit/enrich/test_enrich_masking.py"),
    ),
    Promise(
        "languages",
        "every sentence exists in English and French with the same parameters, and what fills it is data",
        (
            "tests/unit/kfix/texts",
            "tests/unit/decide/test_decide_rivals_in_french.py",
            "tests/unit/decide/test_decide_opinion_in_french.py",
            "tests/unit/publish/test_publish_french.py",
        ),
    ),
    Promise(
        "edit",
        "a merge request changes the intended lines and no other byte",
        ("tests/unit/manifests/test_manifests_properties.py", "tests/unit/manifests"),
    ),
    Promise(
        "environment",
        "an edit changes the asked field in the asked environment and nothing else, as real programs render it",
        (
            "tests/contract/test_render_hostile.py",
            "tests/contract/test_render_generated.py",
            "tests/unit/manifests/test_manifests_installers.py",
            "tests/unit/manifests/test_manifests_odd_deployers.py",
            "tests/unit/manifests/test_manifests_undeployed.py",
            "tests/unit/manifests/test_manifests_neighbours.py",
        ),
    ),
    Promise(
        "place",
        "an environment is proven by sources that agree; nothing merges by itself in production, whatever settings and tags say",
        (
            "tests/unit/kfix/test_kfix_environments.py",
            "tests/unit/manifests/test_manifests_reach.py",
            "tests/contract/test_publish_merging.py",
            "tests/contract/test_publish_amended.py",
            "tests/pipeline/test_river_places.py",
        ),
    ),
    Promise(
        "cluster",
        "a cluster that is not ours is not read, not dry-run and not changed; people are told whose it is",
        (
            "tests/unit/kfix/test_kfix_cluster_names.py",
            "tests/unit/enrich/test_enrich_another_cluster.py",
            "tests/unit/decide/test_decide_strangers.py",
            "tests/unit/safety/test_safety_examination.py",
            "tests/pipeline/test_river_places.py",
        ),
        "cluster or name or claim or identity or stranger or our",
    ),
    Promise(
        "several clusters",
        "behind one instance each incident is read, checked, claimed and measured in its own cluster, and in doubt in none",
        (
            "tests/unit/kfix/test_kfix_fleet.py",
            "tests/unit/kfix/infra/test_kfix_clusters_file.py",
            "tests/unit/manifests/test_manifests_clusters.py",
            "tests/contract/test_enrich_clusters.py",
            "tests/contract/test_two_clusters.py",
        ),
    ),
    Promise(
        "subjects",
        "74 kinds of alerts lead to the object that was written down for them, or to a person, with the reason",
        (
            "tests/contract/test_alert_kinds.py",
            "tests/unit/enrich/test_enrich_subject.py",
            "tests/pipeline/test_alerts_without_namespace.py",
        ),
    ),
    Promise(
        "nothing silent",
        "what cannot be read or worked on is kept, told once an hour and monitor, and mended where it means one thing",
        (
            "tests/unit/ingest/test_ingest_repairs.py",
            "tests/unit/kfix/engine/runtime/test_runtime_letters_told.py",
            "tests/contract/test_publish_unreadable.py",
        ),
    ),
    Promise(
        "coverage",
        "of every monitor is told whether K-Fix could act on its alerts, on what, and what is missing",
        ("tests/unit/enrich/test_enrich_coverage.py", "tests/contract/test_datadog_coverage.py"),
    ),
    Promise(
        "second source",
        "Alertmanager's alerts are read whole, their own Prometheus answers for them, and both sources lead to the same answer",
        (
            "tests/unit/ingest/test_ingest_alertmanager_words.py",
            "tests/contract/test_two_sources.py",
        ),
    ),
    Promise(
        "schemas",
        "Kubernetes' schemas are read once; their verdicts are the library's",
        ("tests/unit/safety/test_safety_schemas.py",),
    ),
    Promise(
        "rules version",
        "a decision says which rules made it: another digest for every other rule",
        ("tests/unit/decide/test_decide_version.py",),
    ),
    Promise(
        "amounts of plans",
        "room on nodes, quotas, patience of probes and ceilings are reckoned as documented",
        ("tests/unit/decide/test_decide_room.py",),
    ),
    Promise(
        "facts and sentences",
        "rules hand plans the facts that the record names, and what both say is there in English and French",
        (
            "tests/unit/decide/test_decide_handed_over.py",
            "tests/unit/decide/test_decide_texts.py",
            "tests/unit/decide/test_decide_odd_amounts.py",
        ),
    ),
    Promise(
        "classes",
        "what is known of a failure class stands in one record, in its family's folder",
        (
            "tests/arch/test_arch_classes.py",
            "tests/unit/decide/test_decide_taxonomy.py",
            "tests/unit/decide/test_decide_ranking.py",
        ),
    ),
    Promise(
        "next steps",
        "who is asked is told what to look at: two to five steps that read and change nothing, on every surface",
        (
            "tests/unit/decide/test_decide_next_steps.py",
            "tests/unit/publish/test_publish_next_steps.py",
            "tests/unit/console/test_console_next_steps.py",
            "tests/unit/kfix/offline/test_kfix_diagnose_next_steps.py",
        ),
    ),
    Promise(
        "broken rules",
        "a rule that breaks is a defect that is told, logged and counted, never an answer; fields of odd shapes break none",
        ("tests/unit/decide/test_decide_broken.py", "tests/unit/decide/test_decide_odd_shapes.py"),
    ),
    Promise(
        "settings",
        "every setting is read, and stands on the page of settings",
        (
            "tests/unit/kfix/test_kfix_settings_read.py",
            "tests/unit/kfix/infra/test_kfix_bad_settings.py",
        ),
    ),
    Promise(
        "neighbours",
        "K-Fix does not start on another distribution's packages, and says what to do",
        ("tests/unit/kfix/test_kfix_neighbours.py",),
    ),
    Promise(
        "engines",
        "engines of one process share nothing that changes",
        ("tests/unit/kfix/engine/runtime/test_runtime_state.py",),
    ),
    Promise(
        "engine",
        "what comes of each record: result, retry, dead letter or nothing, in order of its key, committed when it is safe",
        (
            "tests/unit/kfix/engine/runtime/test_runtime_engine.py",
            "tests/unit/kfix/engine/runtime/test_runtime_doors.py",
            "tests/unit/kfix/engine/runtime/test_runtime_told.py",
            "tests/unit/kfix/engine/runtime/test_runtime_endings.py",
            "tests/unit/kfix/engine/runtime/test_runtime_faust_app.py",
            "tests/unit/kfix/engine/broker/test_broker_clients.py",
            "tests/pipeline/test_runtime_in_process.py",
        ),
    ),
    Promise(
        "answers",
        "every made-up fault has the cause and the changes that a file shows, alone, in company, with one thing changed",
        ("tests/unit/decide/test_decide_answers.py",),
    ),
    Promise(
        "no false all-clear",
        "nobody is told that nothing is wrong while the alert fires, unless its claim was read and is well",
        ("tests/unit/decide/test_decide_claims.py", "tests/unit/decide/test_decide_declared.py"),
    ),
    Promise(
        "what changed first",
        "going back is to what worked, wholly, never over a change under way; a field that changed comes back before formulas",
        (
            "tests/unit/decide/test_decide_revisions.py",
            "tests/unit/decide/test_decide_restoring.py",
            "tests/unit/decide/test_decide_settings.py",
        ),
    ),
    Promise(
        "the program's word",
        "what a program says last or tells its probe is evidence, and no cause of its own making is put over it",
        (
            "tests/unit/decide/test_decide_last_words.py",
            "tests/unit/decide/test_decide_probe_words.py",
            "tests/unit/decide/test_decide_memory_elsewhere.py",
            "tests/unit/decide/test_decide_volume_zones.py",
        ),
    ),
    Promise(
        "findings at the edges",
        "rules find just below, at and just above what they ask what files show, and as much with one thing changed",
        ("tests/unit/decide/families/test_decide_families_scenes.py",),
    ),
    Promise(
        "rules",
        "each rule finds its class at its object, with its evidence and score, and turns where it says",
        ("tests/unit/decide/families",),
    ),
    Promise(
        "answers of repositories and checks",
        "small repositories are read, placed and edited, and plans judged, as files show, and with one thing changed",
        (
            "tests/unit/manifests/test_manifests_answers.py",
            "tests/unit/manifests/test_manifests_odd_installers.py",
            "tests/unit/manifests/test_manifests_ways.py",
            "tests/unit/manifests/test_manifests_built_in.py",
            "tests/unit/manifests/test_manifests_live_objects.py",
            "tests/unit/manifests/test_manifests_text_tables.py",
            "tests/unit/manifests/test_manifests_values_tables.py",
            "tests/unit/manifests/test_manifests_mentions.py",
            "tests/unit/manifests/test_manifests_models.py",
            "tests/unit/safety/test_safety_answers.py",
        ),
    ),
    Promise(
        "models of the runtime",
        "window, vitals, verdicts, headers, readers of the broker and deciding again do what simple models of them do",
        (
            "tests/unit/kfix/engine/runtime/test_runtime_models.py",
            "tests/unit/kfix/engine/broker/test_broker_embedded.py",
            "tests/unit/kfix/engine/wire/test_wire_codec.py",
            "tests/unit/kfix/engine/broker/test_broker_reading.py",
            "tests/unit/kfix/engine/runtime/test_runtime_replay.py",
        ),
    ),
    Promise(
        "replay",
        "decided again in the world as it was, nothing changed changes nothing; one rule, policy or playbook changes its own decisions alone",
        (
            "tests/pipeline/test_replay_of_the_company.py",
            "tests/unit/kfix/engine/runtime/test_runtime_worlds.py",
            "tests/unit/safety/test_safety_worlds.py",
            "tests/unit/decide/test_decide_worlds.py",
        ),
    ),
    Promise(
        "bounds",
        "what just fits passes a check, one unit more fails, in every object of a plan; rules and plans turn where they say",
        (
            "tests/unit/safety/test_safety_boundaries.py",
            "tests/unit/decide/test_decide_bounds.py",
            "tests/unit/decide/test_decide_plan_scenes.py",
            "tests/unit/manifests/test_manifests_bounds.py",
            "tests/unit/publish/test_publish_rebase.py",
        ),
    ),
    Promise(
        "drafts",
        "each builder of plans drafts what is stated for its facts: fields, weight, reason and risks, just below, at and above bounds",
        ("tests/unit/decide/plans",),
    ),
    Promise(
        "core of the rules",
        "each part of the rules' core is asked for itself: policies, calls, ways, series, ranking, confidence, plans, records, opinions",
        (
            "tests/unit/decide/test_decide_netpol_traffic.py",
            "tests/unit/decide/test_decide_graph_calls.py",
            "tests/unit/decide/test_decide_links_ways.py",
            "tests/unit/decide/test_decide_view_index.py",
            "tests/unit/decide/test_decide_log_lines.py",
            "tests/unit/decide/test_decide_measure_series.py",
            "tests/unit/decide/test_decide_ranking_order.py",
            "tests/unit/decide/test_decide_confidence_signs.py",
            "tests/unit/decide/test_decide_diagnosis_status.py",
            "tests/unit/decide/test_decide_planning_plans.py",
            "tests/unit/decide/test_decide_proposals_bounds.py",
            "tests/unit/decide/test_decide_question_asked.py",
            "tests/unit/decide/test_decide_opinion_settled.py",
            "tests/unit/decide/test_decide_record_context.py",
            "tests/unit/decide/test_decide_small_parts.py",
        ),
    ),
    Promise(
        "honest confidence",
        "what a cause leaves unexplained and what is strange lower confidence; where it is 0.9 and more, nine in ten are right, on origins that were left out too",
        (
            "tests/unit/decide/test_decide_explained.py",
            "tests/unit/decide/test_decide_makeup.py",
            "tests/unit/tools/evaluation/test_eval_calibration.py",
        ),
    ),
    Promise(
        "watch",
        "a merged fix holds after two clean looks from when it is live, its alert's own state and measure among what is looked at; silence is neither; an alert that comes back counts against it",
        (
            "tests/contract/test_learn_watching.py",
            "tests/unit/learn",
            "tests/unit/kfix/incident/test_fix_life.py",
            "tests/unit/kfix/incident/test_life_facts.py",
        ),
    ),
    Promise(
        "taken back",
        "a fix that does not hold is taken back by one merge request of its own, in its own lines, and the incident gets another plan without it",
        (
            "tests/contract/test_publish_reverting.py",
            "tests/contract/test_decide_next_attempts.py",
            "tests/unit/publish/test_publish_reverting.py",
            "tests/unit/decide/test_decide_next_attempt.py",
            "tests/pipeline/test_failed_fix.py",
        ),
    ),
    Promise(
        "at most twice",
        "what failed twice on the same spec is not proposed again until a person lifts it; one record alone moves no order of plans; outcomes move it as a simulated year shows",
        (
            "tests/unit/decide/experience",
            "tests/contract/test_decide_trial_book.py",
            "tests/unit/tools/test_tools_year.py",
        ),
    ),
    Promise(
        "people's words",
        "what people judge and say reaches lesson, memory and prompt, masked and inert; a signed link counts once, and no preview votes",
        (
            "tests/contract/test_words_reach_the_prompt.py",
            "tests/contract/test_learn_following.py",
            "tests/unit/kfix/incident/test_kfix_judgement_links.py",
        ),
    ),
    Promise(
        "forgotten",
        "rows go by a stated retention that no effect depends on; what is forgotten is gone from every table; a backup restored goes on with nothing lost or doubled",
        (
            "tests/contract/test_store_retention.py",
            "tests/contract/test_store_forgetting.py",
            "tests/contract/test_store_backup.py",
            "tests/contract/test_memory_exchange.py",
        ),
    ),
    Promise(
        "trust figures",
        "rates, times, costs and repeat offenders are those of a made set whose truth is known, in whatever order records come",
        ("tests/contract/test_console_trust.py", "tests/unit/kfix/incident/test_kfix_trust.py"),
    ),
    Promise(
        "release",
        "a wheel built offline has every file it needs, its licence and its version",
        ("tests/unit/kfix/test_kfix_release.py",),
    ),
    Promise(
        "checks", "a check that cannot be made never passes in production", ("tests/unit/safety",)
    ),
)


def run(promise: Promise) -> dict[str, object]:
    """Runs a promise's tests; raises SystemExit when one fails or none ran."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        *promise.paths,
        *(("-k", promise.select) if promise.select else ()),
    ]
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
    passed = re.search(r"(\d+) passed", last)
    if done.returncode != 0 or passed is None:
        print(done.stdout[-3000:], file=sys.stderr)
        raise SystemExit(f"{promise.id} does not hold: {last}")
    skipped = re.search(r"(\d+) skipped", last)
    return {
        "passed": int(passed[1]),
        "skipped": int(skipped[1]) if skipped else 0,
        "seconds": round(time.monotonic() - started),
    }


def collected(promise: Promise) -> set[tuple[str, str]]:
    """Module and name of a promise's tests, as JUnit's reports spell them."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", *promise.paths]
    if promise.select:
        command += ["-k", promise.select]
    done = subprocess.run(
        [*command, "-o", "addopts=-p no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = set()
    for line in done.stdout.splitlines():
        module, mark, name = line.partition(".py::")
        if mark:
            found.add((module.replace("/", "."), name))
    return found


def reported() -> dict[tuple[str, str], float]:
    """Seconds of every test that passed in the last `make test`, by module and name."""
    passed = {}
    for report in sorted((ROOT / "var" / "tests").glob("*.xml")):
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            if all(case.find(kind) is None for kind in ("failure", "error", "skipped")):
                key = (case.get("classname", ""), case.get("name", ""))
                passed[key] = float(case.get("time", "0"))
    return passed


def last(promise: Promise, passed: dict[tuple[str, str], float]) -> dict[str, object]:
    """A promise's figures of the last `make test`; raises SystemExit when one of its tests did not pass there."""
    tests = collected(promise)
    missing = sorted(name for module, name in tests - passed.keys())
    if missing or not tests:
        raise SystemExit(f"{promise.id}: not in the last run: {', '.join(missing) or 'all'}")
    seconds = sum(passed[test] for test in tests)
    return {"passed": len(tests), "skipped": 0, "seconds": round(seconds)}


def table(figures: dict[str, dict[str, object]]) -> str:
    """The table in Markdown."""
    lines = ["| | promise | tests that ran | where |", "| --- | --- | --- | --- |"]
    for promise in PROMISES:
        found = figures.get(promise.id)
        told = (
            "not run yet" if found is None else f"{found['passed']} passed in {found['seconds']} s"
        )
        if found is not None and found["skipped"]:
            told += f", {found['skipped']} skipped"
        where = ", ".join(f"`{path.removeprefix('tests/')}`" for path in promise.paths)
        lines.append(f"| {promise.id} | {promise.text} | {told} | {where} |")
    return "\n".join(lines) + "\n"


def with_table(text: str, figures: dict[str, dict[str, object]]) -> str:
    """The README's text with the table of these figures."""
    return _BETWEEN.sub(lambda found: found[1] + table(figures) + found[2], text)


def main(arguments: list[str]) -> None:
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    named = [argument for argument in arguments if not argument.startswith("--")]
    wanted = [p for p in PROMISES if not named or p.id in named]
    passed = reported() if "--last" in arguments else {}
    for promise in wanted if "--table" not in arguments else ():
        print(f"{promise.id}: {promise.text}", flush=True)
        figures[promise.id] = last(promise, passed) if passed else run(promise)
        print(f"   {figures[promise.id]}", flush=True)
        FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    README.write_text(with_table(README.read_text(), figures))


if __name__ == "__main__":
    main(sys.argv[1:])
