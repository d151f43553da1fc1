"""docs/operating.md, the alerts and the dashboard: what exists stands there, and nothing else."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from feedhub.catalog.database import SCHEMA_VERSION
from feedhub.server.admin import HubStatus, PurgeStatus, WebhookStatus, format_metrics
from feedhub.server.metrics import Metrics
from feedhub.server.processes import ProcessStatus
from tests.test_server_operations import WELL, record

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src/feedhub"
MANUAL = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
RULES = ROOT / "deploy/prometheus/feedhub.rules.yml"
DASHBOARD = ROOT / "deploy/grafana/feedhub.json"

# What is logged or reported is written in these modules; an article's problems stand elsewhere.
LOGGING = (
    *PACKAGE.glob("server/*.py"),
    *(
        PACKAGE / f"catalog/{name}.py"
        for name in (
            "__init__",
            "database",
            "identity",
            "ledger",
            "records",
            "sqlite",
            "state",
            "sync",
        )
    ),
    *PACKAGE.glob("delivery/*.py"),
    *PACKAGE.glob("websub/*.py"),
    *PACKAGE.glob("purge/*.py"),
    PACKAGE / "webhook.py",
    *(PACKAGE / f"cli/{name}.py" for name in ("__init__", "serve", "sync", "ping", "options")),
)
CALLS = {"log", "error", "warn", "not_usable", "report_error", "_print_once"}
# Functions and constants whose texts reach /readyz or the log as a variable.
REPORTING = {
    "late_sync_problem",
    "hub_status",
    "purge_status",
    "webhook_status",
    "run_once",
    "status",
}
CONSTANTS = {"EMPTY", "DRAFTS_DIFFER", "OTHER_VERSION", "NO_CATALOG", "DAMAGED", "EXITS", "message"}
# Errors that end a request or an argument, not the server.
ELSEWHERE = ("too many requests", "nothing matches", "is gone", "has no second reader", "the path")


def metrics() -> str:
    """Return the metrics of a server that has everything."""
    counted = Metrics()
    record(counted)
    processes = {"feedhub ping": ProcessStatus(3, "")}
    receivers = {
        "hub": HubStatus(0, 0.0, ""),
        "purge": PurgeStatus(0, 0.0, 0.0, ""),
        "webhook": WebhookStatus(0, 0.0, 0.0, ""),
    }
    status = WELL._replace(processes=processes, **receivers)  # type: ignore[arg-type]
    return format_metrics(counted, lambda: status).decode()


def names() -> tuple[set[str], set[str]]:
    """Return the names of our metrics, and those of all series that are scraped."""
    families = list(text_string_to_metric_families(metrics()))
    ours = {family.name + "_total" * (family.type == "counter") for family in families}
    series = {sample.name for family in families for sample in family.samples}
    return {name for name in ours if name.startswith("feedhub_")}, series


def series_of(expressions: str) -> set[str]:
    return set(re.findall(r"\b(?:feedhub|process)_\w+", expressions))


def test_the_manual_names_every_metric_and_no_other():
    ours, series = names()
    table = MANUAL.partition("## Metrics")[2].partition("\n## ")[0]
    assert set(re.findall(r"\bfeedhub_\w+", table)) == ours
    # The schema of a catalog in PostgreSQL is named after the version of its tables.
    assert series_of(MANUAL) - series - ours == {f"feedhub_{SCHEMA_VERSION}"}
    assert not [name for name in series if name.endswith("_created")]


# Messages


def template(node: ast.AST) -> str:
    """Return the text of a literal, with `…` for what is filled in; "" for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) or "…" for part in node.values)
    return ""


