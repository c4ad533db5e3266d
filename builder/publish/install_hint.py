"""Format the commands that install a published wheel without letting others' packages in. Pure.

`--extra-index-url` would take every dependency from whichever index has the higher version, and
anyone may have registered a dependency's name on a test index (dependency confusion). So only
our wheel comes from that index, and everything else from the usual one; uv has
`explicit = true` for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from builder.model import PACKAGE

if TYPE_CHECKING:
    from builder.model import Identity


def format_requirement(identity: Identity) -> str:
    """Format the requirement on this very version, such as `tensorboardtmp==2.2.1`."""
    return f"{identity.name}=={identity.version}"


def format_install_commands(identity: Identity, index_url: str, label: str) -> str:
    """Format the commands, as lines to be copied.

    Args:
        identity: what to install.
        index_url: the Simple API of the index that has it.
        label: what uv's configuration calls that index.
    """
    wanted = format_requirement(identity)
    lines = [
        "# pip: ours alone from that index, then the rest from your usual one",
        *_list_uninstall_commands(identity, "pip uninstall --yes"),
        f"pip install --no-deps --index-url {index_url} {wanted} &&",
        f"pip install {wanted}",
        "",
        "# uv pip: the same",
        *_list_uninstall_commands(identity, "uv pip uninstall"),
        f"uv pip install --no-deps --default-index {index_url} {wanted} &&",
        f"uv pip install {wanted}",
        "",
        f"# uv, in a project: this in pyproject.toml, then: uv add '{wanted}'",
        *format_uv_sources(identity, index_url, label).splitlines(),
    ]
    return "\n".join(lines)


def format_uv_sources(identity: Identity, index_url: str, label: str) -> str:
    """Format the part of pyproject.toml that makes uv take our wheel alone from that index."""
    name = canonicalize_name(identity.name)
    return "\n".join(
        [
            "[[tool.uv.index]]",
            f'name = "{label}"',
            f'url = "{index_url}"',
            "explicit = true",
            "",
            "[tool.uv.sources]",
            f'{name} = {{ index = "{label}" }}',
        ]
    )


def _list_uninstall_commands(identity: Identity, command: str) -> list[str]:
    """List the command that uninstalls `tensorboard`, if our wheel has another name.

    Two distributions must not own the same files. A local version replaces the official one.
    """
    return [] if canonicalize_name(identity.name) == PACKAGE else [f"{command} {PACKAGE}"]
