"""The folder of keys: made, checked, read again and rotated."""

from __future__ import annotations

import errno
import os
import secrets
import subprocess
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from app.modules.auth.infrastructure.key_files import KeyRingError
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.modules.auth.infrastructure.new_keys import write_once
from app.shared.testing.clock import FixedClock

PUBLISH_AHEAD = timedelta(minutes=5)
PrivateKey = (
    ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | dsa.DSAPrivateKey
)


def pem(key: PrivateKey, password: bytes | None = None) -> bytes:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


def opened(directory: Path, clock: FixedClock) -> KeyRing:
    return KeyRing(directory, clock, publish_ahead=PUBLISH_AHEAD)


def kids(ring: KeyRing) -> list[str]:
    return [key["kid"] for key in ring.jwks()["keys"]]


def test_the_first_start_makes_a_key_of_each_kind_for_the_owner_alone(
    keys_dir: Path, key_ring: KeyRing
) -> None:
    files = sorted(keys_dir.iterdir())

    assert [file.name for file in files] == [
        "20260101T000000-first.pem",
        "20260101T000000-first.secret",
    ]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert keys_dir.stat().st_mode & 0o777 == 0o700
    assert key_ring.signing_key().algorithm == "ES256"
    assert len(key_ring.refresh_secret().value) == 32


def test_the_next_start_reads_the_same_keys(
    keys_dir: Path, clock: FixedClock, key_ring: KeyRing
) -> None:
    clock.advance(86_400)

    again = KeyRing.ensure(keys_dir, clock, publish_ahead=PUBLISH_AHEAD)

    assert again.refresh_secret() == key_ring.refresh_secret()
    assert again.jwks() == key_ring.jwks()


def test_processes_that_start_together_share_one_key(keys_dir: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from datetime import timedelta\n"
        "from app.modules.auth.infrastructure.key_ring import KeyRing\n"
        "from app.shared.testing.clock import FixedClock\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "ring = KeyRing.ensure(Path(sys.argv[1]), FixedClock(), publish_ahead=timedelta(0))\n"
        "print(ring.refresh_secret().value.hex(), ring.jwks())\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(keys_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]

    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = {process.communicate(timeout=60)[0] for process in processes}

    assert len(answers) == 1
    assert answers.pop().strip()
    assert len(list(keys_dir.iterdir())) == 2


def test_whoever_makes_a_file_second_leaves_the_first(tmp_path: Path) -> None:
    path = tmp_path / "20260101T000000-first.secret"

    made = [write_once(path, b"first"), write_once(path, b"second")]

    assert made == [True, False]
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_the_jwk_set_is_public_and_complete(keys_dir: Path, clock: FixedClock) -> None:
    ring = KeyRing.ensure(keys_dir, clock, publish_ahead=PUBLISH_AHEAD)
    clock.advance(1)
    ring.rotate("signing", algorithm="EdDSA")

    first, second = ring.jwks()["keys"]

    assert first.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert (first["kty"], first["crv"], first["alg"], first["use"]) == (
        "EC",
        "P-256",
        "ES256",
        "sig",
    )
    assert second.keys() == {"kty", "crv", "x", "kid", "alg", "use"}
    assert (second["kty"], second["crv"], second["alg"]) == ("OKP", "Ed25519", "EdDSA")


def test_a_new_key_is_published_at_once_and_signs_after_the_max_age(
    clock: FixedClock, key_ring: KeyRing
) -> None:
    old = key_ring.signing_key().kid
    clock.advance(3600)

    new = key_ring.rotate("signing").name.removesuffix(".pem")

    assert kids(key_ring) == [old, new]
    assert key_ring.signing_key().kid == old
    clock.advance(299)
    assert key_ring.signing_key().kid == old
    clock.advance(1)
    assert key_ring.signing_key().kid == new


def test_a_new_refresh_secret_verifies_at_once_and_mints_after_the_max_age(
    clock: FixedClock, key_ring: KeyRing
) -> None:
    clock.advance(3600)

    new = key_ring.rotate("refresh").name.removesuffix(".secret")

    assert key_ring.refresh_secret_of(new) is not None
    assert key_ring.refresh_secret().kid != new
    clock.advance(300)
    assert key_ring.refresh_secret().kid == new


def test_the_listing_says_which_keys_mint_and_shows_none(
    clock: FixedClock, key_ring: KeyRing
) -> None:
    clock.advance(3600)
    key_ring.rotate("refresh")

    listed = [(key.kind, key.algorithm, key.mints) for key in key_ring.listing()]

    assert listed == [
        ("signing", "ES256", True),
        ("refresh", "HS256", True),
        ("refresh", "HS256", False),
    ]


def test_while_no_key_is_old_enough_the_oldest_mints(clock: FixedClock, key_ring: KeyRing) -> None:
    first = key_ring.refresh_secret().kid
    clock.advance(1)

    key_ring.rotate("refresh")

    assert key_ring.refresh_secret().kid == first


def test_a_key_without_a_time_in_its_name_counts_as_old(
    keys_dir: Path, clock: FixedClock, key_ring: KeyRing
) -> None:
    (keys_dir / "mounted.pem").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))

    assert key_ring.refresh()
    assert key_ring.signing_key().kid == "mounted"
    clock.advance(300)
    assert key_ring.signing_key().kid == "20260101T000000-first"


