"""Sources that codemods mend."""

from __future__ import annotations

JSON = "from google.protobuf import json_format\n"
DEFAULTS = "including_default_value_fields"
SERVER = (
    "class WerkzeugServer(object):\n  def __init__(self, host, port):\n    try:\n"
    "      %s\n    except socket.error as e:\n      raise\n"
)
LOADERS = "class TensorBoard:\n  def __init__(self, plugins):\n    self.plugin_loaders = [%s]\n"
MANAGER = """\
import os
def _get_info_dir():
  pass
def write_info_file(info):
  payload = info
  with open(_get_info_file_path(), "w") as outfile:
    outfile.write(payload)
def remove_info_file():
  "Doc."
  try:
    os.unlink(_get_info_file_path())
  except OSError: pass
def get_all():
  info_dir = _get_info_dir()
  results = []
  for filename in os.listdir(info_dir):
    filepath = os.path.join(info_dir, filename)
    try:
      with open(filepath) as infile:
        contents = infile.read()
    except IOError: pass
    results.append(contents)
  return results
def _find_matching_instance(cache_key):
  infos = get_all()
  candidates = [info for info in infos if info.cache_key == cache_key]
"""
ASSETS = "def _rel_to_abs_asset_path(fpath, config_fpath):\n  return fpath\n"
ROUTE = "class P:\n  def f(self, request):\n    fpath = _rel_to_abs_asset_path(\n      y, z)\n"

READER = (
    "import struct\nx = struct, errors, gfile, masked_crc32c\nclass PyRecordReader_New:\n"
    "  def __init__(self): pass\n"
)

PLUGINS = (
    "logger = _PLUGINS = 1\nimport pkg_resources\nx = logger, _PLUGINS\n"
    "def get_dynamic_plugins():\n  'd'\n  return [\n    entry_point.load() for entry_point in"
    " pkg_resources.iter_entry_points('tensorboard_plugins')\n  ]\n"
)
