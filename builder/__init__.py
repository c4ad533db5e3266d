"""Turn TensorBoard releases into patched wheels that show inside Jupyter.

The packages, from those that a user calls to those that know nothing of the others:

- `cli`: one module for each verb of the command line
- `reports`: pages and summaries of what the verbs found; `bench`: measurements
- `publish`: to an index and back; `smoke`: inside Jupyter; `today`: on today's Pythons
- `build`: a release into a checked wheel in the output directory
- `verify`: the verb `check`, for any wheel; `bazel`: wheels from upstream's source
- `cherrypick`: upstream's commits onto releases
- `checks`: findings about one wheel; `provenance`: statements about where it comes from
- `patching`: series of patches, and what they make of a stock wheel
- `releases`: upstream's releases and stock wheels; `git`, `containers`: the doors to both
- `tensorboard`: what a running TensorBoard speaks
- `system`: programs, the console, settings, files, virtual environments
- `wheel`: wheels as values

None imports one above it: `[tool.importlinter]` in pyproject.toml, checked by `nox -s lint`.
"""

__version__ = "0.1.0"
