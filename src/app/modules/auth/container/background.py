"""What `auth` does on its own, beside requests and events."""

from __future__ import annotations

from datetime import timedelta

from dependency_injector.providers import List, Singleton

from app.modules.auth.container.adapters import AuthAdapters
from app.modules.auth.infrastructure.key_ring import REREAD_SECONDS
from app.modules.auth.infrastructure.revocation_follower import POLL_SECONDS, RevocationFollower
from app.modules.auth.infrastructure.revocation_notice import CHANNEL
from app.shared.application.schedule import Job
from app.shared.infrastructure.listening import ListenTo, PostgresListener
from app.shared.infrastructure.periodic import Periodic


def _revocation_listener(listen_to: ListenTo, follower: RevocationFollower) -> PostgresListener:
    return listen_to(CHANNEL, heard=follower.hear, resumed=follower.doubt)


class AuthBackground(AuthAdapters):
    """Periodic work, scheduled jobs, and what is closed at the end."""

    # It listens before it reads: what is revoked in between is not missed.
    periodic = List(
        Singleton(
            _revocation_listener, AuthAdapters.kernel.listener, AuthAdapters.revocation_follower
        ),
        Singleton(
            Periodic,
            name="auth.poll_revocations",
            seconds=POLL_SECONDS,
            work=AuthAdapters.revocation_follower.provided.look,
            pause=AuthAdapters.revocation_follower.provided.pause,
            before_serving=True,
        ),
        Singleton(
            Periodic,
            name="auth.store_evidence",
            seconds=0.5,
            work=AuthAdapters.evidence.provided.flush,
            at_the_end=True,
        ),
        Singleton(
            Periodic,
            name="auth.store_api_key_uses",
            seconds=5.0,
            work=AuthAdapters.api_key_uses.provided.flush,
            at_the_end=True,
        ),
        Singleton(
            Periodic,
            name="auth.read_keys",
            seconds=REREAD_SECONDS,
            work=AuthAdapters.key_ring.provided.reread,
        ),
    )
    jobs = List(
        Singleton(
            Job,
            name="auth.expire_sessions",
            cron="5 4 * * *",
            work=AuthAdapters.expiry.provided.expire_sessions,
        ),
        Singleton(
            Job,
            name="auth.forget_revocations",
            every=timedelta(hours=1),
            work=AuthAdapters.expiry.provided.forget_revocations,
        ),
        Singleton(
            Job,
            name="auth.forget_activity",
            cron="35 4 * * *",
            work=AuthAdapters.expiry.provided.forget_activity,
        ),
        Singleton(
            Job,
            name="auth.forget_attempts",
            every=timedelta(hours=1),
            work=AuthAdapters.expiry.provided.forget_attempts,
        ),
        Singleton(
            Job,
            name="auth.forget_mails",
            every=timedelta(hours=1),
            work=AuthAdapters.mail_expiry.provided.forget_mails,
        ),
    )
    closing = List(
        AuthAdapters.hashing_pool.provided.close, AuthAdapters.revocation_notice.provided.close
    )
