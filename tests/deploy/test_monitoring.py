"""What Prometheus and Grafana are given fits what the processes show, and each alert comes when it should."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import metrics as api_metrics
from ledger.metrics import families
from tests.deploy.test_compose import SERVICES
from tests.deploy.test_kubernetes import SETTINGS, container
from tests.forked_processes import ForkedProcess
from tests.metric_samples import Samples
from tests.project.test_docs import PATHS
from tests.running_system import Stack, free_port
from tests.soak import SOAK
from workers import metrics as worker_metrics

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy" / "monitoring"
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]
}
PANELS = [panel for panel in json.loads((FOLDER / "grafana" / "dashboard.json").read_text())["panels"] if panel["type"] != "row"]
EXPRESSIONS = {name: rule["expr"] for name, rule in ALERTS.items()} | {
    f"{panel['title']}: {target['legendFormat']}": target["expr"] for panel in PANELS for target in panel["targets"]
}
#: Of Prometheus itself, and of its node exporter.
OTHERS = {"up", "node_filesystem_avail_bytes", "node_filesystem_size_bytes"}
_NAME = re.compile(r"\b(?:(?:seatledger|process|node)_\w+|up)\b")
_LABEL = re.compile(r'\b(\w+)=(~?)"((?:[^"\\]|\\.)*)"')


def names_in(expression: str) -> set[str]:
    return set(_NAME.findall(re.sub(r'"[^"]*"', '""', expression)))


@pytest.fixture(scope="module")
def shown(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Samples]]:
    """The metrics of each kind of process."""
    with ExitStack() as cleanup:
        seen = {"api": Samples.of(stack.url)}
        for part in ("worker", "tick"):
            settings = replace(stack.settings, metrics_port=free_port())
            process = ForkedProcess(("workers", part), {**os.environ, **settings.to_env()}, tmp_path_factory.mktemp(part))
            cleanup.callback(process.wait, 30)
            cleanup.callback(process.terminate)
            seen[part] = Samples.once_served(settings.metrics_port)
        yield seen


def test_each_metric_that_is_asked_for_is_shown(shown: dict[str, Samples]) -> None:
    known = OTHERS.union(*(samples.names for samples in shown.values()))
    for what, expression in EXPRESSIONS.items():
        names = names_in(expression)
        assert names, what
        assert names <= known, what


def test_each_family_of_the_reference_is_shown_and_no_other(shown: dict[str, Samples]) -> None:
    for module, parts in ((api_metrics, ["api"]), (worker_metrics, ["worker", "tick"])):
        documented = {(family.name, family.kind, family.help) for family in families(module)}
        real = {
            (family.name, family.type, family.documentation)
            for part in parts
            for family in shown[part].families.values()
            if family.name.startswith("seatledger_")
        }
        assert real == documented


def test_labels_that_are_asked_for_exist() -> None:
    labels = {label for family in families(api_metrics, worker_metrics) for label in family.labels}
    for what, expression in EXPRESSIONS.items():
        for label, is_pattern, value in _LABEL.findall(expression):
            assert label in labels | {"job", "fstype"}, what
            if label == "route" and not is_pattern:
                assert value in PATHS, what
            if label == "route" and is_pattern:
                assert any(re.fullmatch(value, path) for path in PATHS), what


@pytest.mark.parametrize("name", ALERTS)
def test_alert_is_in_the_runbook_and_says_what_happens(name: str) -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    [section] = re.findall(rf"^### {name}\n(.*?)(?=^##|\Z)", runbook, re.MULTILINE | re.DOTALL)
    for part in ("**Means**", "**Look**", "**Do**"):
        assert part in section
    assert ALERTS[name]["annotations"]["summary"].endswith(".")
    assert ALERTS[name]["labels"]["severity"] in ("page", "ticket")


def test_runbook_has_no_other_alerts() -> None:
    assert re.findall(r"^### (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE) == list(ALERTS)


def test_scraped_ports_are_those_of_the_processes() -> None:
    jobs = {job["job_name"]: job for job in yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]}
    assert jobs["seatledger-api"]["static_configs"][0]["targets"] == ["api1:8000", "api2:8000"]
    for part in ("worker", "tick"):
        [target] = jobs[f"seatledger-{part}"]["dns_sd_configs"]
        assert target["names"] == [part]
        assert SERVICES[part]["environment"]["METRICS_PORT"] == str(target["port"]) == SETTINGS["METRICS_PORT"]
        assert SERVICES[part]["expose"] == [str(target["port"])]
        assert container(part)["ports"] == [{"name": "metrics", "containerPort": target["port"]}]


def test_compose_file_mounts_files_that_exist_and_publishes_at_loopback_only() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.monitoring.yml").read_text())["services"]
    for service in services.values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith(".") or (ROOT / "deploy" / source).is_file()
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


# --- the alerts, by Prometheus' own tool

#: Series of a system that is well, over half an hour.
_BOOKINGS = 'method="POST", route="/api/events/{event_id}/bookings"'
WELL = {
    'seatledger_ready{instance="a"}': "1x30", 'seatledger_draining{instance="a"}': "0x30",
    'up{job="seatledger-api", instance="a"}': "1x30",
    f'seatledger_http_requests_total{{{_BOOKINGS}, status="201"}}': "0+600x30",
    f'seatledger_http_requests_total{{{_BOOKINGS}, status="503"}}': "0x30",
    f'seatledger_http_request_duration_seconds_bucket{{{_BOOKINGS}, le="0.1"}}': "0+600x30",
    f'seatledger_http_request_duration_seconds_bucket{{{_BOOKINGS}, le="5.0"}}': "0+600x30",
    f'seatledger_http_request_duration_seconds_bucket{{{_BOOKINGS}, le="+Inf"}}': "0+600x30",
    'seatledger_http_request_duration_seconds_bucket{method="GET", route="/api/events", le="0.1"}': "0+600x30",
    'seatledger_http_request_duration_seconds_bucket{method="GET", route="/api/events", le="5.0"}': "0+600x30",
    'seatledger_http_request_duration_seconds_bucket{method="GET", route="/api/events", le="+Inf"}': "0+600x30",
    'seatledger_command_queue_seconds_bucket{instance="a", le="0.1"}': "0+600x30",
    'seatledger_command_queue_seconds_bucket{instance="a", le="5.0"}': "0+600x30",
    'seatledger_command_queue_seconds_bucket{instance="a", le="+Inf"}': "0+600x30",
    'seatledger_commands_held{instance="a"}': "20x30", 'seatledger_commands_limit{instance="a"}': "2000x30",
    'seatledger_batch_failures_total{instance="a", reason="refused"}': "0x30",
    'seatledger_batch_failures_total{instance="a", reason="conflict"}': "0+100x30",
    'seatledger_pool_connections{instance="a", pool="query", state="used"}': "2x30",
    'seatledger_pool_limit{instance="a", pool="query"}': "10x30",
    'seatledger_live_streams{instance="a"}': "10x30", 'seatledger_live_streams_limit{instance="a"}': "2000x30",
    'seatledger_standby_usable{instance="a"}': "1x30",
    'node_filesystem_avail_bytes{instance="a", mountpoint="/", fstype="ext4"}': "90x30",
    'node_filesystem_size_bytes{instance="a", mountpoint="/", fstype="ext4"}': "100x30",
    'seatledger_projection_lag_seconds{projection="revenue"}': "0x30",
    'seatledger_projection_state{projection="revenue", state="stalled"}': "0x30",
    'seatledger_projection_set_aside{projection="revenue"}': "0x30",
    'seatledger_worker_unmoved_seconds{projection="revenue"}': "0x30",
    'seatledger_worker_look_timestamp_seconds{instance="w"}': "0+60x30",
    'seatledger_worker_database_up{instance="w"}': "1x30", 'seatledger_worker_redis_up{instance="w"}': "1x30",
    'seatledger_redis_subscribed{instance="a"}': "1x30",
    'seatledger_tick_timestamp_seconds{instance="t"}': "0+60x30",
    'seatledger_ledger_went_back_total{instance="a"}': "0x30", 'seatledger_worker_ledger_went_back_total{instance="w"}': "0x30",
    'seatledger_forged_entries_read_total{instance="a"}': "0x30",
    'seatledger_worker_forged_entries_read_total{instance="w"}': "0x30",
    'seatledger_entries_appended_total{instance="a"}': "0+600x30",
    'seatledger_worker_checkpoints_total{instance="w"}': "0+10x30",
    'seatledger_log_signing{state="signing"}': "1x30", 'seatledger_log_signing{state="forgotten"}': "0x30",
    "seatledger_verification_proven": "1x30", "seatledger_verification_timestamp_seconds": "0x30",
}  # fmt: skip
_GONE = "_x30"
#: What is changed, by the beginning of the series' names, and the alerts that fire then.
ILLS: dict[str, tuple[dict[str, str], set[str]]] = {
    "well": ({}, set()),
    "no process is ready": ({"seatledger_ready": "0x30"}, {"SeatledgerCannotSell", "SeatledgerApiNotReady"}),
    "no process is there": ({"seatledger_ready": _GONE, "up": "0x30"}, {"SeatledgerCannotSell", "SeatledgerProcessDown"}),
    "stopped in order": ({"seatledger_ready": "0x1 1x28", "seatledger_draining": "1x1 0x28"}, set()),
    "errors": ({f'seatledger_http_requests_total{{{_BOOKINGS}, status="503"': "0+60x30"}, {"SeatledgerErrors"}),
    "slow bookings": (
        {f'seatledger_http_request_duration_seconds_bucket{{{_BOOKINGS}, le="0.1"': "0+60x30"},
        {"SeatledgerSlowBookings"},
    ),
    "slow queries": (
        {'seatledger_http_request_duration_seconds_bucket{method="GET", route="/api/events", le="0.1"': "0+60x30"},
        {"SeatledgerSlowQueries"},
    ),
    "queue": ({'seatledger_command_queue_seconds_bucket{instance="a", le="0.1"': "0+60x30"}, {"SeatledgerCommandsQueue"}),
    "near the limit": ({"seatledger_commands_held": "1900x30"}, {"SeatledgerCommandsNearLimit"}),
    "refused": (
        {'seatledger_batch_failures_total{instance="a", reason="refused"': "0+60x30"},
        {"SeatledgerAppendsFail"},
    ),
    "pool": ({"seatledger_pool_connections": "10x30"}, {"SeatledgerConnectionsNearLimit"}),
    "streams": ({"seatledger_live_streams{": "1990x30"}, {"SeatledgerLiveStreamsNearLimit"}),
    "standby": ({"seatledger_standby_usable": "0x30"}, {"SeatledgerStandbyUnused"}),
    "disk": ({"node_filesystem_avail_bytes": "5x30"}, {"SeatledgerDiskNearlyFull"}),
    "lag": ({"seatledger_projection_lag_seconds": "0+10x30"}, {"SeatledgerProjectionLags"}),
    "stalled": ({"seatledger_projection_state": "1x30"}, {"SeatledgerProjectionStalled"}),
    "set aside": ({"seatledger_projection_set_aside": "1x30"}, {"SeatledgerEventSetAside"}),
    "unmoved": ({"seatledger_worker_unmoved_seconds": "0+5x30"}, {"SeatledgerWorkerNotProgressing"}),
    "hung worker": ({"seatledger_worker_look": "0+60x5 300x24"}, {"SeatledgerNoWorker"}),
    "no worker": ({"seatledger_worker_look": _GONE}, {"SeatledgerNoWorker"}),
    "no database": ({"seatledger_worker_database_up": "0x30"}, {"SeatledgerWorkerWithoutDatabase"}),
    "no Redis for a worker": ({"seatledger_worker_redis_up": "0x30"}, {"SeatledgerRedisUnavailable"}),
    "no Redis for an API": ({"seatledger_redis_subscribed": "0x30"}, {"SeatledgerRedisUnavailable"}),
    "no tick": ({"seatledger_tick_timestamp_seconds": "0+60x5 300x24"}, {"SeatledgerNoTick"}),
    "went back": ({"seatledger_ledger_went_back_total": "0x10 1x19"}, {"SeatledgerLedgerWentBack"}),
    "went back under a worker": ({"seatledger_worker_ledger_went_back_total": "0x10 1x19"}, {"SeatledgerLedgerWentBack"}),
    "a forged entry in an API": ({"seatledger_forged_entries_read_total": "0x10 1x19"}, {"SeatledgerForgedEntry"}),
    "a forged entry in a worker": ({"seatledger_worker_forged_entries_read_total": "0x10 1x19"}, {"SeatledgerForgedEntry"}),
    "not signed": ({"seatledger_worker_checkpoints_total": "10x30"}, {"SeatledgerNoCheckpoint"}),
    "nothing to sign": ({"seatledger_worker_checkpoints_total": "10x30", "seatledger_entries_appended_total": "5x30"}, set()),
    "signing stopped": ({'seatledger_log_signing{state="forgotten"': "1x30"}, {"SeatledgerSigningStopped"}),
    "altered": ({"seatledger_verification_proven": "0x30"}, {"SeatledgerAltered"}),
    "not verified": ({"seatledger_verification_timestamp_seconds": "-300000x30"}, {"SeatledgerVerificationOld"}),
}


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None and not SOAK:
        pytest.skip("promtool is missing: make soak installs it")
    assert found, "promtool is missing"
    return found


def check(promtool: str, *arguments: str | Path) -> None:
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_configuration_is_valid(promtool: str, tmp_path: Path) -> None:
    check(promtool, "check", "config", FOLDER / "prometheus.yml")
    for file in FOLDER.glob("*.yml"):
        shutil.copy(file, tmp_path)
    kubernetes = yaml.safe_load((FOLDER / "prometheus.kubernetes.yml").read_text())
    for job in kubernetes["scrape_configs"]:  # which Debian's promtool does not know
        job["static_configs"] = [] if job.pop("kubernetes_sd_configs") else None
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(kubernetes))
    check(promtool, "check", "config", tmp_path / "prometheus.yml")


def test_each_alert_fires_when_it_should_and_alone(promtool: str, tmp_path: Path) -> None:
    tests = []
    for changes, alerts in ILLS.values():
        series = {
            name: next((new for start, new in changes.items() if name.startswith(start)), well) for name, well in WELL.items()
        }
        firing = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(alerts)]
        query = {"expr": 'group by (alertname) (ALERTS{alertstate="firing"})', "eval_time": "25m", "exp_samples": firing}
        inputs = [{"series": name, "values": values} for name, values in series.items()]
        tests.append({"interval": "1m", "input_series": inputs, "promql_expr_test": [query]})
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(FOLDER / "alerts.yml")], "evaluation_interval": "30s", "tests": tests}))
    check(promtool, "test", "rules", file)
    assert set(ALERTS) == set().union(*(alerts for _, alerts in ILLS.values()))


def test_each_query_of_the_dashboard_is_valid(promtool: str, tmp_path: Path) -> None:
    expressions = [re.sub(r"\$__rate_interval", "5m", target["expr"]) for panel in PANELS for target in panel["targets"]]
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(expressions)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    check(promtool, "check", "rules", file)
