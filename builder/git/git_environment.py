"""Make the environment in which git runs: no prompts, no hooks, fixed settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.system.addresses import is_proxy_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping, Sequence

    from builder.git.remote import Remote
    from builder.system.settings import UserSettings

# These say how to reach a server, and are kept. All other GIT_* variables move git's directories,
# set options or trace secrets, and are removed.
_KEPT_VARIABLES = frozenset(
    """
    GIT_ASKPASS GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM GIT_CONFIG_SYSTEM GIT_EXEC_PATH
    GIT_HTTP_PROXY_AUTHMETHOD GIT_HTTP_USER_AGENT GIT_PROXY_SSL_CAINFO GIT_SSH GIT_SSH_COMMAND
    GIT_SSH_VARIANT GIT_SSL_CAINFO GIT_SSL_CAPATH GIT_SSL_CERT GIT_SSL_KEY
    """.split()  # noqa: SIM905 - a list of quoted words is harder to read
)
# The user's configuration stays in effect, as credentials and proxies are set there. These settings
# override what would change the outcome of a merge, or run programs that a repository names.
_CONFIGURATION = {
    "protocol.allow": "never",
    **{f"protocol.{scheme}.allow": "always" for scheme in ("https", "http", "ssh", "git", "file")},
    "core.hooksPath": "/dev/null",
    "core.attributesFile": "/dev/null",
    # From git 2.43 on, attributes can come from a tree. This is the empty one.
    "attr.tree": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "core.commitGraph": "false",
    "core.fsmonitor": "false",
    "init.defaultRefFormat": "files",
    "core.autocrlf": "false",
    "core.eol": "lf",
    "core.symlinks": "true",
    "core.quotePath": "true",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "fetch.prune": "false",
    "fetch.writeCommitGraph": "false",
    "fetch.fsckObjects": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "rerere.enabled": "false",
    "merge.conflictStyle": "merge",
    "merge.renames": "true",
    "merge.directoryRenames": "conflict",
    "merge.renormalize": "false",
    "diff.renames": "true",
    "diff.renameLimit": "1000",
    "merge.renameLimit": "1000",
    "diff.algorithm": "myers",
    "diff.noprefix": "false",
    "diff.mnemonicPrefix": "false",
    # The driver of files without the attribute `diff`, if a configuration makes one of that name.
    "diff.default.binary": "auto",
    "diff.default.algorithm": "myers",
    "commit.gpgSign": "false",
    "commit.cleanup": "default",
    "i18n.commitEncoding": "UTF-8",
    "log.showSignature": "false",
    "tar.umask": "0002",
    "advice.detachedHead": "false",
    "transfer.credentialsInUrl": "die",
    # Give up on a server that sends less than 1 byte per second for 60 seconds.
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
}
_UNATTENDED = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "false",
    "GIT_SEQUENCE_EDITOR": "false",
    "GIT_MERGE_AUTOEDIT": "no",
    "GIT_PROTOCOL_FROM_USER": "0",
    # A repository's own files, and the machine's, must not show another history or other contents.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": "/dev/null/none",  # of one that is there, git would say that it is deprecated
    "GIT_ATTR_NOSYSTEM": "1",
}
# A credential helper that prints two environment variables. It is formatted with their names, so
# that no secret is in the configuration.
_HELPER = '!f() {{ test "$1" = get && echo "username=${0}" && echo "password=${1}"; }}; f'


def remove_git_variables(env: MutableMapping[str, str]) -> None:
    """Remove the GIT_* variables, except those that say how to reach a server.

    It is called once, when the program starts: GitPython passes os.environ to the processes that
    it starts, and cannot remove variables from it.
    """
    for name in [n for n in env if n.startswith("GIT_") and n not in _KEPT_VARIABLES]:
        del env[name]


def make_offline_variables(configuration: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """Make the variables for a git that reads a local repository: no prompts, no network.

    Args:
        configuration: more git settings, as key and value; they come last and take precedence.
    """
    found = [*_forbid_protocols(_CONFIGURATION.items()), *configuration]
    return {**_UNATTENDED, **_to_variables(found)}


def _forbid_protocols(configuration: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(k, "never" if k.startswith("protocol.") else v) for k, v in configuration]


def _to_variables(configuration: Sequence[tuple[str, str]]) -> dict[str, str]:
    found = {"GIT_CONFIG_COUNT": str(len(configuration))}
    for number, (key, value) in enumerate(configuration):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def make_git_variables(
    env: Mapping[str, str],
    settings: UserSettings,
    remotes: Iterable[Remote],
    *,
    offline: bool,
) -> dict[str, str]:
    """Make the variables that git gets in addition to the user's; only these hold secrets.

    Args:
        env: the user's environment.
        settings: the proxy and certificates that the user configured.
        remotes: the remotes whose users and passwords git may use.
        offline: forbid git to access any repository over a protocol.
    """
    found = {
        **_UNATTENDED,
        # ssh would prompt on the terminal; this makes it run a program instead, by default `false`.
        "SSH_ASKPASS": env.get("SSH_ASKPASS", "false"),
        "SSH_ASKPASS_REQUIRE": "force",
    }
    configuration = list(_CONFIGURATION.items())
    # git passes a password that worked to all helpers, to be stored. An empty helper removes the
    # user's helpers from the list, so that they do not store it.
    if settings.http_proxy:
        configuration.append(("http.proxy", settings.http_proxy))
        # Of a malformed one git says what is wrong.
        parts = urlsplit(settings.http_proxy if is_proxy_address(settings.http_proxy) else "")
        if parts.password is not None:
            host = parts.netloc.rpartition("@")[2]
            configuration.append((f"credential.{parts.scheme}://{host}.helper", ""))
    bundle = env.get("REQUESTS_CA_BUNDLE") or settings.ca_bundle
    if bundle and not {"GIT_SSL_CAINFO", "GIT_SSL_CAPATH"} & set(env):
        name = "GIT_SSL_CAPATH" if Path(bundle).is_dir() else "GIT_SSL_CAINFO"
        found[name] = bundle
    for number, remote in enumerate(r for r in remotes if r.username is not None):
        names = [f"TENSORBOARD_WHEELS_{what}_{number}" for what in ("USER", "PASSWORD")]
        found |= dict(zip(names, (remote.username or "", remote.password or ""), strict=True))
        helper = f"credential.{remote.origin}.helper"
        configuration += [(helper, ""), (helper, _HELPER.format(*names))]
    if offline:
        configuration = _forbid_protocols(configuration)
    return {**found, **_to_variables(configuration)}
