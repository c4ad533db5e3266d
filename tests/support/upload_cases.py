"""Ways in which indexes answer an upload, and what is to become of it."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from builder.errors import PublishError
from builder.publish.responses import UploadRefusedError
from builder.publish.upload import RetryPolicy, UploadOutcome
from tests.support.upload_server import STORE, Act

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
