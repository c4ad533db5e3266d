"""The code that `tensorboard/manager.py` gains: who owns info files and servers is looked at."""

from __future__ import annotations

INFO_FILE_HELPERS = '''\
# Whether a file's owner and a port's can be told, and files be opened by descriptors.
_HAS_OWNERS = hasattr(os, "geteuid") and os.open in os.supports_dir_fd


def _is_trusted(uid):
    """Whether a user is this one, or root."""
    return uid in (os.geteuid(), 0)


@contextlib.contextmanager
def _open_dir(path):
    """Opens a directory that is no symbolic link; yields its descriptor."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _own_dir_prefix():
    return ".tensorboard-info-%d" % os.geteuid()


def _find_own_dirs():
    """Paths of the directories that hold info files of this user alone."""
    root, prefix = tempfile.gettempdir(), _own_dir_prefix()
    try:
        names = sorted(os.listdir(root))
    except OSError:
        names = [prefix]
    found = []
    for name in names:
        if name == prefix or name.startswith(prefix + "-"):
            path = os.path.join(root, name)
            try:
                status = os.lstat(path)
            except OSError:
                continue
            if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
                found.append(path)
    return found


def _make_own_dir():
    """Path of a directory of this user alone; others may have taken its name."""
    for path in _find_own_dirs():
        return path
    path = os.path.join(tempfile.gettempdir(), _own_dir_prefix())
    try:
        os.mkdir(path)
    except OSError:
        path = tempfile.mkdtemp(prefix=_own_dir_prefix() + "-")
    os.chmod(path, 0o700)  # whatever the umask is
    return path


def _write_info(payload):
    """Writes the current process's info file.

    Releases that know the shared directory only look for it there, and
    nobody else can take it out of this user's own.
    """
    if not _HAS_OWNERS:
        with open(_get_info_file_path(), "w") as outfile:
            outfile.write(payload)
        return
    written = False
    for make_dir in (_get_info_dir, _make_own_dir):
        try:
            _write_whole(make_dir(), "pid-%d.info" % os.getpid(), payload)
            written = True
        except OSError as e:
            error = e
    if not written:
        raise error


def _write_whole(path, name, payload):
    """Puts a file into a directory, whatever has that name there now."""
    part = ".%s.%s" % (name, binascii.hexlify(os.urandom(8)).decode())
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with _open_dir(path) as info_dir:
        descriptor = os.open(part, flags, 0o666, dir_fd=info_dir)
        try:
            with os.fdopen(descriptor, "w") as outfile:
                outfile.write(payload)
            os.replace(part, name, src_dir_fd=info_dir, dst_dir_fd=info_dir)
        except OSError:
            os.unlink(part, dir_fd=info_dir)
            raise


def _remove_info():
    """Removes the current process's info file from wherever it is."""
    for path in [_get_shared_dir()] + _find_own_dirs():
        try:
            with _open_dir(path) as info_dir:
                os.unlink("pid-%d.info" % os.getpid(), dir_fd=info_dir)
        except OSError:
            pass  # it is not there, or no longer this user's


def _get_shared_dir():
    return os.path.join(tempfile.gettempdir(), ".tensorboard-info")


def _read_info_files():
    """Yields paths and contents of the info files that may be believed."""
    if not _HAS_OWNERS:
        info_dir = _get_info_dir()
        for filename in os.listdir(info_dir):
            filepath = os.path.join(info_dir, filename)
            try:
                with open(filepath) as infile:
                    contents = infile.read()
            except IOError as e:
                if e.errno == errno.EACCES:
                    continue
                raise
            yield filepath, contents
        return
    for path in [_get_shared_dir()] + _find_own_dirs():
        try:
            with _open_dir(path) as info_dir:
                for filename in os.listdir(info_dir):
                    contents = _read_trusted(filename, info_dir)
                    if contents is not None:
                        yield os.path.join(path, filename), contents
        except OSError:
            continue  # it is not there, or it is a stranger's


def _read_trusted(filename, info_dir):
    """Contents of a file of this user's or root's, else None.

    It is the file itself that is looked at, once it is open: there may be
    another one of its name by now. Opening a pipe must not block. A second
    name of the same file may be a stranger's work.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(filename, flags, dir_fd=info_dir)
    except OSError:
        return None  # it has vanished, is a link, or is not to be read
    try:
        status = os.fstat(descriptor)
        if (
            stat.S_ISREG(status.st_mode)
            and status.st_nlink == 1
            and _is_trusted(status.st_uid)
        ):
            with os.fdopen(descriptor, closefd=False) as infile:
                return infile.read()
    except (OSError, ValueError):
        pass
    finally:
        os.close(descriptor)
    return None


def _read_listeners():
    """Reads who listens: port to users, those on an address of `localhost` if any.

    None where that cannot be told, for want of a table of sockets.
    """
    local = {
        _format_address(family, address)
        for family, address in (
            (socket.AF_INET, "127.0.0.1"),
            (socket.AF_INET, "0.0.0.0"),
            (socket.AF_INET6, "::1"),
            (socket.AF_INET6, "::"),
            (socket.AF_INET6, "::ffff:127.0.0.1"),
        )
    }
    here, anywhere = {}, {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table) as infile:
                rows = [line.split() for line in infile]
        except (IOError, OSError):
            continue
        for row in rows:
            if len(row) > 7 and row[3] == "0A":  # it listens: proc(5)
                address, _, port = row[1].partition(":")
                anywhere.setdefault(int(port, 16), set()).add(int(row[7]))
                if address in local:
                    here.setdefault(int(port, 16), set()).add(int(row[7]))
    anywhere.update(here)
    return anywhere or None


def _format_address(family, address):
    """An address as the kernel's tables have it."""
    packed = socket.inet_pton(family, address)
    words = struct.unpack("=%dI" % (len(packed) // 4), packed)
    return "".join("%08X" % word for word in words)


_WARNED = set()


def _drop_strangers(infos):
    """Leaves out what is there twice, and servers whose port is a stranger's now."""
    if not _HAS_OWNERS:
        return infos
    listeners = _read_listeners() or {}
    results = []
    for info in infos:
        owners = listeners.get(info.port, ())
        strangers = [uid for uid in owners if not _is_trusted(uid)]
        if strangers and info.port not in _WARNED:
            _WARNED.add(info.port)
            tb_logging.get_logger().warning(
                "Another user (uid %d) listens on port %d too: a TensorBoard "
                "there is not shown; choose another --port",
                strangers[0],
                info.port,
            )
        if not strangers and info not in results:
            results.append(info)
    return results


def _find_running(infos):
    """Leaves those whose servers run, the newest first.

    What a dead one has left may tell of the port that a newer one has now.
    """
    if not _HAS_OWNERS:
        return infos
    listeners = _read_listeners()
    running = [info for info in infos if _is_running(info, listeners)]
    return sorted(running, key=lambda info: info.start_time, reverse=True)


def _is_running(info, listeners):
    """Whether a server runs that is this user's, or root's, as far as can be told."""
    if listeners is not None:
        owners = listeners.get(info.port, ())
        return bool(owners) and all(_is_trusted(uid) for uid in owners)
    try:
        os.kill(info.pid, 0)
    except (OSError, OverflowError):
        return False
    return True


'''
