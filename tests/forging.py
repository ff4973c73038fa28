"""Access tokens that nobody may accept: the cases of the data folder, made with the real keys."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256, sha384, sha512
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm

from app.modules.auth.infrastructure.key_files import SigningKey

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "jwt_attack_cases.json").read_text()
)["cases"]
HASHES = {"HS256": sha256, "HS384": sha384, "HS512": sha512}

# What the data says in words; the rest of it is taken as it stands.
IN_WORDS: dict[str, Callable[[Any], Any]] = {
    "past-1s-beyond-leeway": lambda real: -11,
    "now+3600": lambda real: 3600,
    "other": lambda real: "other",
    "prefix-of-real (real[:-1])": lambda real: real[:-1],
    "prefix-of-real": lambda real: real[:-1],
    "real + /": lambda real: real + "/",
    '["real"]': lambda real: [real],
    "REAL upper case": lambda real: real.upper(),
    "real upper case": lambda real: real.upper(),
    "[]": lambda real: [],
    '["other"]': lambda real: ["other"],
    '"9999999999" (string)': lambda real: "9999999999",
    '"0"': lambda real: "0",
    "{real-uuid-in-braces}": lambda real: "{" + real + "}",
    "urn:uuid:real": lambda real: "urn:uuid:" + real,
    "REAL-UUID-UPPERCASE": lambda real: real.upper(),
    "real\x00": lambda real: real + "\x00",
}
BARE_NUMBERS = {"NaN", "Infinity", "9e400", "1e308"}
ABOUT_REVOCATION = {"iat-2", "iat-3", "jti-3", "jti-4"}
WHOLE: dict[str, Callable[[dict[str, Any]], object]] = {
    "dup-claim": lambda payload: json.dumps(payload)[:-1] + f', "sub": "{payload["sub"]}"}}',
    "cty-nested": lambda payload: "eyJhbGciOiJub25lIn0.e30.",
    "oversize-64k": lambda payload: payload | {"pad": "x" * 65_536},
}
FORGED = [
    case
    for case in CASES
    if ("header" in case or "payload" in case) and case["id"] not in ABOUT_REVOCATION
]


def part(token: str, index: int) -> dict[str, Any]:
    segment = token.split(".")[index]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return found


def encoded(content: object) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()


class Forge:
    """Makes any token, also such as no library would."""

    def __init__(self, key: SigningKey, refresh_secret: bytes, genuine: str) -> None:
        self.key = key
        self.refresh_secret = refresh_secret
        self.header = part(genuine, 0)
        self.payload = part(genuine, 1)

    def sign(self, header: object, payload: object, how: str = "real") -> str:
        message = f"{encoded(header)}.{encoded(payload)}"
        return f"{message}.{self._signature(message.encode(), header, how)}"

    def make(self, case: dict[str, Any]) -> str:
        """The token that the case describes."""
        return self.sign(self._header(case), self._payload(case), case.get("sign", "real"))

    def _signature(self, message: bytes, header: object, how: str) -> str:
        kind, _, secret = how.partition(":")
        es256 = ECAlgorithm(ECAlgorithm.SHA256)
        match kind:
            case "none" | "strip":
                return ""
            case "real":
                assert isinstance(self.key.private, ec.EllipticCurvePrivateKey)
                signature = es256.sign(message, self.key.private)
            case "attacker-key":
                signature = es256.sign(message, ec.generate_private_key(ec.SECP256R1()))
            case "hmac-real-secret":
                signature = self._hmac(self.refresh_secret, message, header)
            case "hmac":
                signature = self._hmac(self._confused_key(secret), message, header)
            case _:
                raise ValueError(f"the case signs with {how}, which nobody does here")
        return urlsafe_b64encode(signature).rstrip(b"=").decode()

    def _hmac(self, key: bytes, message: bytes, header: object) -> bytes:
        assert isinstance(header, dict)
        return hmac.digest(key, message, HASHES[header["alg"]]().name)

    def _confused_key(self, name: str) -> bytes:
        public = self.key.public
        spki = PublicFormat.SubjectPublicKeyInfo
        match name:
            case "public-key-PEM":
                return public.public_bytes(Encoding.PEM, spki)
            case "public-key-DER":
                return public.public_bytes(Encoding.DER, spki)
            case "public-key-OpenSSH":
                return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
            case "JWK-JSON-document":
                return json.dumps(self.key.public_jwk()).encode()
            case secret:
                return secret.encode()

    def _header(self, case: dict[str, Any]) -> object:
        given = case.get("header", "valid")
        if given == "valid":
            return self.header
        if not isinstance(given, dict):
            return "[" * 100_000
        usual = {name: value for name, value in self.header.items() if name != "alg"}
        header = {**usual, **given}
        return {**header, "alg": self.header["alg"]} if header.get("alg") == "valid" else header

    def _payload(self, case: dict[str, Any]) -> object:
        given = case.get("payload", {})
        if case["id"] in WHOLE:
            return WHOLE[case["id"]](self.payload)
        if not isinstance(given, dict):
            return json.dumps(given)
        payload = dict(self.payload)
        for name, value in given.items():
            if value == "absent":
                del payload[name]
            elif isinstance(value, str) and value in BARE_NUMBERS:
                payload[name] = "BARE"
                return json.dumps(payload).replace('"BARE"', value)
            elif isinstance(value, str) and value in IN_WORDS:
                meant = IN_WORDS[value](payload[name])
                is_offset = name in {"exp", "nbf", "iat"} and isinstance(meant, int)
                payload[name] = self.payload["iat"] + meant if is_offset else meant
            else:
                payload[name] = value
        return payload
