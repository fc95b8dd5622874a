"""The JWT authorizer: who calls, and may he call this route?

It trusts nothing but the issuer's published keys, which it fetches as API Gateway
does. It never knows a private key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt
import requests

from local.api_gateway.payload import Caller

FETCH_TIMEOUT_S = 5.0


class UnauthorizedError(Exception):
    """No token, or none that this API believes."""


class ForbiddenError(Exception):
    """A good token without any of the route's scopes."""


class JwtAuthorizer:
    """RS256 tokens of one issuer for one of the audiences."""

    def __init__(self, issuer: str, audience: tuple[str, ...]) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys: jwt.PyJWKClient | None = None

    def admit(self, authorization: str | None, scopes: tuple[str, ...]) -> Caller:
        """The caller, if one of the scopes is his (a route may ask for none)."""
        claims = self._verified(_token(authorization))
        own = tuple(str(claims.get("scope", claims.get("scp", ""))).split())
        if scopes and not set(scopes) & set(own):
            raise ForbiddenError
        return Caller({name: _text(value) for name, value in claims.items()}, own)

    def _verified(self, token: str) -> dict[str, Any]:
        try:
            key = self._key_client().get_signing_key_from_jwt(token).key
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                issuer=self._issuer,
                options={"require": ["exp", "iss"], "verify_aud": False},
            )
        except (jwt.PyJWTError, requests.RequestException) as error:
            raise UnauthorizedError(type(error).__name__) from None
        self._check_audience(claims)
        return claims

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        """`client_id` stands in for an absent `aud`, as on API Gateway."""
        named = claims.get("aud", claims.get("client_id"))
        audience = named if isinstance(named, list) else [named]
        if not set(audience) & set(self._audience):
            raise UnauthorizedError("audience")

    def _key_client(self) -> jwt.PyJWKClient:
        if self._keys is None:
            found = requests.get(
                f"{self._issuer}/.well-known/openid-configuration",
                timeout=FETCH_TIMEOUT_S,
            )
            found.raise_for_status()
            self._keys = jwt.PyJWKClient(
                found.json()["jwks_uri"], timeout=int(FETCH_TIMEOUT_S)
            )
        return self._keys


def _token(authorization: str | None) -> str:
    """The header's token; the word Bearer before it is optional, as on AWS."""
    if not authorization:
        raise UnauthorizedError("no token")
    return authorization.removeprefix("Bearer ").strip()


def _text(value: object) -> str:
    """Claims reach a function as text: a list as `[a b]`."""
    if isinstance(value, list):
        return f"[{' '.join(_text(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
