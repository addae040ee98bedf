"""Where the broker's jars and the class archive are kept, and how they get there.

Knows Maven and Java, not how Kafka is run.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from farechain.errors import EXIT_UNAVAILABLE, FarechainError

MIN_JAVA = 17
"""The oldest Java that Apache Kafka 4 brokers run on."""
MAVEN_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that can run the broker."""

    path: str
    version: str


def cache_root() -> Path:
    """``$XDG_CACHE_HOME/farechain``, else ``~/.cache/farechain``: shared by all work trees of a user."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "farechain"


def pom() -> bytes:
    """The project file that lists what the broker runs on."""
    return resources.files(__package__).joinpath("pom.xml").read_bytes()


def jar_directory() -> Path:
    """The cache directory of this pom's jars; it exists only when it is complete."""
    return cache_root() / f"kafka-{hashlib.sha256(pom()).hexdigest()[:16]}"


def kafka_version(jars: Path) -> str:
    """The version of the broker among the jars, such as ``4.4.0``."""
    server = next(jars.glob("kafka_2.13-*.jar"))
    return server.stem.removeprefix("kafka_2.13-")


def find_java() -> Java:
    """The Java of ``JAVA_HOME`` or of the path.

    Raises:
        FarechainError: ``E_JAVA`` where there is none, or it is older than 17.
    """
    home = os.environ.get("JAVA_HOME")
    path = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    advice = f"install a Java runtime {MIN_JAVA} or newer, or start the fallback broker instead"
    if path is None:
        raise FarechainError("E_JAVA", f"there is no Java: {advice}", EXIT_UNAVAILABLE)
    told = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "((\d+)[^"]*)"', told)
    if found is None or int(found[2]) < MIN_JAVA:
        version = found[1] if found else "unknown"
        raise FarechainError("E_JAVA", f"the Java here is {version}: {advice}", EXIT_UNAVAILABLE)
    return Java(path, found[1])


def class_archive(jars: Path, java: Java) -> Path:
    """Where these jars' class archive for this Java is kept; the first broker that stops writes it."""
    return jars / f"classes-{hashlib.sha256(java.version.encode()).hexdigest()[:8]}.jsa"


def fetch_jars() -> Path:
    """The directory with all jars; asks Maven for them only if the cache lacks them.

    Raises:
        FarechainError: ``E_MAVEN`` where Maven is missing or fails; the message has its first error.
    """
    jars = jar_directory()
    if jars.is_dir():
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        message = (
            "there is no Maven to fetch the broker's jars: install it, or start the fallback broker instead"
        )
        raise FarechainError("E_MAVEN", message, EXIT_UNAVAILABLE)
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix="fetching-") as work:
        project = Path(work, "pom.xml")
        project.write_bytes(pom())
        draft = Path(work, "jars")
        _run_maven(
            [maven, "-q", "-B", "-Dstyle.color=never", "-f", str(project), "dependency:copy-dependencies"],
            draft,
        )
        _keep(draft, jars)
    return jars


def _run_maven(command: list[str], into: Path) -> None:
    command = [*command, "-DincludeScope=runtime", f"-DoutputDirectory={into}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MAVEN_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        message = f"Maven did not finish within {MAVEN_TIMEOUT_S} s: check the network and start again"
        raise FarechainError("E_MAVEN", message, EXIT_UNAVAILABLE) from error
    if done.returncode != 0 or not any(into.glob("kafka_2.13-*.jar")):
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        reason = lines[0].strip()[:300] if lines else f"exit code {done.returncode}"
        raise FarechainError("E_MAVEN", f"Maven cannot fetch the broker's jars: {reason}", EXIT_UNAVAILABLE)


def _keep(draft: Path, jars: Path) -> None:
    try:
        draft.rename(jars)
    except OSError:
        if not jars.is_dir():  # another process that fetched the same jars at the same time is welcome
            raise
