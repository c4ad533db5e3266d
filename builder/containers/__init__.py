"""The only package that uses a container engine: by docker-py's plain Engine API, no BuildKit."""