def test_a_read_only_folder_gets_the_new_key_as_text(
    keys_dir: Path, key_ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", refuse)

    made = key_ring.rotate("refresh")

    assert made.content is not None
    assert made.content.strip() not in repr(made)
    monkeypatch.undo()
    (keys_dir / made.name).write_text(made.content)
    assert key_ring.refresh()
    assert key_ring.refresh_secret_of(made.name.removesuffix(".secret")) is not None


def test_rotating_leaves_no_drafts_behind(keys_dir: Path, key_ring: KeyRing) -> None:
    key_ring.rotate("signing")
    key_ring.rotate("refresh")

    assert sorted(path.suffix for path in keys_dir.iterdir()) == [
        ".pem",
        ".pem",
        ".secret",
        ".secret",
    ]
    assert not [path for path in keys_dir.iterdir() if path.name.startswith(".")]


def test_nothing_is_read_again_when_nothing_changed(key_ring: KeyRing) -> None:
    version = key_ring.version

    assert not key_ring.refresh()
    assert key_ring.version == version


async def test_a_removed_key_is_forgotten_and_the_version_grows(
    keys_dir: Path, clock: FixedClock, key_ring: KeyRing
) -> None:
    clock.advance(3600)
    key_ring.rotate("signing")
    clock.advance(3600)
    version = key_ring.version
    removed = kids(key_ring)[0]

    (keys_dir / f"{removed}.pem").unlink()
    await key_ring.reread()

    assert key_ring.version > version
    assert key_ring.verifying_key(removed) is None


def test_a_file_that_turns_bad_keeps_its_last_good_content_and_holds_up_nothing_else(
    keys_dir: Path, clock: FixedClock, key_ring: KeyRing
) -> None:
    clock.advance(3600)
    second = key_ring.rotate("signing").name
    first = key_ring.signing_key()

    (keys_dir / f"{first.kid}.pem").write_text("rubbish")
    (keys_dir / second).unlink()

    assert key_ring.refresh()
    assert kids(key_ring) == [first.kid]
    assert key_ring.verifying_key(first.kid) is first


def test_an_emptied_folder_leaves_the_last_good_keys(keys_dir: Path, key_ring: KeyRing) -> None:
    before = key_ring.jwks()

    for file in keys_dir.iterdir():
        file.unlink()

    assert not key_ring.refresh()
    keys_dir.rmdir()
    assert not key_ring.refresh()
    assert key_ring.jwks() == before


WEAK_SECRETS = {
    "short": secrets.token_bytes(31),
    "short-text": urlsafe_b64encode(secrets.token_bytes(31)).rstrip(b"="),
    "changethis": b"changethis",
    "changethis-long": b"changethis" * 5,
    "zeros": bytes(32),
    "same": b"A" * 64,
    "counting": bytes(range(32)),
    "counting-text": urlsafe_b64encode(bytes(range(48))),
    "hex-letters": b"0123456789abcdef" * 4,
    "repeated": sha256(b"a").digest()[:24] * 2,
    "few-values": bytes(200 + byte % 12 for byte in sha256(b"a").digest()),
    "phrase": b"supersecretkeythatshouldbechangedforproduction",
    "tutorial": b"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "jwt-io": b"your-256-bit-secret-your-256-bit-secret",
    "few-letters": b"abababcdcdcdefefefabababcdcdcdefefef",
    "published": b"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_"
    b"T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "empty": b"",
}


@pytest.mark.parametrize("name", WEAK_SECRETS)
def test_a_weak_refresh_secret_is_refused_by_name_and_never_shown(
    keys_dir: Path, clock: FixedClock, key_ring: KeyRing, name: str
) -> None:
    content = WEAK_SECRETS[name]
    (keys_dir / f"{name}.secret").write_bytes(content)

    with pytest.raises(KeyRingError) as refusal:
        opened(keys_dir, clock)

    message = str(refusal.value)
    assert message.startswith(f"AUTH_KEYS_DIR: {name}.secret ")
    assert not content or content.decode("latin-1") not in message.split(" ", 2)[2]
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\xff" + secrets.token_bytes(30),
        urlsafe_b64encode(secrets.token_bytes(32)) + b"\n",
        secrets.token_hex(32).encode(),
        secrets.token_urlsafe(48).encode(),
    ],
    ids=["bytes", "base64", "hex", "urlsafe"],
)
def test_a_random_secret_is_accepted_as_bytes_or_text(
    keys_dir: Path, clock: FixedClock, key_ring: KeyRing, content: bytes
) -> None:
    (keys_dir / "mounted.secret").write_bytes(content)

    secret = opened(keys_dir, clock).refresh_secret_of("mounted")

    assert secret is not None
    assert len(secret.value) >= 32
    assert repr(secret) == "RefreshSecret(kid='mounted')"