def texts(path: Path) -> Iterator[str]:
    """Yield the templates of the messages of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if (name in CALLS or name.endswith("Error")) and "ArgumentType" not in name:
                ending = ": …" if name == "not_usable" else ""
                yield from (template(argument) + ending for argument in node.args)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in CONSTANTS:
            values = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
            yield from map(template, values)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in REPORTING:
            for inner in ast.walk(node):
                if isinstance(inner, ast.JoinedStr):
                    yield template(inner)


def messages() -> set[str]:
    """Return the templates that have words of their own."""
    found = {text for path in LOGGING for text in texts(path)}
    own = {text for text in found if " " in text and re.search("[a-z]{5}", text)}
    return {text for text in own if not any(part in text for part in ELSEWHERE)}


def pattern(text: str) -> re.Pattern[str]:
    return re.compile(r"(?:\S+: )*" + re.escape(text).replace("…", ".*"))


def test_the_manual_has_every_message_and_no_other():
    section = MANUAL.partition("## Messages")[2].partition("\n## ")[0]
    shown = set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))
    known = messages()
    assert len(known) > 30
    unknown = [text for text in known if not any(map(pattern(text).search, shown))]
    assert sorted(unknown) == []
    gone = [row for row in shown if not any(pattern(text).fullmatch(row) for text in known)]
    assert sorted(gone) == []


def test_the_manual_has_every_exit_code():
    section = MANUAL.partition("## Exit codes")[2]
    codes = set(map(int, re.findall(r"^\| (\d+) \|", section, re.MULTILINE)))
    main = (PACKAGE / "cli/__init__.py").read_text(encoding="utf-8")
    stated = set(map(int, re.findall(r"^ +return (\d+)\b", main, re.MULTILINE)))
    assert codes == {0, 1, 2, 3, 74} | stated


# Alerts and dashboard


def alerts() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(RULES.read_text("utf-8"))["groups"][0]["rules"]
    return found


def expressions() -> list[str]:
    """Return the queries of the dashboard."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def promtool(*arguments: object, text: str = "") -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is missing: apt-get install prometheus")
    ran = subprocess.run(
        [program, *map(str, arguments)], input=text, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_alerts_and_dashboard_name_only_metrics_that_exist():
    _, series = names()
    named = series_of("\n".join([*(rule["expr"] for rule in alerts()), *expressions()]))
    assert named - series == set()


def test_the_dashboard_shows_every_metric():
    ours, _ = names()
    shown = {
        re.sub("_(bucket|sum|count)$", "", name) for name in series_of(" ".join(expressions()))
    }
    assert ours - shown == set()


def test_the_manual_says_what_to_do_about_every_alert_and_no_other():
    rows = re.findall(r"^\| `(Feedhub\w+)` \|", MANUAL, re.MULTILINE)
    assert sorted(rows) == sorted(rule["alert"] for rule in alerts())


def test_prometheus_accepts_metrics_rules_and_queries(tmp_path: Path):
    promtool(
        "check", "metrics", text="\n".join(filter(ours_or_comment, metrics().splitlines())) + "\n"
    )
    queries = [text.replace("$__rate_interval", "5m") for text in expressions()]
    recorded = [{"record": f"panel:{n}", "expr": text} for n, text in enumerate(queries)]
    groups = {"groups": [{"name": "dashboard", "rules": recorded}]}
    (tmp_path / "dashboard.yml").write_text(json.dumps(groups), encoding="utf-8")
    promtool("check", "rules", RULES, tmp_path / "dashboard.yml")


def ours_or_comment(line: str) -> bool:
    return "feedhub_" in line


# The values of each minute that raise an alert, and those that do not.
RAISED: dict[str, tuple[str, dict[str, str], str, str]] = {
    "FeedhubDown": ("up", {"job": "feedhub"}, "0x20", "1x20"),
    "FeedhubNotReady": ("feedhub_ready", {}, "0x20", "1x20"),
    "FeedhubSyncFailing": ("feedhub_sync_failing", {}, "1x20", "1x3 0x17"),
    "FeedhubSyncOld": ("feedhub_sync_timestamp_seconds", {}, "0x20", "0+60x20"),
    "FeedhubRestarts": (
        "feedhub_process_restarts_total", {"process": "worker 1"}, "0+1x20", "0x10 1x10",
    ),
    "FeedhubErrors": ("feedhub_errors_total", {}, "0+1x20", "7x20"),
    "FeedhubUnavailable": ("feedhub_requests_total", {"status": "503"}, "0+10x40", "0+1x40"),
    "FeedhubSlow": ("feedhub_request_seconds_bucket", {"le": "0.5"}, "0+90x40", "0+100x40"),
    "FeedhubHubFailing": ("feedhub_hub_failing", {}, "1x20", "0x20"),
    "FeedhubPurgeFailing": ("feedhub_purge_failing", {}, "1x20", "0x20"),
    "FeedhubWebhookFailing": ("feedhub_webhook_failing", {}, "1x20", "0x20"),
    "FeedhubStreamsRefused": ("feedhub_event_streams_refused_total", {}, "0+60x40", "0+1x40"),
    "FeedhubRejectedFiles": ("feedhub_rejected_files", {}, "2x90", "0x90"),
}  # fmt: skip
BESIDE: dict[str, list[tuple[str, dict[str, str], str]]] = {
    "FeedhubSyncOld": [("feedhub_ready", {}, "1x90")],
    "FeedhubUnavailable": [("feedhub_requests_total", {"status": "304"}, "0+500x90")],
    "FeedhubSlow": [
        ("feedhub_request_seconds_bucket", {"le": "1"}, "0+100x90"),
        ("feedhub_request_seconds_bucket", {"le": "+Inf"}, "0+100x90"),
    ],
}


def case(name: str, values: str) -> dict[str, Any]:
    """Return a test of one alert in the form of promtool."""
    metric, labels, _, _ = RAISED[name]
    rows = [(metric, labels, values), *BESIDE.get(name, [])]
    series = []
    for title, given, numbers in rows:
        labelled = ", ".join(f'{key}="{text}"' for key, text in {"instance": "a", **given}.items())
        series.append({"series": f"{title}{{{labelled}}}", "values": numbers})
    minutes = 75 if name == "FeedhubRejectedFiles" else 20
    return {"interval": "1m", "input_series": series, "minutes": minutes}


def test_each_alert_is_raised_when_it_should_be_and_else_not(tmp_path: Path):
    assert set(RAISED) == {rule["alert"] for rule in alerts()}
    tests = []
    for rule in alerts():
        name = rule["alert"]
        bad, good = RAISED[name][2:]
        for values, count in ((bad, 1), (good, 0)):
            given = case(name, values)
            sample = f'count(ALERTS{{alertname="{name}", alertstate="firing"}}) or vector(0)'
            expected = [{"labels": "{}", "value": count}]
            expr = {
                "expr": sample,
                "eval_time": f"{given.pop('minutes')}m",
                "exp_samples": expected,
            }
            tests.append(given | {"promql_expr_test": [expr]})
    file = tmp_path / "alerts.yml"
    document = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}
    file.write_text(json.dumps(document), encoding="utf-8")
    promtool("test", "rules", file)
