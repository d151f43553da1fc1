"""Containers, Kubernetes and the workflow: valid by their schemas, and as locked as they can be."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema.validators import validator_for

from feedhub.cli.registry import parse

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
SCHEMAS = Path(__file__).parent / "schemas"
COMPOSE = "container/compose.yaml"
CATALOG = "/var/lib/feedhub"
SHA = re.compile(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text(encoding="utf-8"))


def complaints(document: Any, by: Any) -> list[str]:
    """Return what a schema has against a document."""
    validator = validator_for(by)(by)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def of_kind(kind: str) -> Any:
    """Return the schema of a kind of Kubernetes object."""
    whole = schema("kubernetes.json")
    return {"$schema": whole["$schema"], "$defs": whole["$defs"], **whole["kinds"][kind]}


def objects() -> dict[str, Any]:
    """Return the objects of the Kubernetes manifest, by kind."""
    return {each["kind"]: each for each in yaml.safe_load_all(text("kubernetes/feedhub.yaml"))}


def pod() -> Any:
    return objects()["Deployment"]["spec"]["template"]["spec"]


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text(COMPOSE))["services"]
    return found


WORKFLOWS = ("github/pages.yml", "github/built-site.yml")


def workflow(name: str = WORKFLOWS[0]) -> Any:
    # YAML 1.1 takes the key `on` for a boolean.
    whole = yaml.safe_load(text(name))
    return {"on" if key is True else key: value for key, value in whole.items()}


def instructions() -> Iterator[tuple[str, str]]:
    """Return the instructions of the Containerfile with their words, lines joined."""
    lines = re.sub(r"\\\n\s*", "", text("container/Containerfile")).splitlines()
    for line in lines:
        if line and not line.startswith("#"):
            name, _, words = line.partition(" ")
            yield name, words


def last_stage() -> list[tuple[str, str]]:
    """Return the instructions that make the image which runs."""
    every = list(instructions())
    begin = max(place for place, (name, _) in enumerate(every) if name == "FROM")
    return every[begin:]


def test_every_kubernetes_object_is_valid():
    assert set(objects()) == {
        "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "Ingress",
    }  # fmt: skip
    for kind, document in objects().items():
        assert complaints(document, of_kind(kind)) == []


def test_the_schemas_do_complain():
    deployment = objects()["Deployment"]
    deployment["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x"
    assert complaints(deployment, of_kind("Deployment"))
    compose = yaml.safe_load(text(COMPOSE))
    compose["services"]["sync"]["read_onli"] = True
    assert complaints(compose, schema("compose-spec.json"))
    broken = workflow()
    broken["jobs"]["render"]["permission"] = {}
    assert complaints(broken, schema("github-workflow.json"))


def test_the_pods_are_restricted():
    """As the Pod Security Standard of that name asks, and without a writable root."""
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod()["automountServiceAccountToken"] is False
    for container in pod()["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]


def test_in_a_pod_only_sync_writes_the_catalog_and_only_sync_sees_the_articles():
    mounts = {
        container["name"]: {mount["name"]: mount for mount in container["volumeMounts"]}
        for container in pod()["containers"]
    }
    assert "readOnly" not in mounts["sync"]["catalog"]
    assert mounts["serve"]["catalog"]["readOnly"] is True
    assert mounts["sync"]["articles"]["readOnly"] is True
    assert "articles" not in mounts["serve"]


def test_the_probes_ask_the_operators_port():
    serve = next(each for each in pod()["containers"] if each["name"] == "serve")
    ports = {port["name"]: port["containerPort"] for port in serve["ports"]}
    options = parse(serve["args"])
    assert ports == {"http": options.port, "admin": int(options.admin.rpartition(":")[2])}
    probes = {
        name: serve[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")
    }
    assert {probe["port"] for probe in probes.values()} == {"admin"}
    assert probes["liveness"]["path"] == "/livez"
    assert probes["readiness"]["path"] == probes["startup"]["path"] == "/readyz"


def test_every_label_and_port_name_meets_its_other_end():
    found = objects()
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["ports"][0]["targetPort"] == "http"
    (rule,) = found["Ingress"]["spec"]["rules"]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": found["Service"]["metadata"]["name"], "port": {"name": "http"}}


def test_the_compose_file_is_valid():
    assert complaints(yaml.safe_load(text(COMPOSE)), schema("compose-spec.json")) == []


@pytest.mark.parametrize("name", ["sync", "serve", "ping", "nginx"])
def test_a_container_may_do_nothing_it_need_not(name: str):
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["mem_limit"]
    assert service["pids_limit"]
    if name != "nginx":
        assert service["network_mode"] == ("bridge" if name == "ping" else "none")
        assert service["user"] == "65532:65532"


def test_in_compose_only_sync_writes_the_catalog_and_only_sync_sees_the_articles():
    volumes = {name: service["volumes"] for name, service in services().items()}
    assert f"catalog:{CATALOG}" in volumes["sync"]
    assert f"catalog:{CATALOG}:ro" in volumes["serve"]
    assert all(":ro" in volume for volume in volumes["nginx"])
    for name in ("serve", "ping"):
        assert not [volume for volume in volumes[name] if "articles" in volume]


def test_the_files_that_compose_names_are_there():
    folder = DEPLOY / "container"
    assert (folder / "../nginx/proxy.conf").resolve().is_file()
    build = services()["sync"]["build"]
    assert (folder / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    shipped = text("nginx/proxy.conf")
    assert "server unix:/run/feedhub/serve.sock " in shipped
    assert "--uds=/run/feedhub/serve.sock" in services()["serve"]["command"]


@pytest.mark.parametrize("where", ["compose", "kubernetes", "image"])
def test_every_container_is_started_with_options_that_feedhub_has(where: str):
    given = {
        "compose": [services()[name]["command"] for name in ("sync", "serve", "ping")],
        "kubernetes": [container["args"] for container in pod()["containers"]],
        "image": [json.loads(dict(last_stage())["CMD"])],
    }
    for arguments in given[where]:
        assert parse(arguments).catalog == Path(CATALOG) / "catalog.db"


def test_the_image_that_runs_has_no_root_no_shell_and_no_build_step():
    stage = last_stage()
    names = [name for name, _ in stage]
    assert "RUN" not in names
    assert dict(stage)["USER"] == "65532:65532"
    for name in ("ENTRYPOINT", "CMD"):
        assert isinstance(json.loads(dict(stage)[name]), list), "no shell stands between"
    check = dict(stage)["HEALTHCHECK"].partition("CMD ")[2]
    assert json.loads(check)[0] == "python"
    assert ":latest" not in text("container/Containerfile")


def test_the_image_is_built_from_the_locked_packages_alone():
    installs = [words for name, words in instructions() if name == "RUN" and " install " in words]
    assert len(installs) == 2
    for words in installs:
        assert "--require-hashes -r requirements.lock" in words or "--no-deps" in words
    copied = {
        word
        for name, words in instructions()
        if name == "COPY" and "--from" not in words
        for word in shlex.split(words)[:-1]
    }
    assert [name for name in copied if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_workflow_is_valid(name: str):
    assert complaints(workflow(name), schema("github-workflow.json")) == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_to_a_commit(name: str):
    uses = [line.strip("- ") for line in text(name).splitlines() if "uses:" in line]
    assert len(uses) >= 5
    assert [line for line in uses if not SHA.fullmatch(line)] == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_workflow_may_do_as_little_as_it_can(name: str):
    whole = workflow(name)
    assert whole["permissions"] == {}
    assert whole["jobs"]["render"]["permissions"] == {"contents": "read"}
    assert whole["jobs"]["deploy"]["permissions"] == {"pages": "write", "id-token": "write"}
    scripts = [step.get("run", "") for job in whole["jobs"].values() for step in job["steps"]]
    assert not [script for script in scripts if "${{" in script], "no expression in a script"
    for step in whole["jobs"]["render"]["steps"]:
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


def test_the_workflow_keeps_the_catalog_and_renders_with_options_that_feedhub_has():
    steps = workflow()["jobs"]["render"]["steps"]
    kept = next(step["with"]["path"].split() for step in steps if "cache@" in step.get("uses", ""))
    script = next(step["run"] for step in steps if step.get("name") == "Render")
    line = next(line for line in script.splitlines() if " render " in line)
    options = parse(shlex.split(line.partition("||")[0])[1:])
    assert {str(options.catalog), str(options.out)} <= set(kept)
    assert ".feedhub" in script, "what render keeps for itself is not published"
