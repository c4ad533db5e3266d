"""Turn TensorBoard releases into patched wheels that show inside Jupyter.

The packages, from the command line down to those that import no other package:

- `cli`: one module for each verb of the command line
- `reports`: pages and summaries of what the verbs found
- `publish`: upload wheels to an index and verify what it serves; `smoke`: test wheels inside
  Jupyter; `today`: test them on today's Pythons
- `build`: build a release into a checked wheel in the output directory
- `verify`: the verb `check`, for any wheel; `bazel`: build wheels from upstream's source
- `cherrypick`: apply upstream's commits to releases
- `checks`: findings about one wheel; `provenance`: statements about its origin
- `patching`: series of patches, and what they make of a stock wheel
- `releases`: upstream's releases and stock wheels; `git`: git repositories; `containers`: the
  container engine
- `tensorboard`: run TensorBoard, request its pages and data, write event files
- `system`: programs, the console, settings, files, virtualenvs
- `wheel`: read, rewrite and write wheels

No package imports one above it: `[tool.importlinter]` in pyproject.toml, checked by `nox -s lint`.
"""

__version__ = "0.1.0"
