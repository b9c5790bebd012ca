"""Entry points, read without importlib.metadata: held against it, as the same Python finds them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from retina_doctor.errors import PackError
from retina_doctor.points import Point, loaded

TELL = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from importlib.metadata import entry_points
from retina_doctor.points import points_of
groups = entry_points().groups if hasattr(entry_points(), "groups") else entry_points()
theirs = sorted((p.group, p.name, p.value) for group in groups for p in entry_points(group=group))
ours = sorted((p.group, p.name, p.value) for group in groups for p in points_of(group))
print(json.dumps([theirs, ours]))
"""


def distribution(folder: Path, name: str, points: str, version: str = "1.0", kind: str = "dist-info") -> None:
    info = folder / f"{name}-{version}.{kind}"
    info.mkdir(parents=True)
    (info / ("METADATA" if kind == "dist-info" else "PKG-INFO")).write_text(f"Name: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(points)


def test_entry_points_are_those_that_importlib_metadata_finds(tmp_path: Path) -> None:
    """Comments, blank lines, blanks around the sign, extras; one that a folder before it hides; an .egg-info; no folder."""
    first, second = tmp_path / "first", tmp_path / "second"
    distribution(
        first, "Odd.Name", "# words\n[retina_doctor.checks]\n\n odd = odd_checks : pack \n[console_scripts]\nx=y:z\n"
    )
    distribution(second, "odd_name", "[retina_doctor.checks]\nhidden = hidden_checks:pack\n")
    distribution(second, "old", "[retina_doctor.reports]\nold = old_reports.one [extra]\n", kind="egg-info")
    (second / "bare-1.0.dist-info").mkdir()
    (second / "bare-1.0.dist-info" / "METADATA").write_text("Name: bare\nVersion: 1.0\n")
    folders = [str(first), str(tmp_path / "nowhere"), str(second)]
    words = [sys.executable, "-c", TELL, json.dumps(folders)]
    theirs, ours = json.loads(subprocess.run(words, capture_output=True, check=True, text=True).stdout)
    assert ours == theirs
    assert ["retina_doctor.checks", "odd", "odd_checks : pack"] in ours
    assert not [one for one in ours if one[1] == "hidden"]


@pytest.mark.parametrize(
    ("value", "found"),
    [("os.path:join", "join"), ("os", "os"), ("os : path.join [extra]", "join"), ("os.path", "posixpath")],
)
def test_what_an_entry_point_names(value: str, found: str) -> None:
    assert loaded(Point("group", "name", value, "any")).__name__ == found


@pytest.mark.parametrize("value", ["no such", "os:nothing", "no_such_module_of_ours", ""])
def test_what_names_nothing_is_an_error_of_its_pack(value: str) -> None:
    with pytest.raises(PackError):
        loaded(Point("group", "name", value, "any"))
