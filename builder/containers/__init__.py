"""The one door to a container engine: the plain Engine API, by docker-py, without BuildKit."""
