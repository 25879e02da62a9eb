"""What is deployed is described validly, names files that are there, and grants no more than it needs."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import kubernetes_validate
import production
import pytest
from deployed import DEPLOY, ROOT, read_all, read_yaml, tool
from packaging.utils import canonicalize_name

from gateway.settings import PREFIX, Settings

KUBERNETES = DEPLOY / "kubernetes"
BASE = KUBERNETES / "base"
OVERLAYS = sorted((KUBERNETES / "overlays").iterdir())
KUSTOMIZATIONS = [BASE, *OVERLAYS]
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))
VERSIONS = ("1.29", "1.37")
"""The oldest and the newest of Kubernetes that the manifests are held against."""
SECRETS = {"HUTONG_LEDGER", "HUTONG_REDIS", "HUTONG_ADMIN_TOKEN"}


def manifests() -> Iterator[tuple[Path, Any]]:
    """Give every manifest, but for the kustomizations themselves and patches, which are no whole objects."""
    for folder in KUSTOMIZATIONS:
        kustomization = read_yaml(folder / "kustomization.yaml")
        for name in kustomization["resources"]:
            if (folder / name).is_file():
                for manifest in read_all(folder / name):
                    yield folder / name, manifest


MANIFESTS = list(manifests())
BY_KIND = {manifest["kind"]: manifest for path, manifest in MANIFESTS if path.parent == BASE}


# ── Kubernetes ────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("path", "manifest"), MANIFESTS, ids=lambda one: one.name if isinstance(one, Path) else "")
def test_a_manifest_is_valid(path: Path, manifest: Any, version: str) -> None:
    """By the published schema of its kind, with no field that the schema does not know."""
    kubernetes_validate.validate(manifest, version, strict=True)


def test_a_wrong_manifest_is_found() -> None:
    """A misspelt field is none: so the validation above can fail."""
    wrong = {**BY_KIND["Deployment"], "spec": {**BY_KIND["Deployment"]["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=lambda folder: folder.name)
def test_a_kustomization_names_what_is_there(folder: Path) -> None:
    """Every resource and patch that it names exists, and all manifests beside it are named; no secret is there."""
    kustomization = read_yaml(folder / "kustomization.yaml")
    named = {*kustomization["resources"], *(one["path"] for one in kustomization.get("patches", ()))}
    assert all((folder / name).exists() for name in named)
    assert {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"} == {n for n in named if "/" not in n}
    generated = [file for one in kustomization.get("secretGenerator", ()) for file in one["files"]]
    assert {Path(file).name for file in generated} in (set(), SECRETS)
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8")
    assert all(file.startswith("secrets/") for file in generated)
    assert "/deploy/kubernetes/overlays/*/secrets/" in ignored


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda folder: folder.name)
def test_a_patch_changes_something_of_the_base(overlay: Path) -> None:
    """Its kind and name are those of a manifest of the base."""
    for patch in read_yaml(overlay / "kustomization.yaml").get("patches", ()):
        [found] = read_all(overlay / patch["path"])
        assert BY_KIND[found["kind"]]["metadata"]["name"] == found["metadata"]["name"]


# Debian 12 has kubectl 1.20, which knows no `patches`: a newer one is used where an operator has it. What an overlay
# consists of is checked by the tests above without it.
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl renders the overlay, and is not here")
@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda folder: folder.name)
def test_an_overlay_renders(overlay: Path, tmp_path: Path) -> None:
    """With an operator's secrets in it: all objects are valid, in one namespace, and mount the secret as it is made."""
    folder = tmp_path / "kubernetes"
    shutil.copytree(KUBERNETES, folder)
    secrets = folder / "overlays" / overlay.name / "secrets"
    secrets.mkdir(exist_ok=True)
    for name in SECRETS:
        (secrets / name).write_text("x")
    command = ["kubectl", "kustomize", secrets.parent]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (tmp_path / "rendered.yaml").write_text(rendered)
    found = {one["kind"]: one for one in read_all(tmp_path / "rendered.yaml")}
    for manifest in found.values():
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)
    assert found.keys() == BY_KIND.keys() | {"Namespace", "Secret"}
    assert {one["metadata"].get("namespace", one["metadata"]["name"]) for one in found.values()} == {"hutong"}
    volumes = found["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert volumes[0]["secret"]["secretName"] == found["Secret"]["metadata"]["name"]
    assert found["NetworkPolicy"]["spec"]["ingress"] == BY_KIND["NetworkPolicy"]["spec"]["ingress"]


def test_a_pod_may_do_nothing_but_its_work() -> None:
    """No root, no writable root folder, no capability, no token of the cluster; bounded memory and processors."""
    pod = BY_KIND["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} <= container["resources"]["limits"].keys()


def test_a_service_never_becomes_a_setting() -> None:
    """Kubernetes would set HUTONG_PORT=tcp://…: an unknown or wrong setting, with which no gateway starts."""
    assert BY_KIND["Service"]["metadata"]["name"] == "hutong"
    assert BY_KIND["Deployment"]["spec"]["template"]["spec"]["enableServiceLinks"] is False


def test_everything_means_the_same_pods() -> None:
    """Service, disruption budget, network policy and autoscaler are about the pods of the deployment."""
    deployment = BY_KIND["Deployment"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert BY_KIND["Service"]["spec"]["selector"] == labels
    assert BY_KIND["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert BY_KIND["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    scaled = BY_KIND["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (scaled["kind"], scaled["name"]) == (deployment["kind"], deployment["metadata"]["name"])
    ports = {port["name"] for port in deployment["spec"]["template"]["spec"]["containers"][0]["ports"]}
    assert {port["targetPort"] for port in BY_KIND["Service"]["spec"]["ports"]} <= ports


def test_the_autoscaler_asks_for_what_the_adapter_makes() -> None:
    """Its external metric is the one that the rule of prometheus-adapter names."""
    [external] = [one["external"] for one in BY_KIND["HorizontalPodAutoscaler"]["spec"]["metrics"] if "external" in one]
    [rule] = read_yaml(KUBERNETES / "autoscaling-rules.yaml")["externalRules"]
    assert external["metric"]["name"] == rule["name"]["as"]


# ── compose ───────────────────────────────────────────────────────────────────────────────────
def services(path: Path) -> dict[str, Any]:
    """Give the services of a compose file."""
    found: dict[str, Any] = read_yaml(path)["services"]
    return found


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_every_service_is_bounded_and_guarded(path: Path) -> None:
    """Memory, processes, capabilities and privileges; what is published is local, but for the front door."""
    for name, service in services(path).items():
        assert {"mem_limit", "pids_limit"} <= service.keys(), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert name == "nginx" or all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_a_compose_file_names_what_is_there(path: Path) -> None:
    """Files that are mounted exist, as do the volumes, networks, secrets and services that are named."""
    whole = read_yaml(path)
    for name, service in whole["services"].items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in whole["volumes"], (
                f"{name} {volume}"
            )
        assert set(service.get("networks", ())) <= whole.get("networks", {}).keys(), name
        assert set(service.get("secrets", ())) <= whole.get("secrets", {}).keys(), name
        assert set(service.get("depends_on", ())) <= whole["services"].keys(), name
    for secret in whole.get("secrets", {}).values():
        assert secret["file"].startswith("./secrets/")


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_every_setting_exists(path: Path) -> None:
    """A gateway with a setting that it does not know would not start."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for service in services(path).values():
        given = {
            name for name in (*service.get("environment", {}), *service.get("secrets", ())) if name.startswith(PREFIX)
        }
        assert given <= known
    assert {name for name in BY_KIND["ConfigMap"]["data"] if name.startswith(PREFIX)} <= known
    assert known >= SECRETS


def test_only_the_front_door_says_whose_certificate_it_was() -> None:
    """The gateways believe nginx's one address; nobody else gets it, and nginx reaches them by no other network."""
    whole = read_yaml(DEPLOY / "compose.distributed.yaml")
    nginx = whole["services"]["nginx"]["networks"]
    gateways = [one for name, one in whole["services"].items() if name.startswith("hutong-")]
    [pool] = whole["networks"]["inside"]["ipam"]["config"]
    [address] = {ip_address(one["environment"]["HUTONG_TRUSTED_PROXIES"]) for one in gateways}
    assert ip_address(nginx["inside"]["ipv4_address"]) == address
    assert address in ip_network(pool["subnet"])
    assert address not in ip_network(pool["ip_range"])
    assert all(set(one["networks"]) & nginx.keys() == {"inside"} for one in gateways)
    assert BY_KIND["ConfigMap"]["data"]["HUTONG_TRUSTED_PROXIES"] == ""


def images() -> Iterator[tuple[str, str]]:
    """Give every image that is named, with where."""
    for path in COMPOSE:
        for name, service in services(path).items():
            if "image" in service:
                yield f"{path.name} {name}", service["image"]
    for container in BY_KIND["Deployment"]["spec"]["template"]["spec"]["containers"]:
        yield "deployment", container["image"]
    for image in re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE):
        yield "Dockerfile", image


@pytest.mark.parametrize(("where", "image"), list(images()))
def test_an_image_has_an_exact_tag(where: str, image: str) -> None:
    """To the last part of its version: the same tag is the same program tomorrow."""
    tag = image.split("@")[0].rpartition(":")[2]
    parts = 2 if image.startswith(("postgres:",)) else 3  # PostgreSQL's versions have two
    assert re.match(r"v?" + r"\.".join([r"\d+"] * parts) + r"(-[a-z-]+)?$", tag), where


# ── what is installed ─────────────────────────────────────────────────────────────────────────
def test_production_installs_only_what_it_needs() -> None:
    """Its pins are those of constraints.txt, hashes included, and nothing of development is among them."""
    assert production.PAGE.read_text(encoding="utf-8") == production.page(), "run scripts/reference.py"
    assert production.BUILD_PAGE.read_text(encoding="utf-8") == production.build_page(), "run scripts/reference.py"
    text = production.page()
    names = {canonicalize_name(line.split("==")[0]) for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)}
    assert {"fastapi", "httptools", "sqlalchemy", "uvicorn", "opentelemetry-sdk"} <= names
    assert not {"pytest", "mypy", "ruff", "schemathesis", "kubernetes-validate", "hatchling", "aiohttp"} & names
    assert names < production.pins().keys()
    assert all("--hash=sha256:" in pin for name, pin in production.pins().items() if name in names)


def test_the_image_is_built_of_what_it_copies() -> None:
    """Everything that the Dockerfile copies is let through by .dockerignore, and is there."""
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    }
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"
    }
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)


