"""Mail into a folder, and the mailbox that reads it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.shared.application.mailer import Mail
from app.shared.infrastructure.mail.folder_mailer import FolderMailbox, FolderMailer
from app.shared.infrastructure.mail.message import Sender

SENDER = Sender("Bulkhead", "no-reply@localhost")


def mail(subject: str) -> Mail:
    return Mail(to="ada@example.com", subject=subject, text=f"{subject}: ü", html="<p>ü</p>")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"


def let_a_second_pass(folder: Path) -> None:
    for file in files(folder):
        time = file.stat().st_mtime_ns - 10**9
        os.utime(file, ns=(time, time))


def files(folder: Path) -> list[Path]:
    return list(folder.glob("*"))


def is_open_to_others(path: Path) -> bool:
    return path.stat().st_mode & 0o077 != 0


async def sent(folder: Path, *subjects: str, kept: int = 200) -> None:
    """One mail each, as if a second lay between them."""
    mailer = FolderMailer(folder, SENDER, kept=kept)
    for subject in subjects:
        let_a_second_pass(folder)
        await mailer.send(mail(subject), idempotency_key=subject)


async def test_what_was_sent_is_read_again_the_newest_first(folder: Path) -> None:
    await sent(folder, "first", "second")

    newest, oldest = await FolderMailbox(folder).newest()

    assert (newest.subject, oldest.subject) == ("second", "first")
    assert newest.to == "ada@example.com"
    assert newest.sender == "Bulkhead <no-reply@localhost>"
    assert newest.text.strip() == "second: ü"
    assert newest.html.strip() == "<p>ü</p>"
    assert newest.sent_at > oldest.sent_at


async def test_a_repetition_takes_the_place_of_the_first(folder: Path) -> None:
    await sent(folder, "once", "once")

    assert len(await FolderMailbox(folder).newest()) == 1


async def test_only_so_many_are_kept(folder: Path) -> None:
    await sent(folder, *map(str, range(7)), kept=3)

    kept = await FolderMailbox(folder).newest()

    assert [one.subject for one in kept] == ["6", "5", "4"]
    assert len(files(folder)) == 3


async def test_a_file_is_there_in_whole_or_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    await sent(folder, "whole")
    monkeypatch.setattr(Path, "rename", killed)

    with pytest.raises(KeyboardInterrupt):
        FolderMailer(folder, SENDER)._write("half", b"half of a mail")

    [kept] = await FolderMailbox(folder).newest()
    assert kept.subject == "whole"


async def test_nobody_else_on_the_machine_may_read_it(folder: Path) -> None:
    await sent(folder, "private")

    [file] = files(folder)
    assert not is_open_to_others(folder)
    assert not is_open_to_others(file)


async def test_one_is_found_by_its_id(folder: Path) -> None:
    await sent(folder, "first", "second")
    mailbox = FolderMailbox(folder)

    for kept in await mailbox.newest():
        assert await mailbox.find(kept.id) == kept


async def test_whoever_opens_one_reads_no_other(folder: Path) -> None:
    await sent(folder, "wanted")
    mailbox = FolderMailbox(folder)
    [wanted] = await mailbox.newest()
    (folder / f"{'0' * 32}.eml").mkdir()

    assert await mailbox.find(wanted.id) == wanted


@pytest.mark.parametrize(
    "other", ["", "f" * 32, "secret", "A" * 32, "../secret", "../" + "0" * 29, "0" * 32 + "\n"]
)
async def test_what_is_no_id_of_a_mail_finds_nothing(folder: Path, other: str) -> None:
    await sent(folder, "first")
    if other != "f" * 32:
        (folder / f"{other}.eml").write_bytes(b"Subject: no mail of ours")

    assert await FolderMailbox(folder).find(other) is None


async def test_a_cleared_mailbox_is_empty(folder: Path) -> None:
    await sent(folder, "first", "second")
    (folder / "left.1.tmp").write_bytes(b"by a process that was killed")
    mailbox = FolderMailbox(folder)

    await mailbox.clear()

    assert await mailbox.newest() == []
    assert files(folder) == []


async def test_a_mailbox_that_never_got_any_is_empty(folder: Path) -> None:
    assert await FolderMailbox(folder).newest() == []
    await FolderMailbox(folder).clear()
