"""Uploads to indexes that misbehave, over real sockets: the right state, and the right words."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from builder.errors import PublishError
from builder.publish.published_files import SimpleIndexFiles
from builder.publish.responses import UploadRefusedError
from builder.publish.target import PublishTarget
from builder.publish.upload import (
    RetryPolicy,
    Upload,
    UploadOutcome,
    upload_wheel,
    wait_until_served,
)
from builder.publish.uploader import TwineUploader, UploadCredentials
from builder.system.settings import read_user_settings
from tests.support.upload_server import STORE, Act, Conduct, misbehaving
from tests.support.wheels import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "pypi-canary-31415926535"
# Long enough for a busy machine; what never comes is waited for briefly.
QUICK = RetryPolicy(total=20, first=0.05, longest=0.2, attempts=3, longest_wait=2)
BRIEF = replace(QUICK, total=0.5)
_EXISTS = "File already exists ('x.whl', with blake2_256 hash 'y')."
_ARTIFACTORY = (
    "Not enough permissions to delete/overwrite artifact 'x.whl' (needs DELETE permission)."
)
_NEXUS = "Repository does not allow updating assets: ours"
_GITLAB = "Validation failed: File name has already been taken"
_HOUR = (("Retry-After", "3600"),)


@dataclass(frozen=True)
class Case:
    """What an index does, and what must come of it.

    Attributes:
        acts: what it does with the uploads.
        outcome: the delivery, or the error's class.
        posts: how many uploads it must see.
        words: what the error must say, message and hint.
        there: what the index has before: nothing, `same` or `other`.
        hidden: how many listings after the upload do not show it.
        stored: how often the file is stored.
        patience: of the client.
        timeout: seconds that the client waits for an answer.
        overwrites: what the client knows of the index; this one does not refuse a second copy.
    """

    acts: tuple[Act, ...]
    outcome: UploadOutcome | type[PublishError]
    posts: int
    words: tuple[str, ...] = ()
    there: str = ""
    hidden: int = 0
    stored: int = 0
    patience: RetryPolicy = QUICK
    timeout: float = 20.0
    overwrites: bool = False


CASES = {
    "takes it": Case((STORE,), UploadOutcome.UPLOADED, 1, stored=1),
    "has it": Case((STORE,), UploadOutcome.SKIPPED, 0, there="same"),
    "has another": Case((STORE,), PublishError, 0, ("another", "--build-tag"), there="other"),
    "401": Case((Act(401, "who?"),), UploadRefusedError, 1, ("401", "who?", "token")),
    "403": Case(
        (Act(403, "Invalid authentication"),), UploadRefusedError, 1, ("403", "token", "--name")
    ),
    "403 on someone else's name": Case(
        (Act(403, "The user 'me' isn't allowed to upload to project 'tensorboardtmp'."),),
        PublishError,
        1,
        ("not yours", "--name"),
    ),
    "400 on a similar name": Case(
        (Act(400, "The name 'tensorboardtmp' is too similar to an existing project."),),
        PublishError,
        1,
        ("--name",),
    ),
    "400 on what it does not like": Case(
        (Act(400, "Invalid value for metadata"),), PublishError, 1, ("Invalid value",)
    ),
    "413": Case((Act(413, "too large"),), PublishError, 1, ("413", "too large")),
    "400 duplicate, the same, listed late": Case(
        (Act(400, _EXISTS),), UploadOutcome.SKIPPED, 1, there="same", hidden=3
    ),
    "409 duplicate, the same, listed late": Case(
        (Act(409, "conflict"),), UploadOutcome.SKIPPED, 1, there="same", hidden=2
    ),
    "409 duplicate, another, listed late": Case(
        (Act(409, "conflict"),), PublishError, 1, ("another", "--build-tag"), "other", hidden=2
    ),
    "400 duplicate, never listed": Case(
        (Act(400, _EXISTS),), PublishError, 1, ("had a", "lags", "--build-tag"), patience=BRIEF
    ),
    "403 duplicate, the same, listed late": Case(
        (Act(403, _ARTIFACTORY),), UploadOutcome.SKIPPED, 1, there="same", hidden=2
    ),
    "400 duplicate in Nexus, another": Case(
        (Act(400, _NEXUS),), PublishError, 1, ("another", "--build-tag"), "other", hidden=1
    ),
    "400 duplicate in GitLab": Case(
        (Act(400, _GITLAB),), UploadOutcome.SKIPPED, 1, there="same", hidden=1
    ),
    "400 name burnt": Case(
        (Act(400, "This filename has already been used, use a different version."),),
        PublishError,
        1,
        ("does not take the name again", "--build-tag"),
    ),
    "429 with Retry-After": Case(
        (Act(429, "slow", headers=(("Retry-After", "1"),)), STORE),
        UploadOutcome.UPLOADED,
        2,
        stored=1,
    ),
    "429 for an hour": Case(
        (Act(429, "slow", headers=_HOUR),), PublishError, 1, ("3600 s", "nothing was stored")
    ),
    "429 with nonsense in Retry-After": Case(
        (Act(429, "slow", headers=(("Retry-After", "soon"),)), STORE),
        UploadOutcome.UPLOADED,
        2,
        stored=1,
    ),
    "503 with Retry-After": Case(
        (Act(503, "busy", headers=(("Retry-After", "1"),)), STORE),
        UploadOutcome.UPLOADED,
        2,
        stored=1,
    ),
    "503 for an hour though it stored it": Case(
        (Act(503, store=True, headers=_HOUR),), UploadOutcome.UPLOADED, 1, stored=1
    ),
    "503 for an hour though it stored it, listed late": Case(
        (Act(503, store=True, headers=_HOUR),),
        PublishError,
        1,
        ("3600 s", "may be there"),
        hidden=2,
        stored=1,
    ),
    "502 once": Case((Act(502, "gateway"), STORE), UploadOutcome.UPLOADED, 2, stored=1),
    "502 though it stored it": Case((Act(502, store=True),), UploadOutcome.UPLOADED, 1, stored=1),
    "502 though it stored it, listed late": Case(
        (Act(502, store=True), Act(400, _EXISTS)), UploadOutcome.UPLOADED, 2, hidden=2, stored=1
    ),
    "502 though it stored it, never listed": Case(
        (Act(502, store=True), Act(400, _EXISTS)),
        PublishError,
        2,
        ("took", "lists no such file", "run it again later"),
        hidden=10**6,
        stored=1,
        patience=BRIEF,
    ),
    "502 though it stored it, then 403 duplicate": Case(
        (Act(502, store=True), Act(403, _ARTIFACTORY)),
        UploadOutcome.UPLOADED,
        2,
        hidden=2,
        stored=1,
    ),
    "502 though it stored it, listed late, may overwrite": Case(
        (Act(502, store=True), STORE),
        UploadOutcome.UPLOADED,
        1,
        hidden=4,
        stored=1,
        overwrites=True,
    ),
    "502 once, may overwrite": Case(
        (Act(502), STORE), UploadOutcome.UPLOADED, 2, stored=1, patience=BRIEF, overwrites=True
    ),
    "429, may overwrite": Case(
        (Act(429), STORE), UploadOutcome.UPLOADED, 2, stored=1, overwrites=True
    ),
    "500 for ever": Case(
        (Act(500, "oops"),), PublishError, 3, ("3 times", "500 Internal Server Error oops", "again")
    ),
    "cut once": Case((Act(cut=True), STORE), UploadOutcome.UPLOADED, 2, stored=1),
    "cut for ever": Case((Act(cut=True),), PublishError, 3, ("no answer", "again")),
    "no answer though it stored it": Case(
        (Act(None, store=True),), UploadOutcome.UPLOADED, 1, stored=1, timeout=0.5
    ),
    "no answer at all": Case(
        (Act(None),), PublishError, 3, ("no answer", "nothing twice"), timeout=0.5
    ),
    "a redirect": Case(
        (Act(302, headers=(("Location", "https://elsewhere.example/legacy/"),)),),
        UploadRefusedError,
        1,
        ("elsewhere.example",),
    ),
    "no uploads here": Case((Act(405),), UploadRefusedError, 1, ("--repository",)),
}


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
    settings = replace(read_user_settings(os.environ), http_proxy=None)
    target = PublishTarget(url, url, f"{url}simple/", public=False)
    uploader = TwineUploader(
        target, UploadCredentials("me", CANARY), settings, timeout=(20, timeout)
    )
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
        with pytest.raises(PublishError, match="you sent") as caught:
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
