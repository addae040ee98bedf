"""The Helm chart, rendered by Helm's engine: Kubernetes' own schemas, and what the program needs of it."""

import json
import os
import stat
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types
from prometheus_client import CollectorRegistry

from deploy.charts import CHART, HERE, Object, Renderer, containers, helm, of_kind, only, pods, selects
from farechain import _core
from farechain.config import Settings
from farechain.config_file import load
from farechain.service.standby import standby_app

__all__ = ["helm"]
VALUES = {
    "default": [],
    "city": [HERE / "values" / "city.yaml"],
    "maintenance": [HERE / "values" / "maintenance.yaml"],
}
OF_AN_OPERATOR = {"ServiceMonitor", "PrometheusRule"}
KUBERNETES = "1.37"
RULES = CHART / "rules"


@pytest.fixture(scope="module", params=VALUES)
def objects(request: pytest.FixtureRequest, helm: Renderer) -> list[Object]:
    return helm.objects(*VALUES[request.param])


@pytest.fixture(scope="module")
def city(helm: Renderer) -> list[Object]:
    return helm.objects(*VALUES["city"])


def settings_of(objects: list[Object], ordinal: int, tmp_path: Path) -> Settings:
    text = only(objects, "ConfigMap")["data"][f"{ordinal}.toml"]
    for name in ("BUREAU", "HOLDERS"):
        vkey = _core.vkey_cosignature(f"{name.lower()}.example/w1", _core.public_key(bytes(32)))
        text = text.replace(f"VKEY_{name}", vkey)
    file = tmp_path / f"{ordinal}.toml"
    file.write_text(text)
    return load(file, {})


def test_kubernetes_takes_every_object(objects: list[Object]) -> None:
    assert {"ConfigMap", "StatefulSet", "Service", "PodDisruptionBudget"} <= {
        each["kind"] for each in objects
    }
    for each in objects:
        if each["kind"] not in OF_AN_OPERATOR:
            kubernetes_validate.validate(each, KUBERNETES, strict=True)
    names = [(each["kind"], each["metadata"]["name"]) for each in objects]
    assert len(set(names)) == len(names)


def test_values_that_nobody_asked_for_are_refused(helm: Renderer, tmp_path: Path) -> None:
    bad = {
        "replicas": {"replicas": 3},
        "no chain": {"chains": []},
        "name": {"chains": [{"name": "with space", "topics": [{"name": "a", "partitions": 1}]}]},
        "partitions": {"chains": [{"name": "a", "topics": [{"name": "a", "partitions": 0}]}]},
        "latest": {"image": {"tag": "latest"}},
        "digest": {"image": {"digest": "sha256:12"}},
        "size": {"storage": {"size": "much"}},
        "path": {"settings": {"ledger": {"path": "/elsewhere"}}},
        "port": {"networkPolicy": {"kafka": {"port": 0}}},
        "peer": {"networkPolicy": {"clients": [{"cidr": "203.0.113.0/24"}]}},
    }
    for name, values in bad.items():
        file = tmp_path / "values.yaml"
        file.write_text(json.dumps(values))
        done = helm.run(file)
        assert done.returncode == 1, name
        assert "values don't meet the specifications of the schema" in done.stderr, name


def test_each_ordinal_has_a_configuration_that_the_program_takes(city: list[Object], tmp_path: Path) -> None:
    data = only(city, "ConfigMap")["data"]
    assert list(data) == ["0.toml", "1.toml"]
    assert only(city, "StatefulSet")["spec"]["replicas"] == 2
    first, second = (settings_of(city, ordinal, tmp_path) for ordinal in (0, 1))
    assert (first.ledger.chain, second.ledger.chain) == ("shenzhen/0", "shenzhen/1")
    assert [(topic.name, topic.partitions) for topic in second.source.topics] == [
        ("farechain.commands.1", 1),
        ("payments.bus", 8),
    ]
    assert (first.source.first, second.source.first) == (("farechain.commands",), ("farechain.commands.1",))
    assert (first.kafka.group_id, second.kafka.group_id) == ("city-farechain-0", "city-farechain-1")
    assert second.outputs.receipts == "farechain.receipts.1"
    for settings in (first, second):
        assert settings.blocks.max_bytes == 134_217_728
        assert settings.kafka.protocol == "SASL_SSL"
        assert settings.witnesses.threshold == 1
        assert len(settings.witnesses.members) == 2
        assert settings.pages.oidc is not None
        assert settings.pages.oidc.roles == ("REIMBURSER", "AUDITOR")
        assert not settings.demonstration
        assert settings.lines.form == "json"


