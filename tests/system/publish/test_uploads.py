"""Uploads to an index that misbehaves in every known way: the right end, no secret told."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from builder.errors import PublishError
from builder.publish.published_files import SimpleIndexFiles
from builder.publish.responses import UploadRefusedError
from builder.publish.target import PublishTarget
from builder.publish.upload import Upload, UploadOutcome, upload_wheel, wait_until_served
from builder.publish.uploader import TwineUploader, UploadCredentials
from builder.system.settings import read_user_settings
from tests.support.upload_cases import BRIEF, CASES, QUICK, Case
from tests.support.upload_server import Act, Conduct, misbehaving
from tests.support.wheels import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "pypi-canary-31415926535"


@pytest.fixture
def upload(tmp_path: Path) -> Upload:
    """A real wheel on disk."""
    file = make_wheel().file
    path = tmp_path / file.filename
    path.write_bytes(file.content)
    return Upload(path, file.filename, hashlib.sha256(file.content).hexdigest())


@pytest.fixture(autouse=True)
def _empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def _doors(url: str, timeout: float = 20.0) -> tuple[TwineUploader, SimpleIndexFiles]:
    settings = replace(read_user_settings(os.environ), http_proxy=None, timeout=timeout)
    target = PublishTarget(url, url, f"{url}simple/", public=False)
    uploader = TwineUploader(target, UploadCredentials("me", CANARY), settings)
    return uploader, SimpleIndexFiles(settings, target.index_url, "tensorboardtmp")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_an_upload_ends_in_the_right_state(case: Case, upload: Upload) -> None:
    """Nothing is sent twice that arrived, what fails says why and what to do, without secrets."""
    conduct = Conduct(deque(case.acts), hidden=case.hidden)
    if case.there:
        content = upload.path.read_bytes()
        conduct.files[upload.filename] = content if case.there == "same" else content + b"x"
    late = case.hidden > 0
    if late:
        conduct.posts = 1  # the listing lags from the start
        conduct.hidden += 1
    said: list[str] = []

    def note(text: str) -> None:
        """A client that heard nothing comes back once the file is stored."""
        said.append(text)
        assert not case.acts[0].store or conduct.kept.wait(300)

    with misbehaving(conduct) as url:
        uploader, served = _doors(url, case.timeout)
        send = partial(
            upload_wheel, upload, uploader, served, case.patience, note, overwrites=case.overwrites
        )
        if isinstance(case.outcome, UploadOutcome):
            assert send() is case.outcome
        else:
            with pytest.raises(case.outcome) as caught:
                send()
            reported = f"{caught.value.message}\n{caught.value.hint}"
            assert all(word in reported for word in case.words), reported
            said.append(reported)
    assert conduct.posts - late == case.posts
    assert len(conduct.stored) == case.stored
    assert CANARY not in "\n".join(said)


def test_what_arrives_is_what_was_sent(upload: Upload) -> None:
    """The file's bytes, its hash and its metadata, under the user's name."""
    conduct = Conduct()
    with misbehaving(conduct) as url:
        uploader, served = _doors(url)
        upload_wheel(upload, uploader, served, QUICK, print, overwrites=False)
        assert wait_until_served(upload, served, QUICK, print) < QUICK.total
    assert conduct.files == {upload.filename: upload.path.read_bytes()}
    assert conduct.form["sha256_digest"].decode() == upload.sha256
    assert conduct.form["name"] == b"tensorboardtmp"
    assert conduct.form["requires_python"] == b">=3.7"


@pytest.mark.parametrize(
    ("conduct", "words"),
    [
        (Conduct(hidden=10**6), ("does not serve it after", "lists no such file", "--wait")),
        (Conduct(unserved=10**6), ("does not serve it", "lists the file", "nothing is sent")),
        (Conduct(serves=b"malware"), ("serves another", "do not install it")),
        (Conduct(lists="0" * 64), ("serves another", "0000")),
    ],
    ids=["never lists", "never serves", "other bytes", "another hash"],
)
def test_what_is_not_served_is_not_done(
    conduct: Conduct, words: tuple[str, ...], upload: Upload
) -> None:
    """An index that took the file, and then serves nothing or something else."""
    with misbehaving(conduct) as url:
        uploader, served = _doors(url)
        assert (
            upload_wheel(upload, uploader, served, QUICK, print, overwrites=False)
            is UploadOutcome.UPLOADED
        )
        with pytest.raises(PublishError) as caught:
            wait_until_served(upload, served, BRIEF, print)
    reported = f"{caught.value.message}\n{caught.value.hint}"
    assert all(word in reported for word in words), reported


def test_lag_is_waited_out(upload: Upload) -> None:
    """First it lists nothing, then it lists what it does not serve, then it does."""
    conduct = Conduct(hidden=2, unserved=1)
    said: list[str] = []
    with misbehaving(conduct) as url:
        uploader, served = _doors(url)
        upload_wheel(upload, uploader, served, QUICK, said.append, overwrites=False)
        assert 0 < wait_until_served(upload, served, QUICK, said.append) < QUICK.total
    assert [s.rpartition(": ")[2] for s in said] == [
        "it lists no such file",
        "it lists no such file",
        "it lists the file and does not serve it",
    ]


@pytest.mark.parametrize(
    ("status", "words"), [(401, ".netrc"), (403, ".netrc"), (500, "did not answer"), (429, "429")]
)
def test_an_index_that_cannot_be_read_gets_nothing(status: int, words: str, upload: Upload) -> None:
    """Whether the name is taken is unknown: nothing is uploaded."""
    conduct = Conduct(read_status=status)
    with misbehaving(conduct) as url:
        uploader, served = _doors(url)
        with pytest.raises(PublishError) as caught:
            upload_wheel(upload, uploader, served, QUICK, print, overwrites=False)
    assert words in f"{caught.value.message}\n{caught.value.hint}"
    assert conduct.posts == 0


def test_an_echoed_password_is_not_repeated(upload: Upload) -> None:
    """A server that sends our credentials back, plain and encoded."""
    conduct = Conduct(deque([Act(400, "you sent {authorization}")]))
    with misbehaving(conduct) as url:
        uploader, served = _doors(url)
        with pytest.raises(PublishError, match="is not shown") as caught:
            upload_wheel(upload, uploader, served, QUICK, print, overwrites=False)
    assert CANARY not in caught.value.message
    encoded = conduct.authorizations[0].removeprefix("Basic ")
    assert encoded
    assert encoded not in caught.value.message


def test_without_credentials_nothing_is_sent(upload: Upload) -> None:
    """Refused before the first byte, with where to put them."""
    conduct = Conduct()
    with misbehaving(conduct) as url:
        target = PublishTarget(url, url, f"{url}simple/", public=False)
        uploader = TwineUploader(
            target, UploadCredentials(None, None), read_user_settings(os.environ)
        )
        with pytest.raises(UploadRefusedError) as caught:
            upload_wheel(upload, uploader, _doors(url)[1], QUICK, print, overwrites=False)
    assert ".pypirc" in caught.value.hint
    assert conduct.posts == 0
