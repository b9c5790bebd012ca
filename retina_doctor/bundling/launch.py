"""The `__main__` of a bundle: unpacks the wheels for this Python into a private folder, and starts the doctor from there.

Only the standard library; it must be understood by any Python, to be able to say that it is the wrong one.
"""

import os  # which every Python has loaded by now
import sys

# Before anything is imported that lies in a file: PYTHONPATH may name the working directory, and a neighbour may be called as
# a module of the standard library.
library = os.path.dirname(getattr(os, "__file__", None) or "") or sys.prefix
sys.path[:0] = [library, os.path.join(library, "lib-dynload")]

import hashlib
import io
import json
import stat
import zipfile

FAILED = 3  # the doctor itself could not run


def main():
    # type: () -> None
    archive = os.path.dirname(os.path.abspath(__file__))  # of this module, inside the archive
    with zipfile.ZipFile(archive) as bundle:
        text = bundle.read("manifest.json")
        manifest = json.loads(text.decode("utf-8"))
        python = "%d.%d" % sys.version_info[:2]
        wheels = manifest["pythons"].get(python)
        if wheels is None or sys.implementation.name != "cpython":
            fail(
                "it was made for CPython %s; this is %s"
                % (", ".join(sorted(manifest["pythons"])), sys.version.split()[0])
            )
        here = "%s %s" % (sys.platform, os.uname()[4] if hasattr(os, "uname") else "?")
        if here != manifest["platform"]:
            fail("it was made for %s; this is %s" % (manifest["platform"], here))
        name = "%s-%s" % (hashlib.sha256(text).hexdigest()[:32], python)
        folder = os.path.join(private_folder(), name)
        if not os.path.isdir(folder):
            unpack(bundle, wheels, manifest["sha256"], folder)
    start(folder, manifest["program"])


def private_folder():
    # type: () -> str
    """Of this user alone: whoever could write there could run code as us."""
    cache = os.environ.get("XDG_CACHE_HOME") or ""
    bases = [cache if os.path.isabs(cache) else os.path.expanduser("~/.cache"), "/tmp"]  # noqa: S108 - looked at below
    for base in bases:
        name = "retina-doctor" if base != "/tmp" else "retina-doctor-%d" % os.geteuid()  # noqa: S108
        folder = os.path.join(base, name)
        try:
            if not os.path.isabs(folder):
                continue
            if base != "/tmp" and not os.path.isdir(base):  # noqa: S108
                os.makedirs(base, 0o700)
            if not os.path.lexists(folder):
                os.mkdir(folder, 0o700)
            if not os.access(folder, os.W_OK | os.X_OK) or others_lead(folder) or loads_nothing(folder):
                continue
        except OSError:
            continue
        state = os.lstat(folder)
        if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & 0o077:
            fail("%s: must be a folder of this user's alone (mode 0700)" % folder)
        return folder
    return fail("no folder can be written to and loaded from: set XDG_CACHE_HOME to one of your own")


def loads_nothing(folder):
    # type: (str) -> bool
    """A disk that is mounted noexec, as /tmp often is: no compiled module can be loaded from it."""
    return bool(os.statvfs(folder).f_flag & os.ST_NOEXEC)


def others_lead(folder):
    # type: (str) -> bool
    """Whether another user than root can put something else in its place: under sudo, HOME may be the caller's."""
    place = os.path.realpath(folder)
    while place != os.path.dirname(place):
        place = os.path.dirname(place)
        state = os.stat(place)
        foreign = state.st_uid not in (0, os.geteuid())
        if foreign or (state.st_mode & stat.S_IWOTH and not state.st_mode & stat.S_ISVTX):
            return True
    return False


def unpack(bundle, wheels, hashes, folder):
    # type: (zipfile.ZipFile, list[str], dict[str, str], str) -> None
    """Beside, then renamed: nobody starts from half a folder."""
    import shutil
    import tempfile

    beside = tempfile.mkdtemp(prefix=".unpacking-", dir=os.path.dirname(folder))
    try:
        for wheel in wheels:
            data = bundle.read("wheels/" + wheel)
            if hashlib.sha256(data).hexdigest() != hashes[wheel]:
                fail("%s is damaged: copy the bundle again" % wheel)
            with zipfile.ZipFile(io.BytesIO(data)) as opened:
                opened.extractall(beside)
        try:
            os.rename(beside, folder)
        except OSError:
            if not os.path.isdir(folder):  # else another run was faster
                raise
    except OSError as error:
        fail("it cannot be unpacked into %s: %s" % (os.path.dirname(folder), error.strerror))
    except (zipfile.BadZipfile, KeyError, EOFError):
        fail("it is damaged: copy the bundle again")
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def start(folder, program):
    # type: (str, str) -> None
    """Again without the caller's PYTHON* variables and sitecustomize, as the launcher starts it."""
    program = program.replace("    import site\n    site.main()\n", "    sys.path.append(%r)\n" % folder)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", program] + sys.argv[1:])  # noqa: RUF005, S606


def fail(why):
    # type: (str) -> str
    sys.stderr.write("retina-doctor: this bundle cannot be used here: %s.\n" % why)
    sys.exit(FAILED)


if __name__ == "__main__":
    try:
        main()
    except (zipfile.BadZipfile, KeyError, ValueError):
        fail("it is damaged: copy the bundle again")
