"""Mails leave after the commit that owes them, and only while they have something to say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.modules.auth.application.effects.send_mail import SendMail
from app.modules.auth.contracts.events import AccountRegistered
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.events import MailDue, RegistrationRepeated
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.testing import InMemoryAuth
from app.shared.application.mailer import MailServerAwayError
from app.shared.testing.mailer import InMemoryMailer
from tests.contract.facts import facts
from tests.factories import AccountFactory
from tests.unit.auth.post import answer_of, mails, postman_of, token_in, welcome_of

KEY = "event:subscriber"


class Post:
    """An account, and what writes to it."""

    def __init__(self) -> None:
        self.auth = InMemoryAuth()
        self.mailer = InMemoryMailer()
        self.postman = postman_of(self.auth, self.mailer)
        self.account: Account = self.auth.accounts.put(AccountFactory.build(locale="de"))

    def owe(self, mail: OutgoingMail) -> OutgoingMail:
        stored: OutgoingMail = self.auth.mails.put(mail)
        return stored

    def with_token(self, kind: MailKind = MailKind.RESET_PASSWORD) -> OutgoingMail:
        return self.owe(
            OutgoingMail.with_token(
                kind,
                account=self.account,
                kid="kid1",
                policy=self.auth.mail_policy,
                now=self.auth.clock.now(),
            )
        )

    async def deliver(self, mail: OutgoingMail) -> None:
        await SendMail(self.postman)(MailDue(mail_id=mail.id), KEY)


@pytest.fixture
def post() -> Post:
    return Post()


async def test_a_mail_carries_the_token_that_is_derived_for_it(post: Post) -> None:
    mail = post.with_token()

    await post.deliver(mail)

    (sent,) = post.mailer.sent
    assert sent.to == post.account.email.mailbox
    assert f"#token={token_in(post.auth, mail)}" in sent.text


async def test_a_repeated_delivery_is_the_same_mail_under_the_same_key(post: Post) -> None:
    mail = post.with_token()
    await post.deliver(mail)
    (first,) = post.mailer.sent

    await post.deliver(mail)

    assert post.mailer.by_key == {KEY: first}


@pytest.mark.parametrize("end", ["expired", "void", "epoch", "gone"])
async def test_a_mail_whose_token_is_void_by_now_is_not_sent(post: Post, end: str) -> None:
    mail = post.with_token()
    stored = post.auth.mails.rows[mail.id]
    if end == "expired":
        post.auth.clock.advance(timedelta(minutes=10))
    if end == "void":
        stored.void(post.auth.clock.now())
    if end == "epoch":
        post.auth.accounts.rows[post.account.id].raise_epoch(post.auth.clock.now())
    if end == "gone":
        del post.auth.accounts.rows[post.account.id]

    await post.deliver(mail)

    assert post.mailer.sent == []


async def test_what_is_owed_to_nobody_is_sent_to_nobody(post: Post) -> None:
    mail = post.owe(OutgoingMail.to_nobody(MailKind.RESET_PASSWORD, now=post.auth.clock.now()))

    await post.deliver(mail)

    assert post.mailer.sent == []


async def test_a_notice_is_sent_even_when_its_account_is_gone(post: Post) -> None:
    mail = post.owe(
        OutgoingMail.notice(
            MailKind.ACCOUNT_DELETED, account=post.account, now=post.auth.clock.now()
        )
    )
    del post.auth.accounts.rows[post.account.id]

    await post.deliver(mail)

    assert [sent.to for sent in post.mailer.sent] == [post.account.email.mailbox]


async def welcome(post: Post) -> None:
    event = AccountRegistered(account_id=post.account.id)
    await welcome_of(post.auth, post.mailer)(event, KEY)


async def test_a_new_account_is_welcomed_by_the_event_of_its_registration(post: Post) -> None:
    await welcome(post)

    (mail,) = mails(post.auth)
    (sent,) = post.mailer.sent
    assert f"#token={token_in(post.auth, mail)}" in sent.text


async def test_a_welcome_that_is_repeated_is_the_same_one(post: Post) -> None:
    await welcome(post)
    (first,) = post.mailer.sent
    post.auth.clock.advance(timedelta(minutes=9))

    await welcome(post)

    assert post.mailer.by_key == {KEY: first}
    assert len(mails(post.auth)) == 1


async def test_the_link_of_a_welcome_counts_from_its_sending(post: Post) -> None:
    post.mailer.failure = MailServerAwayError()
    with pytest.raises(MailServerAwayError):
        await welcome(post)
    post.auth.clock.advance(timedelta(hours=1))
    post.mailer.failure = None

    await welcome(post)

    (mail,) = mails(post.auth)
    assert mail.is_good_for(MailKind.VERIFY_EMAIL, post.account, post.auth.clock.now())
    assert len(post.mailer.sent) == 1


@pytest.mark.parametrize("end", ["verified", "disabled", "gone", "long ago"])
async def test_whoever_needs_no_welcome_gets_none(post: Post, end: str) -> None:
    account = post.auth.accounts.rows[post.account.id]
    if end == "long ago":
        post.auth.clock.advance(timedelta(hours=7))
    if end == "verified":
        account.verify(post.auth.clock.now())
    if end == "disabled":
        account.disable(post.auth.clock.now())
    if end == "gone":
        del post.auth.accounts.rows[post.account.id]

    await welcome(post)

    assert post.mailer.sent == []
    assert mails(post.auth) == []


async def test_whoever_asked_for_another_mail_meanwhile_gets_that_one_alone(post: Post) -> None:
    asked = post.with_token(MailKind.VERIFY_EMAIL)

    await welcome(post)

    assert post.mailer.sent == []
    assert [mail.id for mail in mails(post.auth)] == [asked.id]


class Repetition:
    """Somebody registers the address of the account once more."""

    def __init__(self, post: Post) -> None:
        self.post = post
        mail = OutgoingMail.to_holder(password_hash="fake1:attempt", now=post.auth.clock.now())
        mail.account_id = post.account.id
        self.id = post.owe(mail).id

    async def answer(self) -> None:
        answer = answer_of(self.post.auth, self.post.mailer)
        await answer(RegistrationRepeated(mail_id=self.id), f"{self.id}:subscriber")

    @property
    def mail(self) -> OutgoingMail:
        return self.post.auth.mails.rows[self.id]


async def test_the_holder_of_an_unverified_address_gets_a_link_for_the_new_password(
    post: Post,
) -> None:
    repetition = Repetition(post)
    post.auth.clock.advance(timedelta(hours=1))

    await repetition.answer()

    (sent,) = post.mailer.sent
    assert sent.to == post.account.email.mailbox
    assert f"#token={token_in(post.auth, repetition.mail)}" in sent.text
    assert repetition.mail.password_hash == "fake1:attempt"
    assert repetition.mail.locale == "de"
    assert repetition.mail.is_good_for(
        MailKind.VERIFY_EMAIL, post.account, post.auth.clock.now() + timedelta(minutes=9)
    )


async def test_the_holder_of_a_verified_address_is_told_and_nothing_can_be_done_with_it(
    post: Post,
) -> None:
    repetition = Repetition(post)
    post.auth.accounts.rows[post.account.id].verify(post.auth.clock.now())

    await repetition.answer()

    (sent,) = post.mailer.sent
    assert "token" not in sent.text
    assert (repetition.mail.kind, repetition.mail.password_hash, repetition.mail.kid) == (
        MailKind.ALREADY_REGISTERED,
        None,
        None,
    )


@pytest.mark.parametrize("verified", [True, False])
async def test_an_answer_that_is_repeated_is_the_same_one(verified: bool, post: Post) -> None:
    repetition = Repetition(post)
    if verified:
        post.auth.accounts.rows[post.account.id].verify(post.auth.clock.now())
    await repetition.answer()
    (first,) = post.mailer.sent
    written = facts(repetition.mail)
    post.auth.clock.advance(timedelta(minutes=9))

    await repetition.answer()

    assert post.mailer.sent == [first]
    assert facts(repetition.mail) == written


@pytest.mark.parametrize("end", ["disabled", "gone", "enough"])
async def test_whoever_is_to_get_no_answer_gets_none(post: Post, end: str) -> None:
    repetition = Repetition(post)
    if end == "disabled":
        post.auth.accounts.rows[post.account.id].disable(post.auth.clock.now())
    if end == "gone":
        del post.auth.accounts.rows[post.account.id]
    if end == "enough":
        for _ in range(post.auth.mail_policy.max_per_hour):
            post.with_token(MailKind.VERIFY_EMAIL)

    await repetition.answer()

    assert post.mailer.sent == []
    assert end == "gone" or repetition.mail.password_hash is None


async def test_what_is_not_written_yet_is_not_counted(post: Post) -> None:
    repetitions = [Repetition(post) for _ in range(post.auth.mail_policy.max_per_hour + 1)]

    for repetition in repetitions:
        await repetition.answer()

    assert len(post.mailer.sent) == post.auth.mail_policy.max_per_hour
    assert repetitions[-1].mail.account_id is None


@pytest.mark.parametrize("verified", [True, False])
async def test_whoever_was_registered_again_while_no_mail_could_leave_gets_no_more_than_ever(
    verified: bool, post: Post
) -> None:
    if verified:
        post.auth.accounts.rows[post.account.id].verify(post.auth.clock.now())
    most = post.auth.mail_policy.max_per_hour
    repetitions = [Repetition(post) for _ in range(most + 3)]
    post.auth.clock.advance(timedelta(hours=2))

    for repetition in repetitions:
        await repetition.answer()

    assert len(post.mailer.sent) == most