# ── the unit ──────────────────────────────────────────────────────────────────────────────────
def test_the_unit_keeps_secrets_out_of_the_environment() -> None:
    """Its credentials are settings, handed in as files that only the service sees."""
    unit = (DEPLOY / "hutong.service").read_text(encoding="utf-8")
    loaded = dict(re.findall(r"^LoadCredential=(\w+):(\S+)$", unit, re.MULTILINE))
    assert loaded.keys() == {"HUTONG_ADMIN_TOKEN"}
    assert not re.findall(r"^Environment(File)?=", unit, re.MULTILINE)
    for bound in (
        "MemoryMax",
        "TasksMax",
        "NoNewPrivileges",
        "ProtectSystem",
        "SystemCallFilter",
        "CapabilityBoundingSet",
    ):
        assert re.search(rf"^{bound}=", unit, re.MULTILINE), bound


def test_the_unit_exposes_little() -> None:
    """By systemd's own measure, from 0 to 10 (it says OK below 5): at most 1.5."""
    command = [tool("systemd-analyze"), "security", "--offline=true", "--threshold=15", str(DEPLOY / "hutong.service")]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout[-500:] + said.stderr


def test_kubernetes_validate_is_what_it_was_taken_for() -> None:
    """It has the schemas of both versions in the package: nothing is fetched."""
    folder = Path(importlib.import_module("kubernetes_validate").__file__ or "").parent / "kubernetes-json-schema"
    assert all((folder / f"v{version}.0-local-strict").is_dir() for version in VERSIONS)
