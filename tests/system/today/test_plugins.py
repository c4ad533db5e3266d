"""Plugins of other distributions: whatever is wrong with them, TensorBoard shows all the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.version import Version
from wheel.wheelfile import WheelFile

from builder.errors import CommandError
from builder.tensorboard.server import run_tensorboard
from tests.support import needs
from tests.support.environments import Place, our_wheel

if TYPE_CHECKING:
    from pathlib import Path

# Each form of `default.py`, `program.py` and `application.py` that loads plugins in another way.
RELEASES = [
    ("1.14.0", "3.7"),
    ("1.15.0", "3.13"),
    ("2.1.1", "3.13"),
    ("2.2.1", "3.8"),
    ("2.11.2", "3.13"),
    ("2.21.0", "3.13"),
]

PLUGIN = """\
from tensorboard.plugins import base_plugin


class Plugin(base_plugin.TBPlugin):
    plugin_name = {name!r}

    def __init__(self, context):
        pass

    def get_plugin_apps(self):
        return {{}}

    def is_active(self):
        return True


class Loader(base_plugin.TBLoader):
    def load(self, context):
        return Plugin(context)


def wrong(*words):
    {wrong}


{where}
LOADER = Loader()
"""

# Name of the entry point → (what a function of its module does, which function that is, what the
# one warning says besides the name).
WRONG = {
    "raises": ("import no_such_module", "wrong()", "no_such_module"),
    "exits": ("raise SystemExit(3)", "wrong()", "SystemExit(3)"),
    "nothing": ("pass", "del Plugin", "Plugin"),
    "no_plugin": ("pass", "class Plugin: pass", "Not a TBLoader or TBPlugin subclass"),
    "no_class": ("pass", "Plugin = 'text'", "TypeError"),
    "flags": ("raise SystemExit(4)", "Loader.define_flags = wrong", "SystemExit(4)"),
    "clash": ("words[-1].add_argument('--logdir')", "Loader.define_flags = wrong", "--logdir"),
    "fixes": ("1 / 0", "Loader.fix_flags = wrong", "ZeroDivisionError"),
    "loads": ("raise SystemExit(5)", "Loader.load = wrong", "SystemExit(5)"),
    "builds": ("raise KeyError('x')", "Plugin.__init__ = wrong", "KeyError('x'"),
    "builds_exit": ("raise SystemExit(6)", "Plugin.__init__ = wrong", "SystemExit(6)"),
    "nameless": ("pass", "Plugin.plugin_name = None", "its name, None, is not valid"),
    "slash": ("pass", "Plugin.plugin_name = 'a/b'", "its name, 'a/b', is not valid"),
    "taken": ("pass", "Plugin.plugin_name = 'scalars'", "a plugin named 'scalars' already"),
    "twin": ("pass", "Plugin.plugin_name = 'good'", "a plugin named 'good' already"),
    "apps": ("raise SystemExit(7)", "Plugin.get_plugin_apps = wrong", "SystemExit(7)"),
    "route": ("return {'a': 1}", "Plugin.get_plugin_apps = wrong", "its route 'a' is not valid"),
    "panics": (
        "raise type('Panic', (BaseException,), {})('at import')",
        "wrong()",
        "Panic('at import'",
    ),
    "unequal": ("1 / 0", "Plugin = type('P', (), {'__eq__': wrong})()", "TypeError"),
    "half": (
        "words[-1].add_argument('--half_needed', required=True); 1 / 0",
        "Loader.define_flags = wrong",
        "ZeroDivisionError",
    ),
    "listed_apps": ("return ['/a']", "Plugin.get_plugin_apps = wrong", "AttributeError"),
    "active": ("raise KeyError('y')", "Plugin.is_active = wrong", "KeyError('y'"),
    "names": ("return 5", "Plugin.data_plugin_names = wrong", "TypeError"),
    "later": (
        "wrong.asked = getattr(wrong, 'asked', 0) + 1; return 1 // (wrong.asked - 1)",
        "Plugin.is_active = wrong",
        "ZeroDivisionError",
    ),
    "meta": ("raise KeyError('z')", "Plugin.frontend_metadata = wrong", "KeyError('z'"),
    "odd_meta": ("return {}", "Plugin.frontend_metadata = wrong", "AttributeError"),
}
# These are loaded, and fail only when they are asked something: they stay listed.
LISTED = {"apps", "route", "listed_apps", "active", "names", "later"}
LOADERS = {"flags", "clash", "fixes", "loads", "half"}


def plugins_wheel(workdir: Path, modules: dict[str, str]) -> Path:
    """A wheel whose package `foreign` has these modules, each with an entry point."""
    path = workdir / "foreign-1-py3-none-any.whl"
    points = [
        f"{name} = foreign.{name}:{'LOADER' if name in LOADERS else 'Plugin'}\n" for name in modules
    ]
    files = {
        "foreign/__init__.py": "",
        **{f"foreign/{name}.py": source for name, source in modules.items()},
        "foreign-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: foreign\nVersion: 1\n",
        "foreign-1.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
        "foreign-1.dist-info/entry_points.txt": f"[tensorboard_plugins]\n{''.join(points)}",
    }
    with WheelFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
    return path


def plugin(name: str, wrong: str = "pass", where: str = "") -> str:
    """The source of a plugin, with something wrong in it or not."""
    return PLUGIN.format(name=name, wrong=wrong, where=where)


def make_place(version: str, python: str, workdir: Path, *others: str | Path) -> Place:
    """An environment with our wheel and others."""
    place = Place(workdir / "place", needs.python(python))
    place.install(our_wheel(version, workdir), *others)
    (place.workdir / "logdir").mkdir()
    return place


def listing(place: Place) -> tuple[dict[str, bool], list[str]]:
    """What the server lists (name → whether it is active) when asked twice, and its log."""
    script = place.python.parent / "tensorboard"
    with run_tensorboard(script, place.workdir / "logdir", place.workdir, place.env) as server:
        for _ in range(2):
            answer = server.send_request("/data/plugins_listing")
        assert answer.status_code == 200, answer.text
        log = server.log.read_text(encoding="utf-8", errors="replace")
    listed = {
        name: entry if isinstance(entry, bool) else entry["enabled"]
        for name, entry in answer.json().items()
    }
    return listed, log.splitlines()


@pytest.mark.parametrize(("version", "python"), RELEASES)
def test_what_fails_is_skipped_with_one_warning(version: str, python: str, tmp_path: Path) -> None:
    """Each failing plugin has one warning that says which and why; all that work are listed."""
    asked_for_names = Version(version) >= Version("2.3")
    all_wrong = {name: how for name, how in WRONG.items() if name != "names" or asked_for_names}
    modules = {
        # The projector is an entry point of TensorBoard's own.
        "projector": plugin("projector"),
        "good": plugin("good"),
        "odd": plugin("odd", "return [1]", "Plugin.is_active = wrong"),
        **{name: plugin(name, wrong, where) for name, (wrong, where, _) in all_wrong.items()},
        "last": plugin("last"),
    }
    place = make_place(version, python, tmp_path, plugins_wheel(tmp_path, modules))
    listed, log = listing(place)
    warnings = [line for line in log if "Skipping plugin" in line]
    for name, (_, _, why) in all_wrong.items():
        reported = [
            line for line in warnings if f"Skipping plugin {name} = foreign.{name}:" in line
        ]
        assert len(reported) == 1, (name, log)
        assert why in reported[0]
    reported = [line for line in warnings if "Skipping plugin projector = foreign." in line]
    assert len(reported) == 1
    assert len(warnings) == len(all_wrong) + 1
    assert {"scalars", "graphs", "text", "projector", "good", "odd", "last"} <= set(listed)
    assert set(WRONG) & set(listed) == LISTED & set(all_wrong)
    # Asked again, one that has failed may answer.
    names = {name for name in {"good", "odd", "last", *LISTED} & set(listed) if listed[name]}
    assert names - {"names"} == {"good", "odd", "last", "later"}


@pytest.mark.parametrize("where", ["wrong()", "Plugin.__init__ = wrong"])
def test_ctrl_c_is_no_failure_of_a_plugin(where: str, tmp_path: Path) -> None:
    """A KeyboardInterrupt, while a plugin is loaded, ends TensorBoard as it always did."""
    modules = {"stops": plugin("stops", "raise KeyboardInterrupt", where)}
    place = make_place("2.2.1", "3.13", tmp_path, plugins_wheel(tmp_path, modules))
    with pytest.raises(CommandError, match="it ended with exit code"):
        listing(place)
    log = (place.workdir / "server.log").read_text(encoding="utf-8")
    assert "KeyboardInterrupt" in log
    assert "Skipping" not in log


@pytest.mark.parametrize("version", ["1.14.0", "2.2.2"])
def test_the_newest_profile_plugin(version: str, tmp_path: Path) -> None:
    """It is for 2.3.0 and later, by its imports; earlier releases skip it, and say so."""
    place = make_place(version, "3.12", tmp_path, "tensorboard-plugin-profile>=2.24")
    listed, log = listing(place)
    (reported,) = [line for line in log if "Skipping plugin" in line]
    assert "Skipping plugin profile = " in reported
    assert "Not a TBLoader or TBPlugin subclass" in reported
    assert "scalars" in listed


def test_a_loader_that_1_14_does_not_know(tmp_path: Path) -> None:
    """1.14.0 knows instances of loaders only; the What-If plugin brings a class."""
    wanted = ("tensorboard-plugin-wit", "setuptools<81")
    place = make_place("1.14.0", "3.11", tmp_path, *wanted)
    listed, log = listing(place)
    (reported,) = [line for line in log if "Skipping plugin" in line]
    assert "Skipping plugin wit = " in reported
    assert "scalars" in listed


def test_plugins_that_are_named_twice(tmp_path: Path) -> None:
    """From 2.3.0 on `get_plugins()` has the dynamic ones too; old code adds them once more."""
    place = make_place(
        "2.21.0", "3.13", tmp_path, plugins_wheel(tmp_path, {"good": plugin("good")})
    )
    reported = place.drive("twice_driver.py", str(place.workdir / "logdir"))
    assert reported["kept"], "the class itself is what get_dynamic_plugins gives"
    assert all({"good", "projector", "scalars"} <= set(listed) for listed in reported["listed"])
