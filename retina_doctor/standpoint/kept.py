"""Whether nobody but certain users can change what starts with a Python: then these may start it, whoever's process has it,
and wherever it lies."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterator, Set
from pathlib import Path
from typing import NamedTuple

from retina_doctor.owners import others_write, passed

MOST_FILES = 200_000


class Keepers(NamedTuple):
    """*users*: by number. *group*: of one of them alone, which may write as well."""

    users: frozenset[int]
    group: int | None = None

    def keep(self, path: str, state: os.stat_result, environment: str) -> bool:
        """In a sticky folder above, such as /tmp, others replace nothing of theirs; in the environment they would add one."""
        if state.st_uid not in self.users or not others_write(state, add=True):
            return state.st_uid in self.users
        if self.group == state.st_gid and not state.st_mode & stat.S_IWOTH:
            return True
        return not f"{path}/".startswith(f"{environment}/") and not others_write(state)


ROOT = Keepers(frozenset((0,)))


def oneself() -> Keepers:
    """This user and root. Most distributions give a user a group for himself, which may write by their umask of 002."""
    import grp
    import pwd

    users, alone = frozenset((0, os.geteuid())), None
    with contextlib.suppress(KeyError):
        user = pwd.getpwuid(os.geteuid())
        group = grp.getgrgid(user.pw_gid)
        if group.gr_name == user.pw_name and {*group.gr_mem} <= {user.pw_name}:
            alone = group.gr_gid
    return Keepers(users, alone)


def is_kept(python: str, keepers: Keepers, system: bool = False) -> bool:
    """A virtual environment of theirs: its Python with all links and folders on the way, its settings, each file of its packages,
    of the folders that these add to its search path, and of the library of the Python that it was made of.

    As the doctor itself sees it: what that Python would say of its own files is no evidence. *system*: it may have the
    packages of the system on its path, and of the one user who is asked about.
    """
    environment = Path(python).parent.parent
    try:
        sites = [one for one in environment.glob("lib*/python3*/site-packages") if not one.is_symlink()]
        if not sites:
            return False
        names = {site.parent.name for site in sites}
        libraries, open_to = _libraries(environment, names)
        if open_to and not system:
            return False
        systems = _of_system(libraries) if open_to else []
        folders = [*sites, *libraries, *systems, *(one for site in [*sites, *systems] for one in _added(site))]
        ways: list[Path] = [Path(python), environment / "pyvenv.cfg", *folders]
        apart = {str(environment), *(f"{one}/site-packages" for one in libraries if not open_to)}
        once = {os.path.realpath(one): one for one in reversed(folders)}  # lib64 is a link to lib
        every = itertools.chain(*map(_way_to, ways), *(_below(one, apart) for one in once.values()))
        for count, (path, state) in enumerate(every):
            if count > MOST_FILES or not keepers.keep(path, state, str(environment)):
                return False
    except (OSError, ValueError):
        return False
    return True


def _libraries(environment: Path, names: set[str]) -> tuple[list[Path], bool]:
    """Of the Python that the environment was made of, as its settings name it, and whether they let that one's packages in (as
    on Jetson). Raises OSError, ValueError where they name none."""
    lines = (environment / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    told = {name.strip().lower(): value.strip() for name, _, value in (line.partition("=") for line in lines)}
    found = [one for name in names for one in Path(told.get("home", "")).parent.glob(f"lib*/{name}")]
    if not found:
        raise ValueError("its settings do not say of which Python it was made")
    return [one.resolve() for one in found], told.get("include-system-site-packages", "false").lower() != "false"


def _of_system(libraries: list[Path]) -> list[Path]:
    """Where that Python's own packages are: its site-packages is in its library; Debian's (site.py getsitepackages() there),
    Fedora's and this user's (site.py getuserbase()) are elsewhere."""
    found = [one / "site-packages" for one in libraries]
    users = os.environ.get("PYTHONUSERBASE") or os.path.expanduser("~/.local")  # noqa: PTH111 - Path's raises for the nameless
    for one in libraries:
        for prefix in (one.parent.parent, one.parent.parent / "local"):
            found += [prefix / "lib" / name / "dist-packages" for name in ("python3", one.name)]
        found += [
            Path(each) / one.name / "site-packages" for each in ("/usr/local/lib", "/usr/local/lib64", f"{users}/lib")
        ]
    return [one for one in dict.fromkeys(found) if one.is_dir()]


def _added(site: Path) -> list[Path]:
    """Folders that .pth files put on the search path, as installing a project in place does; one that is not there anybody may
    make. Their lines of code are the keepers' own. Raises OSError."""
    lines = (line.strip() for file in site.glob("*.pth") for line in file.read_text(encoding="utf-8").splitlines())
    return [site / line for line in lines if line and not line.startswith(("#", "import ", "import\t"))]


def _way_to(path: str | Path) -> Iterator[tuple[str, os.stat_result]]:
    return ((step, os.lstat(step)) for step in passed(str(path)))


def _below(folder: Path, apart: Set[str]) -> Iterator[tuple[str, os.stat_result]]:
    """All files and folders in it, and what links lead to. *apart*: of a project that holds the environment, that one, whose
    packages are looked at by themselves (uv's lock file in it anybody may write); of a library packages that it does not see."""
    left = [str(folder)]
    while left:
        with os.scandir(left.pop()) as entries:
            for entry in entries:
                if entry.path in apart:
                    continue
                yield entry.path, entry.stat(follow_symlinks=False)
                if entry.is_symlink():
                    yield from _way_to(entry.path)
                elif entry.is_dir(follow_symlinks=False):
                    left.append(entry.path)
