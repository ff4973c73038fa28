"""What `auth` is made of: its table of contents."""

from __future__ import annotations

from dependency_injector.providers import Callable, Dict, List, Object, Singleton
from fastapi import APIRouter

from app.modules.auth.api import (
    account,
    activity,
    administration,
    api_keys,
    email,
    keys,
    mailed_links,
    oauth2,
    passwords,
    registration,
    sessions,
    tokens,
)
from app.modules.auth.application.api_key_authenticator import (
    ApiKeyAuthenticator,
    BearerAuthenticator,
)
from app.modules.auth.application.authenticator import AccessTokenAuthenticator
from app.modules.auth.application.commands.change_password import ChangePasswordHandler
from app.modules.auth.application.commands.change_roles import ChangeRolesHandler
from app.modules.auth.application.commands.confirm_email_change import ConfirmEmailChangeHandler
from app.modules.auth.application.commands.create_admin import CreateAdminHandler
from app.modules.auth.application.commands.create_api_key import CreateApiKeyHandler
from app.modules.auth.application.commands.delete_account import DeleteAccountHandler
from app.modules.auth.application.commands.delete_api_key import DeleteApiKeyHandler
from app.modules.auth.application.commands.disable_account import DisableAccountHandler
from app.modules.auth.application.commands.enable_account import EnableAccountHandler
from app.modules.auth.application.commands.export_personal_data import ExportPersonalDataHandler
from app.modules.auth.application.commands.log_in import LogInHandler
from app.modules.auth.application.commands.log_out import LogOutHandler
from app.modules.auth.application.commands.register_account import RegisterAccountHandler
from app.modules.auth.application.commands.request_email_change import RequestEmailChangeHandler
from app.modules.auth.application.commands.request_password_reset import (
    RequestPasswordResetHandler,
)
from app.modules.auth.application.commands.resend_verification import ResendVerificationHandler
from app.modules.auth.application.commands.reset_password import ResetPasswordHandler
from app.modules.auth.application.commands.revoke_account_sessions import (
    RevokeAccountSessionsHandler,
)
from app.modules.auth.application.commands.revoke_my_sessions import RevokeMySessionsHandler
from app.modules.auth.application.commands.revoke_session import RevokeSessionHandler
from app.modules.auth.application.commands.revoke_sessions_before import RevokeSessionsBeforeHandler
from app.modules.auth.application.commands.rotate_refresh_token import RotateRefreshTokenHandler
from app.modules.auth.application.commands.verify_email import VerifyEmailHandler
from app.modules.auth.application.effects.send_mail import SendMail
from app.modules.auth.application.effects.send_to_holder import SendToHolder
from app.modules.auth.application.effects.send_welcome import SendWelcome
from app.modules.auth.application.ports import PublishedKeys
from app.modules.auth.application.queries.get_account import GetAccountHandler
from app.modules.auth.application.queries.list_accounts import ListAccountsHandler
from app.modules.auth.application.queries.list_api_keys import ListApiKeysHandler
from app.modules.auth.application.queries.list_my_activity import ListMyActivityHandler
from app.modules.auth.application.queries.list_my_sessions import ListMySessionsHandler
from app.modules.auth.application.reactions.follow_locale import FollowLocale
from app.modules.auth.container.adapters import PORTS, AuthAdapters
from app.modules.auth.container.background import AuthBackground
from app.modules.auth.contracts.events import AccountDeleted, AccountRegistered
from app.modules.auth.domain.events import MailDue, RegistrationRepeated, SessionCompromised
from app.modules.auth.infrastructure.account_data import SqlAccountData
from app.modules.auth.infrastructure.jinja_mail_composer import JinjaMailComposer
from app.modules.auth.infrastructure.unit_of_work import SqlAlchemyAuthWork
from app.modules.users.contracts.events import ProfileUpdated
from app.shared.application.deployment import Deployment
from app.shared.application.event_bus import Effect, Reaction
from app.shared.application.idempotency import Fingerprints
from app.shared.application.languages import Languages
from app.shared.application.principal import Authenticator
from app.shared.infrastructure.use_case import use_case

MAIL_ATTEMPTS = 50
"""Over an hour and a half: a mail server may be away for longer than a database."""