def test_the_default_configuration_names_what_is_mounted(helm: Renderer, tmp_path: Path) -> None:
    objects = helm.objects()
    settings = settings_of(objects, 0, tmp_path)
    ((_labels, pod),) = [each for each in pods(objects) if "volumes" in each[1]]
    mounted = {mount["mountPath"]: mount for mount in pod["containers"][0]["volumeMounts"]}
    assert not mounted[str(settings.ledger.path.parent)].get("readOnly", False)
    keys = {settings.ledger.bureau_key_file, settings.public_log.key_file, settings.private.key_file}
    assert {str(key.parent) for key in keys} == {"/run/farechain/keys"}
    assert "/run/farechain/keys" in mounted
    assert (settings.api.host, settings.api.port) == ("0.0.0.0", 8800)
    claims = [
        each["metadata"]["name"] for each in only(objects, "StatefulSet")["spec"]["volumeClaimTemplates"]
    ]
    known = {volume["name"] for volume in pod["volumes"]} | set(claims)
    for container in containers(pod):
        assert {mount["name"] for mount in container["volumeMounts"]} <= known


def test_a_pod_finds_its_configuration_by_its_ordinal(objects: list[Object]) -> None:
    (pod,) = [spec for _labels, spec in pods(objects) if "volumes" in spec]
    for container in containers(pod):
        variables = {each["name"]: each for each in container["env"]}
        index = "metadata.labels['apps.kubernetes.io/pod-index']"
        assert variables["CHAIN"]["valueFrom"]["fieldRef"]["fieldPath"] == index
        assert variables["FARECHAIN_CONFIG"]["value"] == "/etc/farechain/chains/$(CHAIN).toml"
    # Variables of services would look like settings: FARECHAIN_API_PORT.
    assert pod["enableServiceLinks"] is False


