"""The same Hub with the other documented form: one address for all users, which redirects.

`user-redirect` leads to the default server of whoever is logged in, so it misses named servers. A
Hub below a prefix has it there: `/jhub/hub/user-redirect/proxy/%PORT%/`.
"""

c = get_config()  # noqa: F821 - JupyterHub puts it there

load_subconfig("jupyterhub_config.py")  # noqa: F821 - so does it this

c.Spawner.environment = {"TENSORBOARD_PROXY_URL": "/hub/user-redirect/proxy/%PORT%/"}