def _routers(deployment: Deployment) -> list[APIRouter]:
    routers = [
        registration.router,
        tokens.router,
        account.router,
        sessions.router,
        activity.router,
        administration.router,
        api_keys.router,
        passwords.router,
        email.router,
        keys.router,
    ]
    return [*routers, oauth2.router, mailed_links.router] if deployment.is_development else routers


class AuthContainer(AuthBackground):
    """Accounts, sessions and tokens."""

    register_account = use_case(RegisterAccountHandler, PORTS)
    create_admin = use_case(CreateAdminHandler, PORTS)
    log_in = use_case(LogInHandler, PORTS)
    rotate_refresh_token = use_case(RotateRefreshTokenHandler, PORTS)
    log_out = use_case(LogOutHandler, PORTS)
    verify_email = use_case(VerifyEmailHandler, PORTS)
    resend_verification = use_case(ResendVerificationHandler, PORTS)
    request_password_reset = use_case(RequestPasswordResetHandler, PORTS)
    reset_password = use_case(ResetPasswordHandler, PORTS)
    change_password = use_case(ChangePasswordHandler, PORTS)
    request_email_change = use_case(RequestEmailChangeHandler, PORTS)
    confirm_email_change = use_case(ConfirmEmailChangeHandler, PORTS)
    get_account = use_case(GetAccountHandler, PORTS)
    list_my_sessions = use_case(ListMySessionsHandler, PORTS)
    revoke_session = use_case(RevokeSessionHandler, PORTS)
    revoke_my_sessions = use_case(RevokeMySessionsHandler, PORTS)
    revoke_sessions_before = use_case(RevokeSessionsBeforeHandler, PORTS)
    list_my_activity = use_case(ListMyActivityHandler, PORTS)
    list_accounts = use_case(ListAccountsHandler, PORTS)
    disable_account = use_case(DisableAccountHandler, PORTS)
    enable_account = use_case(EnableAccountHandler, PORTS)
    change_roles = use_case(ChangeRolesHandler, PORTS)
    revoke_account_sessions = use_case(RevokeAccountSessionsHandler, PORTS)
    delete_account = use_case(DeleteAccountHandler, PORTS)
    export_personal_data = use_case(ExportPersonalDataHandler, PORTS)
    create_api_key = use_case(CreateApiKeyHandler, PORTS)
    list_api_keys = use_case(ListApiKeysHandler, PORTS)
    delete_api_key = use_case(DeleteApiKeyHandler, PORTS)

    authenticator = Singleton(
        BearerAuthenticator,
        by_access_token=use_case(AccessTokenAuthenticator, PORTS),
        by_api_key=use_case(ApiKeyAuthenticator, PORTS),
    )
    follow_locale = use_case(FollowLocale, PORTS)
    send_mail = use_case(SendMail, PORTS)
    send_to_holder = use_case(SendToHolder, PORTS)
    send_welcome = use_case(SendWelcome, PORTS)

    routers = Callable(_routers, AuthAdapters.kernel.deployment)
    events = Object(
        (AccountRegistered, AccountDeleted, MailDue, RegistrationRepeated, SessionCompromised)
    )
    mail_previews = Callable(JinjaMailComposer.previews, AuthAdapters.composer)
    provides = Dict(
        {
            Authenticator: authenticator,
            Fingerprints: AuthAdapters.fingerprints,
            Languages: AuthAdapters.composer.provided.languages,
            PublishedKeys: AuthAdapters.key_ring,
        }
    )
    personal_data = Dict(auth=Singleton(SqlAccountData, AuthAdapters.kernel.reader))
    subscribers = List(
        Singleton(
            Reaction,
            name="auth.follow_locale",
            event=ProfileUpdated,
            handler=follow_locale,
            work=Object(SqlAlchemyAuthWork),
        ),
        Singleton(
            Effect,
            name="auth.send_mail",
            event=MailDue,
            handler=send_mail,
            max_attempts=MAIL_ATTEMPTS,
        ),
        Singleton(
            Effect,
            name="auth.send_to_holder",
            event=RegistrationRepeated,
            handler=send_to_holder,
            max_attempts=MAIL_ATTEMPTS,
        ),
        Singleton(
            Effect,
            name="auth.send_welcome",
            event=AccountRegistered,
            handler=send_welcome,
            max_attempts=MAIL_ATTEMPTS,
        ),
    )
