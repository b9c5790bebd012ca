"""Whether nobody but root can change what starts with a Python: then root may start it, whoever's the process is that has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from retina_doctor.owners import others_write, passed

MOST_FILES = 200_000


def is_roots_own(python: str) -> bool:
    """A virtual environment of root's: its Python with all links and folders on the way, its settings, each file of its packages
    and of the library of the Python that it was made of; and nothing else is on its search path.

    As the doctor itself sees it: what the process's Python would say of its own files is no evidence.
    """
    environment = Path(python).parent.parent
    try:
        sites = [one for one in environment.glob("lib*/python3*/site-packages") if not one.is_symlink()]
        on_the_way = [
            *_way_to(Path(python)),
            environment / "pyvenv.cfg",
            *(step for one in sites for step in _way_to(one)),
        ]
        if not sites or not all(_is_roots(path, environment) for path in on_the_way):
            return False
        if any(map(_adds_folders, sites)):
            return False
        libraries = _libraries(environment, {site.parent.name for site in sites})
        if not all(_is_roots(step, environment) for one in libraries for step in _way_to(one)):
            return False
        for count, path in enumerate(each for folder in (*sites, *libraries) for each in _below(folder)):
            if count > MOST_FILES or not _is_roots(path, environment):
                return False
    except (OSError, ValueError):
        return False
    return True


def _libraries(environment: Path, names: set[str]) -> list[Path]:
    """Of the Python that the environment was made of, as its settings name it. Raises OSError, ValueError where they don't, or
    where they let other packages in."""
    lines = (environment / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    told = {name.strip().lower(): value.strip() for name, _, value in (line.partition("=") for line in lines)}
    if told.get("include-system-site-packages", "false").lower() != "false":
        raise ValueError("packages of the system are on its search path")
    found = [one for name in names for one in Path(told.get("home", "")).parent.glob(f"lib*/{name}")]
    if not found:
        raise ValueError("its settings do not say of which Python it was made")
    return [one.resolve() for one in found]


def _adds_folders(site: Path) -> bool:
    """A .pth file puts another folder on the search path. Its lines of code are root's own."""
    lines = (line.strip() for file in site.glob("*.pth") for line in file.read_text(encoding="utf-8").splitlines())
    return any(line and not line.startswith(("#", "import ", "import\t")) for line in lines)


def _is_roots(path: Path, environment: Path) -> bool:
    """In a sticky folder above, such as /tmp, others replace nothing of root's; in the environment they would add something."""
    state = path.lstat()
    return state.st_uid == 0 and not others_write(state, add=path.is_relative_to(environment))


def _way_to(path: Path) -> Iterator[Path]:
    return map(Path, passed(str(path)))


def _below(folder: Path) -> Iterator[Path]:
    """All files and folders in it, and what links lead to."""
    for path in folder.rglob("*"):
        yield path
        if path.is_symlink():
            yield from _way_to(path)
