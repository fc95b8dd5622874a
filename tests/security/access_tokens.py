"""Tokens as issuers mint them, and as thieves and tinkerers make them. The issuer is
the local one; what is forged is put together here by hand, because a library that signs
refuses most of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import RSAAlgorithm

from local.issuer import AUDIENCE, Issuer, new_key
from tests.security.access_matrix import SCOPES, Person, Token

HOUR_S = 3_600
# What each has that a right one has not.
CLAIMS: Mapping[Token, Mapping[str, Any]] = {
    Token.RIGHT: {},
    Token.EXPIRED: {"exp": int(time.time()) - HOUR_S},
    Token.WITHOUT_END: {"exp": None},
    Token.NOT_YET: {"nbf": int(time.time()) + HOUR_S},
    Token.ISSUED_LATER: {"iat": int(time.time()) + HOUR_S},
    Token.OTHER_ISSUER: {"iss": "https://issuer.example.evil.example"},
    Token.OTHER_AUDIENCE: {"aud": f"{AUDIENCE}-admin"},
    Token.NO_AUDIENCE: {"aud": None},
    Token.ID_TOKEN: {"token_use": "id", "email": "a@example.com"},
    Token.NO_SCOPE: {"scope": ""},
}

LACKS: Mapping[Token, tuple[str, ...]] = {
    Token.ID_TOKEN: ("scope",),
    Token.OF_NOBODY: ("sub",),
}
MINTED = {*CLAIMS, *LACKS, Token.OTHER_SCOPES, Token.NEARLY_ITS_SCOPES}


class Mint:
    """One issuer's tokens, right and wrong, and the keys that it publishes."""

    def __init__(self, url: str) -> None:
        self._key, self._other = new_key(), new_key()
        self._issuer = Issuer(url, self._key)
        client = self._issuer.application().test_client()
        self.keys: dict[str, Any] = json.loads(client.get("/jwks.json").data)
        self.configuration = client.get("/.well-known/openid-configuration").json
        self._kid = self.keys["keys"][0]["kid"]
        self._known = cache(self._header)

    def header(self, token: Token, who: Person, scopes: frozenset[str]) -> str | None:
        """What stands after `Authorization:` for a route with these scopes; None:
        nothing."""
        by_route = token in {Token.OTHER_SCOPES, Token.NEARLY_ITS_SCOPES}
        return self._known(token, who, scopes if by_route else frozenset())

    def _header(self, token: Token, who: Person, scopes: frozenset[str]) -> str | None:
        match token:
            case Token.MISSING:
                return None
            case Token.EMPTY:
                return "Bearer "
            case Token.NO_JWT:
                return "Bearer not.a.token"
            case Token.OTHER_SCHEME:
                return f"Basic {self._token(Token.RIGHT, who, scopes)}"
        return f"Bearer {self._token(token, who, scopes)}"

    def _token(self, token: Token, who: Person, scopes: frozenset[str]) -> str:
        scope = " ".join(sorted(who.scopes))
        if token is Token.OTHER_SCOPES:
            scope = " ".join(sorted(SCOPES - scopes))
        if token is Token.NEARLY_ITS_SCOPES:
            near = [f"{s}s {s[:-1]} {s.upper()} {s}:all *" for s in sorted(scopes)]
            scope = " ".join(near)
        claims = {"sub": who.sub, "scope": scope, **CLAIMS.get(token, {})}
        for name in LACKS.get(token, ()):
            del claims[name]
        minted = self._issuer.mint(claims)
        return minted if token in MINTED else self._forged(token, minted)

    def _forged(self, token: Token, right: str) -> str:
        head, body, signature = right.split(".")
        claims = json.loads(base64.urlsafe_b64decode(f"{body}=="))
        altered = _part({**claims, "sub": "somebody-else"})
        enclosed = RSAAlgorithm.to_jwk(self._other.public_key(), as_dict=True)
        own, other = {"kid": self._kid}, self._other
        forged = {
            Token.ALG_NONE: lambda: f"{_part({'alg': 'none', **own})}.{body}.",
            Token.UNSIGNED: lambda: f"{head}.{body}.",
            Token.ALTERED: lambda: f"{head}.{altered}.{signature}",
            Token.HS256_PUBLIC_KEY: lambda: self._by_public_key(body),
            Token.OTHER_KEY: lambda: _rs256(other, body, own),
            Token.OWN_KEY_ENCLOSED: lambda: _rs256(
                other, body, {**own, "jwk": enclosed}
            ),
            Token.UNKNOWN_KID: lambda: _rs256(other, body, {"kid": "another"}),
            Token.NO_KID: lambda: _rs256(self._key, body, {}),
        }
        return forged[token]()

    def _by_public_key(self, body: str) -> str:
        """The public key is known to all: as a shared secret it would be none."""
        told = f"{_part({'alg': 'HS256', 'kid': self._kid})}.{body}"
        pem = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return f"{told}.{_base64(hmac.digest(pem, told.encode(), hashlib.sha256))}"


def _rs256(key: rsa.RSAPrivateKey, body: str, header: Mapping[str, Any]) -> str:
    told = f"{_part({'alg': 'RS256', 'typ': 'JWT', **header})}.{body}"
    return f"{told}.{_base64(key.sign(told.encode(), padding.PKCS1v15(), SHA256()))}"


def _part(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
