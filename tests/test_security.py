"""docs/security.md: each sentence names a test that is there."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

from tests.machines import raw

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`(tests/\w+\.py)::(\w+)`")


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
    assert named
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}, f"{file}::{name}"


def test_every_row_of_the_table_names_one() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    lines = text.partition("### Executed as whom")[2].partition("\n### ")[0].splitlines()
    rows = [line for line in lines if line.startswith("| ") and "| ---" not in line][1:]
    assert rows and all(NAMED.search(row) for row in rows)


LISTENS = """
import sys
told = []
sys.addaudithook(lambda event, words: told.append((event, repr(words))) if event in EVENTS else None)
sys.argv = ["retina-doctor", "diagnose", sys.argv[1], "--format", "json"]
from retina_doctor.main import main
try:
    main()
finally:
    named = [one for one in told if "/named/" in one[1] or one[0] != "open"]
    sys.stderr.write("\\n".join(map(str, named)))
"""
EVENTS = (
    "open",
    "subprocess.Popen",
    "os.exec",
    "os.posix_spawn",
    "os.system",
    "os.fork",
    "socket.connect",
    "ctypes.dlopen",
)


def test_a_snapshot_is_judged_without_touching_what_it_names(tmp_path: Path) -> None:
    """Every path in it is one that would be noticed."""
    text = json.dumps(raw("guide-t4")).replace('"/', '"/named/')
    snapshot = tmp_path / "snapshot.json"
    snapshot.write_text(text)
    program = LISTENS.replace("EVENTS", repr(EVENTS))
    words = [sys.executable, "-c", program, str(snapshot)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120)
    assert done.stdout, done.stderr
    assert json.loads(done.stdout)["findings"]
    assert done.stderr == ""
