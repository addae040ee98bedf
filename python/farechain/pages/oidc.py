"""An OpenID Connect provider that says who somebody is: authorization code flow with PKCE, state and nonce.

(OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3; Discovery 1.0, section 4; RFC 7636.) What it says is
believed for the roles that the configuration lets it give, and for as long as a session lasts.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import KeySet

from farechain.access.roles import Role
from farechain.pages.language import Words

ALGORITHMS = ("RS256", "PS256", "ES256", "Ed25519", "EdDSA")
"""Signatures alone: neither ``none`` nor a shared secret."""
LEEWAY_S = 60
DOCUMENT_S = 3600.0
"""How long discovery document and keys are kept."""
KEYS_AGAIN_S = 30.0
"""A key id that is not known is asked for again no sooner."""
BYTES_MAX = 256 * 1024
TIMEOUT_S = 10.0


class OidcError(Exception):
    """The provider's word is not taken; ``words`` say why to whoever wanted to log in.

    Args:
        status: 401: try again; 403: not for this person; 502: the provider.
    """

    def __init__(self, status: int, words: Words) -> None:
        super().__init__(words.en)
        self.status = status
        self.words = words


@dataclass(frozen=True, slots=True)
class OidcTerms:
    """What is agreed with a provider.

    Attributes:
        redirect_url: where it sends people back, as registered with it.
        party_claim: the claim of the ID token with the party: a tax id, of a HOLDER a key id.
        role_claim: the claim with the role's name.
        roles: those that it may give.
        session_hours: how long a session lasts.
        tokens_max: tokens that may be active, as ``Tokens.issue`` has it.
    """

    issuer: str
    client_id: str
    secret: str
    redirect_url: str
    scopes: Collection[str]
    party_claim: str
    role_claim: str
    roles: frozenset[Role]
    session_hours: int
    tokens_max: int


@dataclass(frozen=True, slots=True)
class Begun:
    """A log-in that was begun in one browser: what its cookie holds until it comes back."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Begun":
        """With 256 random bits each."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    def packed(self) -> str:
        """For the cookie."""
        return ".".join((self.state, self.nonce, self.verifier))

    @classmethod
    def unpacked(cls, packed: str) -> "Begun | None":
        """From the cookie; None where it holds no such thing."""
        parts = packed.split(".")
        return cls(*parts) if len(parts) == 3 and all(len(part) == 43 for part in parts) else None


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider names."""

    party: str
    role: Role


