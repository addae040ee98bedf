"""Renders the Helm chart with Helm's own engine, and reads what comes out."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

HERE = Path(__file__).parent / "helm"
CHART = Path(__file__).parents[2] / "deploy" / "helm" / "farechain"
Object = dict[str, Any]


class Renderer:
    """The built Go program."""

    def __init__(self, directory: Path) -> None:
        go = shutil.which("go")
        assert go is not None, "Go is needed: Helm is a Go library"
        self._program = directory / "render"
        build = [go, "build", "-mod=readonly", "-buildvcs=false", "-o", str(self._program), "."]
        subprocess.run(build, cwd=HERE, check=True, timeout=600)

    def run(self, *values: Path, chart: Path = CHART) -> subprocess.CompletedProcess[str]:
        """A release `city` in a namespace `invoices`."""
        command = [str(self._program), str(chart), "city", "invoices", *map(str, values)]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)

    def texts(self, *values: Path) -> dict[str, str]:
        """Rendered text by template."""
        done = self.run(*values)
        assert done.returncode == 0, done.stderr
        rendered: dict[str, str] = json.loads(done.stdout)
        return rendered

    def objects(self, *values: Path) -> list[Object]:
        """Every object of the rendered templates."""
        return [
            loaded
            for name, text in self.texts(*values).items()
            if name.endswith(".yaml")
            for loaded in yaml.safe_load_all(text)
            if loaded is not None
        ]


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [each for each in objects if each["kind"] == kind]


def only(objects: list[Object], kind: str) -> Object:
    (found,) = of_kind(objects, kind)
    return found


def pods(objects: list[Object]) -> Iterator[tuple[Object, Object]]:
    """(labels, spec) of each pod that the objects make."""
    for each in objects:
        if each["kind"] == "Pod":
            yield each["metadata"]["labels"], each["spec"]
        elif "template" in each.get("spec", {}):
            yield each["spec"]["template"]["metadata"]["labels"], each["spec"]["template"]["spec"]


def containers(pod: Object) -> list[Object]:
    listed: list[Object] = [*pod.get("initContainers", []), *pod["containers"]]
    return listed


def selects(selector: Object, labels: Object) -> bool:
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    return Renderer(tmp_path_factory.mktemp("helm"))
