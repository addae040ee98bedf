"""An OpenID Connect provider, small but real: its own HTTP server, RSA and EC keys, PKCE, one client."""

import base64
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

CLIENT, SECRET = "farechain pages", "s:cret&"
Key = OctKey | RSAKey | ECKey | OKPKey


@dataclass
class LittleProvider:
    """What it says can be changed: ``claims`` are added last, ``sign`` makes the token from all of them."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    sign: Callable[["LittleProvider", dict[str, Any]], str] | None = None
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rsa = RSAKey.generate_key(2048, {"kid": "rsa"})
        self.ec = ECKey.generate_key("P-256", {"kid": "ec"})
        self.published: list[Key] = [self.rsa, self.ec]
        self._given: dict[str, dict[str, str]] = {}
        self.app = FastAPI()
        self.app.get("/.well-known/openid-configuration")(self._discovery)
        self.app.get("/keys")(self._jwks)
        self.app.get("/authorize")(self._authorize)
        self.app.post("/token")(self._token)

    def signed(self, claims: dict[str, Any], key: Key | None = None, alg: str = "RS256") -> str:
        """A token by one of its keys."""
        key = key or self.rsa
        return jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])

    async def _discovery(self) -> dict[str, Any]:
        self.asked.append("discovery")
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        } | self.document

    async def _jwks(self) -> Any:
        self.asked.append("keys")
        return KeySet(self.published).as_dict(private=False)

    async def _authorize(self, request: Request) -> RedirectResponse:
        """Whoever comes is approved."""
        query = dict(request.query_params)
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT)
        assert query["code_challenge_method"] == "S256"
        code = f"code{len(self._given)}"
        self._given[code] = query
        return RedirectResponse(f"{query['redirect_uri']}?code={code}&state={query['state']}", 303)

    async def _token(self, request: Request) -> JSONResponse:
        fields = parse_qs((await request.body()).decode())
        form = {name: values[0] for name, values in fields.items()}
        known = base64.b64encode(b"farechain%20pages:s%3Acret%26").decode()
        asked = self._given.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            request.headers["authorization"] != f"Basic {known}"
            or asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "7", "iat": now, "exp": now + 60}
        claims |= {"nonce": asked["nonce"]} | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        token = self.sign(self, claims) if self.sign else self.signed(claims)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": token})
