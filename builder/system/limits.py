"""How much we read from others, and how long we wait for them.

Sizes are far above what honest servers send, and far below what fills a small machine; those of
files are in `builder.system.input_files`. `TENSORBOARD_WHEELS_TIMEOUT` takes the place of the times
for servers and git (`UserSettings.get_timeout`), but not of those for cleanup, polls and grace.
"""

from __future__ import annotations

# Seconds, as the user sets them.
TIMEOUT_VARIABLE = "TENSORBOARD_WHEELS_TIMEOUT"
LONGEST_TIMEOUT = 7 * 24 * 3600

# Bytes of a decoded page or answer: some 20,000 files in JSON. The parser of HTML takes up to 200
# times as much memory.
PAGE_BYTES = 8 << 20
# Bytes of a decoded answer to an upload, of which a line is shown.
ANSWER_BYTES = 1 << 20
# Bytes of an answer of a container engine, such as a container's log.
ENGINE_BYTES = 256 << 20
# Bytes of a download whose size is not known: a hundred times the largest stock wheel.
DOWNLOAD_BYTES = 1 << 30

# Bytes that a git command may print: a source tree of TensorBoard has a tenth of it.
GIT_OUTPUT_BYTES = 512 << 20
# Bytes of memory that a git process may take, and of each file that it writes: twenty times what
# a clone of TensorBoard with all its blobs takes.
GIT_RESOURCE_BYTES = 4 << 30

# Seconds without a byte until a server counts as gone; some mirrors are slow.
SILENCE_SECONDS = 30.0
# Seconds for all of a page or an answer, redirects and repetitions included.
PAGE_SECONDS = 120.0
# Seconds for all of a file: 60 MB (a Bazel) at 33 kB/s.
DOWNLOAD_SECONDS = 1800.0
# Seconds without a byte during an upload: an index may take its time over a large wheel.
UPLOAD_SILENCE_SECONDS = 120.0
# Seconds for all of an upload and its answer.
UPLOAD_SECONDS = 1800.0
# Seconds for one clone or fetch, and for any other git command.
CLONE_SECONDS = 3600.0
GIT_SECONDS = 600.0
# Seconds for one request to a container engine; and for one that carries files or a program's
# output, and for each piece of a stream, such as the next line of a build.
ENGINE_SECONDS = 120.0
ENGINE_STREAM_SECONDS = 3600.0
# Seconds for one request to a container engine once the run is interrupted.
ENGINE_CLEANUP_SECONDS = 10.0

# Seconds between two looks at whether the run is interrupted.
POLL_SECONDS = 0.1
# Seconds that a program or a server has to end after we stopped waiting for it.
GRACE_SECONDS = 1.0