UNFIT_KEYS = {
    "rsa": pem(rsa.generate_private_key(65537, 2048)),
    "p384": pem(ec.generate_private_key(ec.SECP384R1())),
    "secp256k1": pem(ec.generate_private_key(ec.SECP256K1())),
    "encrypted": pem(ed25519.Ed25519PrivateKey.generate(), b"passphrase"),
    "public": ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "tiny-scalar": pem(ec.derive_private_key(1, ec.SECP256R1())),
    "zero-seed": pem(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))),
    "published-ec": pem(
        ec.derive_private_key(
            int.from_bytes(urlsafe_b64decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI=")),
            ec.SECP256R1(),
        )
    ),
    "published-ed25519": pem(
        ed25519.Ed25519PrivateKey.from_private_bytes(
            urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
        )
    ),
    "text": b"changethis",
    "empty": b"",
}


@pytest.mark.parametrize("name", UNFIT_KEYS)
def test_any_other_or_weak_signing_key_is_refused_by_name(
    keys_dir: Path, clock: FixedClock, key_ring: KeyRing, name: str
) -> None:
    (keys_dir / f"{name}.pem").write_bytes(UNFIT_KEYS[name])

    with pytest.raises(KeyRingError, match=rf"^AUTH_KEYS_DIR: {name}\.pem "):
        opened(keys_dir, clock)


def test_a_file_name_that_is_no_key_id_is_refused(
    keys_dir: Path, clock: FixedClock, key_ring: KeyRing
) -> None:
    (keys_dir / "with blank.secret").write_bytes(secrets.token_bytes(32))

    with pytest.raises(KeyRingError, match=r"with blank\.secret is no key id"):
        opened(keys_dir, clock)


@pytest.mark.parametrize("missing", ["*.pem", "*.secret"])
def test_a_folder_without_a_key_of_each_kind_refuses_the_start(
    keys_dir: Path, clock: FixedClock, key_ring: KeyRing, missing: str
) -> None:
    for file in keys_dir.glob(missing):
        file.unlink()

    with pytest.raises(KeyRingError, match="AUTH_KEYS_DIR: there is no"):
        opened(keys_dir, clock)


def test_a_missing_folder_refuses_the_start(keys_dir: Path, clock: FixedClock) -> None:
    with pytest.raises(KeyRingError, match="AUTH_KEYS_DIR: the folder cannot be read"):
        opened(keys_dir, clock)


def test_other_files_in_the_folder_are_ignored(
    keys_dir: Path, clock: FixedClock, key_ring: KeyRing
) -> None:
    (keys_dir / ".hidden.pem").write_text("rubbish")
    (keys_dir / "README").write_text("keys")

    assert opened(keys_dir, clock).jwks() == key_ring.jwks()
