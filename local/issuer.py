"""A token issuer for one machine: an OpenID provider of which only the keys exist.

Its RS256 tokens are verified by the authorizer like anybody's. Its private key lives
in the state folder, so that tokens outlast a restart; it never leaves this machine.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from jwt.algorithms import RSAAlgorithm

TOKEN_LIFE_S = 8 * 60 * 60
AUDIENCE = "emanet"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the story: `sub` and scopes of the tokens made for him."""

    sub: str
    scope: str


PEOPLE: Mapping[str, Person] = {
    "buyer": Person("buyer-1", "escrow:read escrow:pay"),
    "seller": Person("seller-1", "escrow:read escrow:ship"),
    "backend": Person("backend-1", "escrow:create"),
    "operations": Person("operations-1", "escrow:read operations"),
    "carrier": Person("carrier-1", "delivery:confirm"),
}


class Issuer:
    """Mints tokens as `url`, signed with `key`."""

    def __init__(self, url: str, key: rsa.RSAPrivateKey) -> None:
        self.url = url
        self._key = key
        self._key_id = _fingerprint(key)

    @classmethod
    def load(cls, url: str, key_file: Path) -> Self:
        """The issuer whose key is in the file; an absent file gets a new key."""
        if not key_file.exists():
            _write_new_key(key_file)
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{key_file} holds no RSA key")
        return cls(url, key)

    def token(self, who: str) -> str:
        person = PEOPLE[who]
        return self.mint({"sub": person.sub, "scope": person.scope})

    def mint(self, claims: Mapping[str, object]) -> str:
        """A token with these claims, which may also replace the usual ones."""
        now = int(time.time())
        usual = {
            "iss": self.url,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + TOKEN_LIFE_S,
        }
        headers = {"kid": self._key_id}
        return jwt.encode({**usual, **claims}, self._key, "RS256", headers)

    def application(self) -> Flask:
        """The two documents from which an authorizer learns the public key."""
        app = Flask(__name__, static_folder=None)
        configuration = {"issuer": self.url, "jwks_uri": f"{self.url}/jwks.json"}
        public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        keys = {"keys": [{**public, "kid": self._key_id, "use": "sig", "alg": "RS256"}]}
        app.add_url_rule(
            "/.well-known/openid-configuration",
            "configuration",
            lambda: configuration,
        )
        app.add_url_rule("/jwks.json", "keys", lambda: keys)
        return app


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _write_new_key(key_file: Path) -> None:
    pem = new_key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key_file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(pem)


def _fingerprint(key: rsa.RSAPrivateKey) -> str:
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()[:16]
