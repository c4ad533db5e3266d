"""dockerfiles/hub/jupyterhub_config.py, asked by JupyterHub's own users and spawners."""

from __future__ import annotations

from contextlib import closing
from importlib.util import find_spec
from typing import Any

from traitlets.config.loader import PyFileConfigLoader

from tests.support.needs import lacking
from tests.support.releases import ROOT

# The Hub's prefix, a user's name, their server's name → that server's base URL.
_SERVERS = {
    ("/", "testuser", ""): "/user/testuser/",
    ("/", "a b", "second"): "/user/a%20b/second/",
    ("/jhub/", "testuser", ""): "/jhub/user/testuser/",
    ("/jhub/", "ann@example.org", "second"): "/jhub/user/ann@example.org/second/",
}


# One test: JupyterHub takes seconds to import, which each worker would do for its own.
def test_the_callable_knows_the_address_with_and_without_a_server() -> None:
    """Never an empty text, which a TensorBoard as published takes for the notebook's own page."""
    if not find_spec("jupyterhub"):
        lacking("jupyterhub is not installed")
    from jupyterhub import orm
    from jupyterhub.objects import Server
    from jupyterhub.user import User

    path = ROOT / "dockerfiles" / "hub"
    config = PyFileConfigLoader("jupyterhub_config.py", path=str(path)).load_config()
    engine = orm.create_engine("sqlite://")
    orm.Base.metadata.create_all(engine)
    with closing(orm.sessionmaker(bind=engine)()) as db:

        def stored(row: Any) -> Any:
            db.add(row)
            db.commit()
            return row

        for number, ((prefix, name, server), base_url) in enumerate(_SERVERS.items()):
            row = db.query(orm.User).filter_by(name=name).first() or stored(orm.User(name=name))
            user = User(row, {"base_url": prefix, "config": config})
            spawner = user.get_or_create_spawner(server, "")
            proxy_url = spawner.environment["TENSORBOARD_PROXY_URL"]
            assert spawner.server is None
            assert proxy_url(spawner) == f"{base_url}proxy/%PORT%/"
            # What JupyterHub gave the server is right, whatever it is.
            spawner.server = Server(orm_server=stored(orm.Server(base_url=f"/else/{number}/")))
            assert proxy_url(spawner) == f"/else/{number}/proxy/%PORT%/"
            spawner.server = None
    engine.dispose()
