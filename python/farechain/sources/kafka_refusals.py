"""Why a broker does not let us in: asked with one connection, told as one line that says what to change.

aiokafka's clients keep the cause of a failed connection to their log lines; here it is the error.
"""

import ssl
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from farechain.errors import EXIT_UNAVAILABLE, FarechainError

ANSWER_TIMEOUT_MS = 10_000
"""For a connection, and for each answer on it."""
LOGIN_ERRORS = (
    AuthenticationFailedError,
    IllegalSaslStateError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
EXPIRED, NOT_YET_VALID, WRONG_HOST, WRONG_ADDRESS = 10, 9, 62, 64
"""OpenSSL's X509_V_ERR_*."""
OUR_CERTIFICATE = (
    "the broker refuses our certificate: kafka.cert_file and kafka.key_file have to be there, valid now, and "
    "signed by an authority that the broker trusts"
)

Address = tuple[str, int]


def addresses_of(bootstrap: str) -> list[Address]:
    """The brokers of ``host:port,host:port``."""
    parts = [part.strip().rpartition(":") for part in bootstrap.split(",")]
    return [(host, int(port)) for host, _, port in parts]


async def first_refusal(
    addresses: Iterable[Address], security: Mapping[str, Any] | None
) -> FarechainError | None:
    """Why none of the brokers lets us in, of the first that says more than that it is away; None if one does.

    Args:
        security: aiokafka's connection settings (``security_protocol``, ``ssl_context``, ``sasl_*``).
    """
    refusals: list[FarechainError] = []
    for address in addresses:
        refusal = await _refusal(address, security or {})
        if refusal is None:
            return None
        refusals.append(refusal)
    return next((each for each in refusals if each.code != "E_BROKER"), refusals[0])


async def _refusal(address: Address, security: Mapping[str, Any]) -> FarechainError | None:
    host, port = address
    ways = {name: value for name, value in security.items() if name.startswith(("security", "ssl", "sasl"))}
    try:
        connection = await create_conn(host, port, request_timeout_ms=ANSWER_TIMEOUT_MS, **ways)
    except (TimeoutError, KafkaError, OSError) as error:
        return _told(address, security, error, answered=False)
    try:
        # A listener that wants a login answers what it can do to anyone, and closes at the next request.
        await connection.send(MetadataRequest([]))
    except (TimeoutError, KafkaError) as error:
        return _told(address, security, error, answered=True)
    finally:
        await connection.close()
    return None


def _told(
    address: Address, security: Mapping[str, Any], error: BaseException, *, answered: bool
) -> FarechainError:
    """What to change, from what went wrong while connecting; never a password."""
    protocol = security.get("security_protocol", "PLAINTEXT")
    encrypted = protocol.endswith("SSL")
    where = f"{address[0]}:{address[1]}"
    causes = _causes(error)
    tls = next((each for each in causes if isinstance(each, ssl.SSLError)), None)
    login = next((each for each in causes if isinstance(each, LOGIN_ERRORS)), None)
    change = f"correct kafka.protocol ({protocol}) or the port"
    if login is not None:
        message = f"{where}: {_login_reason(security, login)}"
        return FarechainError("E_BROKER_LOGIN", message, EXIT_UNAVAILABLE)
    if encrypted and answered and isinstance(error, KafkaError):
        message = f"{where}: the broker closes the connection: this port wants a login (SASL_SSL): {change}"
        return FarechainError("E_BROKER_LOGIN", message, EXIT_UNAVAILABLE)
    if tls is not None or (encrypted and isinstance(error, KafkaError | ConnectionResetError)):
        message = f"{where}: {_tls_reason(address, tls, error)}"
        return FarechainError("E_BROKER_TLS", message, EXIT_UNAVAILABLE)
    if isinstance(error, KafkaError | ConnectionResetError):
        message = (
            f"{where}: the broker closes the connection: it starts or stops, or this port wants TLS "
            f"(SSL, SASL_SSL) or a login (SASL_...): {change}"
        )
        return FarechainError("E_BROKER", message, EXIT_UNAVAILABLE)
    reason = f"in {ANSWER_TIMEOUT_MS // 1000} s" if isinstance(error, TimeoutError) else str(error)
    message = f"no Kafka broker answers at {where} ({reason}): start it, or correct kafka.bootstrap"
    return FarechainError("E_BROKER", " ".join(message.split()), EXIT_UNAVAILABLE)


def _tls_reason(address: Address, tls: ssl.SSLError | None, error: BaseException) -> str:
    if isinstance(tls, ssl.SSLCertVerificationError):
        code, found = tls.verify_code, tls.verify_message
        if code in {EXPIRED, NOT_YET_VALID}:
            return f"the broker's certificate is not valid now ({found}): renew it at the broker"
        if code in {WRONG_HOST, WRONG_ADDRESS}:
            return (
                f"the broker's certificate is for another name than {address[0]}: use its name in "
                "kafka.bootstrap and the broker's advertised.listeners, or have the name put into it"
            )
        return (
            f"the broker's certificate is signed by nobody in kafka.ca_file ({found}): "
            "put the broker's authority into it"
        )
    reason = ((tls and tls.reason) or str(tls or error)).replace("_", " ").lower()
    # An alert may be lost on the way; whoever only wants a login would have answered.
    if "alert" in reason or (tls is None and isinstance(error, KafkaError)):
        return f"{OUR_CERTIFICATE} ({reason})"
    return f"no TLS is spoken there ({reason}): correct kafka.protocol or the port"


def _login_reason(security: Mapping[str, Any], error: BaseException) -> str:
    name, mechanism = security.get("sasl_plain_username"), security.get("sasl_mechanism")
    if isinstance(error, UnsupportedSaslMechanismError | IllegalSaslStateError):
        return (
            f"the broker has no login by {mechanism} at this port: correct kafka.sasl_mechanism or the port"
        )
    return (
        f"the broker does not know {name} with this password by {mechanism}: correct kafka.sasl_username, "
        "kafka.sasl_mechanism or the file kafka.sasl_password_file"
    )


def _causes(error: BaseException | None) -> Sequence[BaseException]:
    causes: list[BaseException] = []
    while error is not None and error not in causes:
        causes.append(error)
        error = error.__cause__ or error.__context__
    return causes
