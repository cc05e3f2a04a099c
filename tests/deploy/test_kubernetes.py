"""Reads the manifests as Kubernetes does, and checks that what they name exists in the code, in the image and in each other."""

import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from devstack import stack
from ledger.settings import Settings
from tests.deploy.test_compose import DOCKERFILE, IMAGE_ENV, SERVICES
from tests.forked_processes import run

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
#: The oldest release that is supported upstream.
KUBERNETES = "1.32"

Manifest = dict[str, Any]
MANIFESTS: list[Manifest] = [
    manifest for name in KUSTOMIZATION["resources"] for manifest in yaml.safe_load_all((FOLDER / name).read_text())
]
OWN_KINDS = [manifest for manifest in MANIFESTS if manifest["apiVersion"] != "postgresql.cnpg.io/v1"]
SETTINGS: dict[str, str] = dict(literal.split("=", 1) for literal in KUSTOMIZATION["configMapGenerator"][0]["literals"])
#: The command of each part that is made from our image.
COMMANDS = {**stack.COMMANDS, "migrate": "python -m migrations upgrade"}


def name_of(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def workloads() -> Iterator[tuple[str, Manifest]]:
    """The pods' templates, by the name of their workload."""
    for manifest in MANIFESTS:
        if manifest["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield manifest["metadata"]["name"], manifest["spec"]["template"]


TEMPLATES = dict(workloads())
CONTAINERS = [
    pytest.param(name, container, id=f"{name}-{container['name']}")
    for name, template in TEMPLATES.items()
    for container in (*template["spec"]["containers"], *template["spec"].get("initContainers", ()))
]


def container(part: str) -> Manifest:
    [only] = TEMPLATES[part]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def test_every_file_is_a_resource() -> None:
    assert {path.name for path in FOLDER.iterdir()} - {"kustomization.yaml"} == set(KUSTOMIZATION["resources"])


@pytest.mark.parametrize("manifest", OWN_KINDS, ids=name_of)
def test_manifest_is_valid(manifest: Manifest) -> None:
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("part", COMMANDS)
def test_command_is_that_of_make_run(part: str) -> None:
    assert container(part)["image"] == "seatledger"
    assert container(part)["args"] == shlex.split(COMMANDS[part])


def test_settings_are_known_and_valid() -> None:
    known = {setting.name.upper() for setting in fields(Settings)}
    assert set(SETTINGS) | {"DATABASE_URL"} <= known
    given = {"DATABASE_URL": "postgresql://seatledger@postgresql-rw/seatledger", "MAIL_URL": "smtps://mail.example.org"}
    settings = Settings.from_env({**SETTINGS, **IMAGE_ENV, **given})
    assert (settings.demo, settings.secure_cookies, settings.has_mail, str(settings.keys)) == (False, True, True, "/keys")
    secrets = {
        part: {one["name"]: one["valueFrom"]["secretKeyRef"]["name"] for one in container(part)["env"]}
        for part in ("api", "worker", "migrate")
    }
    [cluster] = [manifest for manifest in MANIFESTS if manifest["kind"] == "Cluster"]
    owner, runtime = f"{cluster['metadata']['name']}-app", cluster["spec"]["managed"]["roles"][0]["passwordSecret"]["name"]
    assert secrets["api"] == secrets["worker"] == {"DATABASE_URL": runtime, "MAIL_URL": "seatledger-mail"}
    assert secrets["migrate"] == {"DATABASE_URL": owner, "RUNTIME_DATABASE_URL": runtime}, "the owner's is made by the operator"


@pytest.mark.parametrize(("part", "container"), CONTAINERS)
def test_container_is_confined(part: str, container: Manifest) -> None:
    """As the namespace's level `restricted` demands, and more."""
    pod, own = TEMPLATES[part]["spec"], container["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert pod["automountServiceAccountToken"] is False
    assert {"requests", "limits"} <= set(container["resources"])
    if container["image"] == "seatledger":
        assert f"--uid {pod['securityContext']['runAsUser']} " in DOCKERFILE


def test_probes_and_ports() -> None:
    api = container("api")
    [port] = api["ports"]
    assert str(port["containerPort"]) == IMAGE_ENV["PORT"]
    assert api["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "http"}
    assert api["livenessProbe"]["httpGet"]["path"] == api["startupProbe"]["httpGet"]["path"] == "/health"
    assert api["readinessProbe"]["timeoutSeconds"] > 3, "/ready takes 3 s at most"
    assert container("worker")["readinessProbe"]["exec"]["command"] == SERVICES["worker"]["healthcheck"]["test"][1:]
    assert container("redis")["args"] == shlex.split(SERVICES["redis"]["command"])
    assert TEMPLATES["api"]["spec"]["terminationGracePeriodSeconds"] >= Settings.drain_seconds + 20


def test_selectors_find_pods() -> None:
    labels = [template["metadata"]["labels"] for template in TEMPLATES.values()]

    def selected(selector: dict[str, str]) -> int:
        return sum(selector.items() <= one.items() for one in labels)

    for manifest in MANIFESTS:
        spec, kind = manifest.get("spec", {}), manifest["kind"]
        if kind == "Service":
            assert selected(spec["selector"]) == 1, name_of(manifest)
        elif kind in ("Deployment", "StatefulSet", "PodDisruptionBudget"):
            assert selected(spec["selector"]["matchLabels"]) == 1, name_of(manifest)
        elif kind == "NetworkPolicy" and spec["podSelector"] and "app" in spec["podSelector"]["matchLabels"]:
            assert selected(spec["podSelector"]["matchLabels"]) == 1, name_of(manifest)
            parts = [
                value
                for rule in spec["ingress"]
                for peer in rule["from"]
                for expression in peer.get("podSelector", {}).get("matchExpressions", [])
                for value in expression["values"]
            ]
            assert set(parts) <= {one["part"] for one in labels}


def test_disruption_budgets_let_nodes_be_drained() -> None:
    specs = {manifest["metadata"]["name"]: manifest["spec"] for manifest in MANIFESTS if "replicas" in manifest.get("spec", {})}
    for manifest in MANIFESTS:
        if manifest["kind"] == "PodDisruptionBudget":
            assert 0 < manifest["spec"]["minAvailable"] < specs[manifest["metadata"]["name"]]["replicas"]


def test_keys_of_the_secret_are_those_that_are_made(tmp_path: Path) -> None:
    """`make-keys` makes what each part needs: the API reads them from a file system that is read-only."""
    done = run(("projections", "make-keys"), environment={"KEYS_DIR": str(tmp_path / "keys")})
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {
        "accounts.1", "checkpoint-origin", "checkpoints.1", "ledger.1", "mail.1", "tickets.1", "webhooks.1",
    }  # fmt: skip
    again = run(("projections", "make-keys"), environment={"KEYS_DIR": str(tmp_path / "keys")})
    assert again.stdout == done.stdout, "what is there stays"