class Provider:
    """Asks one provider."""

    def __init__(
        self,
        terms: OidcTerms,
        transport: httpx.AsyncBaseTransport | None = None,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self.terms = terms
        self._transport = transport
        self._clock_s = clock_s
        self._document: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def address(self, begun: Begun) -> str:
        """Where a person is sent to log in. Raises ``OidcError``."""
        document = await self._discovered()
        digest = hashlib.sha256(begun.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.terms.client_id,
            "redirect_uri": self.terms.redirect_url,
            "scope": " ".join(self.terms.scopes),
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        endpoint = document["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def person(self, begun: Begun, code: str) -> Person:
        """Who came back with a code. Raises ``OidcError``."""
        document = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.terms.redirect_url,
            "code_verifier": begun.verifier,
        }
        answer = await self._asked("POST", document["token_endpoint"], form)
        id_token = answer.get("id_token")
        if not isinstance(id_token, str):
            raise _provider("it gave no ID token")
        claims = await self._checked(id_token, begun.nonce)
        return self._named(claims)

    async def _checked(self, id_token: str, nonce: str) -> Mapping[str, Any]:
        terms = self.terms
        try:
            claims = (await self._decoded(id_token)).claims
            jwt.JWTClaimsRegistry(
                now=int(self._clock_s()),
                leeway=LEEWAY_S,
                iss={"essential": True, "value": terms.issuer},
                aud={"essential": True, "value": terms.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(claims)
        except ExpiredTokenError as error:
            raise OidcError(401, EXPIRED) from error
        except ClaimError as error:
            raise OidcError(401, CLAIMS.get(error.claim, FORGED)) from error
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise OidcError(401, FORGED) from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else terms.client_id) != terms.client_id:
            raise OidcError(401, CLAIMS["aud"])
        return claims

    async def _decoded(self, id_token: str) -> jwt.Token:
        """The token under the provider's keys; they are fetched again where its key is not among them."""
        try:
            return jwt.decode(id_token, await self._keyset(DOCUMENT_S), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            return jwt.decode(id_token, await self._keyset(KEYS_AGAIN_S), algorithms=ALGORITHMS)

    def _named(self, claims: Mapping[str, Any]) -> Person:
        terms = self.terms
        party, role = claims.get(terms.party_claim), claims.get(terms.role_claim)
        if not isinstance(party, str) or not isinstance(role, str):
            raise OidcError(403, UNNAMED)
        if role not in {each.value for each in terms.roles}:
            raise OidcError(403, ROLE)
        return Person(party, Role(role))

    async def _discovered(self) -> Mapping[str, Any]:
        if self._document is not None and self._clock_s() - self._document[0] < DOCUMENT_S:
            return self._document[1]
        issuer = self.terms.issuer
        found = await self._asked("GET", issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise _provider("its discovery document is of another issuer")
        scheme = issuer.split(":")[0]
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not str(found.get(name)).startswith(f"{scheme}://"):
                raise _provider(f"its discovery document has no good {name}")
        self._document = (self._clock_s(), found)
        return found

    async def _keyset(self, age_s: float) -> KeySet:
        if self._keys is not None and self._clock_s() - self._keys[0] < age_s:
            return self._keys[1]
        document = await self._discovered()
        found = await self._asked("GET", document["jwks_uri"])
        keys = found.get("keys")
        if not isinstance(keys, list):
            raise _provider("it gives no keys")
        public = [key for key in keys if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP")]
        keyset = KeySet.import_key_set({"keys": public})
        self._keys = (self._clock_s(), keyset)
        return keyset

    async def _asked(
        self, method: str, address: str, form: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """A JSON object from the provider; with a form also the client's secret."""
        # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
        known = (quote(self.terms.client_id, safe=""), quote(self.terms.secret, safe=""))
        auth = httpx.BasicAuth(*known) if form is not None else None
        try:
            async with (
                httpx.AsyncClient(transport=self._transport, timeout=TIMEOUT_S) as client,
                client.stream(method, address, data=form, auth=auth) as answer,
            ):
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > BYTES_MAX:
                        raise _provider("it answers too much")
            if answer.status_code != 200:
                raise _provider(f"it answered {answer.status_code}")
            found = json.loads(body)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
            raise _provider("it does not answer as it should") from error
        if not isinstance(found, dict):
            raise _provider("it does not answer as it should")
        return found


def _provider(why: str) -> OidcError:
    return OidcError(
        502, Words(f"The log-in service cannot be used now: {why}.", f"登录服务暂不可用：{why}。")
    )


FORGED = Words(
    "The log-in service's answer is not signed by it: nobody was logged in.",
    "登录服务的答复签名无效，未登录。",
)
EXPIRED = Words(
    "The log-in service's answer has expired: log in again.", "登录服务的答复已过期，请重新登录。"
)
CLAIMS = {
    "iss": Words("The answer is of another log-in service.", "答复来自其他登录服务。"),
    "aud": Words("The answer is meant for another site.", "该答复属于其他站点。"),
    "nonce": Words("The answer is of another log-in: begin again.", "答复不属于本次登录，请重新开始。"),
}
UNNAMED = Words(
    "The log-in service does not say for which party and role you come: ask your administrator.",
    "登录服务未说明您所属单位与角色，请联系管理员。",
)
ROLE = Words("The log-in service may not give this role here.", "登录服务无权在此授予该角色。")
PARTY = Words(
    "The party that the log-in service names is not known to this ledger.", "账本中没有登录服务所称的单位。"
)
ELSEWHERE = Words(
    "This log-in was not begun in this browser, or ten minutes ago: begin again.",
    "本次登录不是由此浏览器发起，或已超过十分钟，请重新开始。",
)
DECLINED = Words("The log-in service did not log you in.", "登录服务未完成登录。")
"""Why nobody was logged in."""