def test_no_container_has_more_rights_than_none(objects: list[Object]) -> None:
    for _labels, pod in pods(objects):
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] == 10001
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        assert not [volume for volume in pod.get("volumes", []) if "hostPath" in volume]
        for container in containers(pod):
            wanted = {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["securityContext"] == wanted, container["name"]
            assert "memory" in container["resources"]["limits"]
            assert not container["image"].endswith(":latest")


def test_probes_ask_what_the_port_answers_from_the_first_moment(helm: Renderer) -> None:
    from farechain.api import probes

    standby = standby_app(lambda: "", CollectorRegistry())
    answered = {getattr(route, "path", "") for route in standby.routes}
    source = Path(probes.__file__).read_text()
    container = only(helm.objects(), "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    assert [(port["name"], port["containerPort"]) for port in container["ports"]] == [("http", 8800)]
    asked = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert [asked[name]["path"] for name in asked] == ["/livez", "/livez", "/readyz"]
    for probe in asked.values():
        assert probe["path"] in answered
        assert f'"{probe["path"]}"' in source
        assert probe["port"] == "http"


def test_there_is_time_to_drain(helm: Renderer, city: list[Object]) -> None:
    def grace(objects: list[Object]) -> int:
        seconds = only(objects, "StatefulSet")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert isinstance(seconds, int)
        return seconds

    assert grace(helm.objects()) >= Settings().limits.drain_deadline_s + 5
    assert grace(city) >= 45.5 + 5


def test_selectors_select(objects: list[Object]) -> None:
    """Each selector finds the pods it is for and no other; each monitor one service."""
    labels = {spec["containers"][0]["name"]: found for found, spec in pods(objects)}
    chain, test = labels["farechain"], labels["test"]
    stateful = only(objects, "StatefulSet")
    for selector in (
        stateful["spec"]["selector"]["matchLabels"],
        only(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        *(each["spec"]["podSelector"]["matchLabels"] for each in of_kind(objects, "NetworkPolicy")),
    ):
        assert selects(selector, chain)
        assert not selects(selector, test)
    headless, *by_chain = of_kind(objects, "Service")
    assert headless["metadata"]["name"] == stateful["spec"]["serviceName"]
    assert headless["spec"]["clusterIP"] == "None"
    assert selects(headless["spec"]["selector"], chain)
    assert len(by_chain) == stateful["spec"]["replicas"]
    for ordinal, service in enumerate(by_chain):
        own = {"statefulset.kubernetes.io/pod-name": f"{stateful['metadata']['name']}-{ordinal}"}
        assert selects(service["spec"]["selector"], chain | own)
        assert own.items() <= service["spec"]["selector"].items()
    for monitor in of_kind(objects, "ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"]
        services = of_kind(objects, "Service")
        found = [each for each in services if selects(wanted, each["metadata"]["labels"])]
        assert found == [headless]
        assert monitor["spec"]["endpoints"][0]["port"] == headless["spec"]["ports"][0]["name"]
        assert headless["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "farechain"


def test_a_network_policy_allows_what_is_listed_alone(helm: Renderer, city: list[Object]) -> None:
    policy = only(city, "NetworkPolicy")["spec"]
    assert sorted(policy["policyTypes"]) == ["Egress", "Ingress"]
    ports = [sorted(port["port"] for port in rule["ports"]) for rule in policy["egress"]]
    assert ports == [[53, 53], [9094], [443, 9101], [9000]]
    (ingress,) = policy["ingress"]
    assert ingress["ports"] == [{"protocol": "TCP", "port": "http"}]
    test, *others = ingress["from"]
    (labels,) = [labels for labels, spec in pods(city) if spec["containers"][0]["name"] == "test"]
    assert selects(test["podSelector"]["matchLabels"], labels)
    assert len(others) == 2
    for rules in (policy, only(helm.objects(), "NetworkPolicy")["spec"]):
        for rule in rules["egress"]:
            assert rule["to"], "an empty list would be everybody"
            assert rule["ports"]


def test_the_rules_are_those_that_promtool_tests(city: list[Object]) -> None:
    files = [path for path in sorted(RULES.glob("*.yml")) if "groups" in yaml.safe_load(path.read_text())]
    assert [path.name for path in files if path.name == "alerts.yml"]
    rules = {each["metadata"]["name"]: each["spec"] for each in of_kind(city, "PrometheusRule")}
    assert rules == {f"city-farechain-{path.stem}": yaml.safe_load(path.read_text()) for path in files}


def test_genesis_is_written_only_when_told(helm: Renderer, city: list[Object]) -> None:
    def inits(objects: list[Object]) -> list[str]:
        pod = only(objects, "StatefulSet")["spec"]["template"]["spec"]
        return [each["name"] for each in pod["initContainers"]]

    assert inits(helm.objects()) == ["keys", "config"]
    assert inits(city) == ["keys", "config", "genesis"]


def test_a_pod_in_maintenance_waits_and_is_not_probed(helm: Renderer) -> None:
    objects = helm.objects(*VALUES["maintenance"])
    container = only(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    assert not [key for key in container if key.endswith("Probe")]
    compile(container["args"][0], "maintenance", "exec")
    assert not of_kind(objects, "NetworkPolicy")


def test_a_pod_gets_its_own_keys_and_nobody_else_reads_them(city: list[Object], tmp_path: Path) -> None:
    pod = only(city, "StatefulSet")["spec"]["template"]["spec"]
    container = pod["initContainers"][0]
    secret, keys = tmp_path / "secret", tmp_path / "keys"
    secret.mkdir()
    keys.mkdir()
    for name in ("bureau.pub", "kafka.password", "0.log.key", "0.private.key", "1.log.key", "10.log.key"):
        (secret / name).write_text(name)
    script = container["args"][0].replace("/etc/farechain/secret", str(secret))
    script = script.replace("/run/farechain/keys", str(keys))
    environment = os.environ | {"CHAIN": "0"}
    subprocess.run([*container["command"], script], check=True, env=environment)
    copied = {path.name: path.read_text() for path in keys.iterdir()}
    assert copied == {
        "bureau.pub": "bureau.pub",
        "kafka.password": "kafka.password",
        "log.key": "0.log.key",
        "private.key": "0.private.key",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()} == {0o600}
    mounts = [mount["name"] for each in containers(pod)[1:] for mount in each["volumeMounts"]]
    assert "secret" not in mounts, "only the first container sees the keys of all chains"


def test_the_notes_tell_how_to_go_on(helm: Renderer) -> None:
    notes = helm.texts(*VALUES["city"])["farechain/templates/NOTES.txt"]
    assert "initialise=false" in notes
    assert "http://city-farechain-api-1:8800" in notes
    assert "maintenance" in helm.texts(*VALUES["maintenance"])["farechain/templates/NOTES.txt"]


def test_helm_s_test_asks_every_chain(city: list[Object]) -> None:
    (pod,) = of_kind(city, "Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    program, *urls = pod["spec"]["containers"][0]["args"]
    compile(program, "test", "exec")
    services = {each["metadata"]["name"] for each in of_kind(city, "Service")}
    assert [url.split("/")[2].split(":")[0] in services for url in urls] == [True, True]
