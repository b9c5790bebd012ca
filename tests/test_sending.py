"""What is sent along is read from the import statements: held against what Python itself imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from retina_doctor.fixing.hand import WORKER
from retina_doctor.sending import one_text, sent_for, source_of

FILES = {
    "__init__.py": "",
    "deep/__init__.py": "",
    "look.py": """
import json
from packed import one, two as second
from packed.deep import (
    three,  # why, and why not
    four as last,
)
""",
    "one.py": "def late():\n    from packed.deep.five import VALUE\n    return VALUE\n",
    "two.py": "import packed.six\n",
    "deep/three.py": "from . import seven\nfrom ..one import late\n",
    "deep/four.py": "import sys, packed.eight as e\n",
    "deep/five.py": "VALUE = 5\n",
    "deep/seven.py": "",
    "six.py": "from packed.two import nothing_of_a_circle\n",
    "eight.py": "import other\n",
    "forgotten.py": "",
}
WANTED = {"look", "one", "two", "six", "eight", "deep.three", "deep.four", "deep.five", "deep.seven"}


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        file = tmp_path / "packed" / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_all_that_is_imported_is_sent_and_nothing_else(packed: Path) -> None:
    sent = sent_for("packed.look", frozenset({"packed"}))
    assert set(sent) == {f"packed.{name}" for name in WANTED}
    assert sent[-1] == "packed.look"
    assert not [name for name in sys.modules if name.split(".")[0] == "packed"], "looked at, not imported"


def test_a_module_that_is_nowhere_is_said(packed: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"packed\.nowhere"):
        sent_for("packed.nowhere", frozenset({"packed"}))
    with pytest.raises(ModuleNotFoundError):
        source_of("no_such_package.module")


def test_a_package_of_others_is_sent_whole_as_far_as_it_is_imported() -> None:
    """PyYAML imports itself by relative names and with stars: Python's own list of what it loads is the measure."""
    script = "import yaml, sys; print(*[n for n in sys.modules if n.split('.')[0] == 'yaml'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name != "yaml._yaml"}  # compiled: no source, not sent
    assert set(sent_for("yaml", frozenset({"yaml"}))) == loaded


def test_what_is_sent_as_one_text_gives_no_name_twice() -> None:
    """A second function of the same name would take the place of the first; an import that is left would find nothing there."""
    tree = ast.parse(one_text(WORKER))
    names = Counter(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    names += Counter(
        ast.unparse(target) for node in tree.body if isinstance(node, ast.Assign) for target in node.targets
    )
    assert [name for name, count in names.items() if count > 1] == []
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {alias.asname for node in imports for alias in node.names} == {None}
    named = {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}
    named |= {alias.name for node in imports for alias in node.names if isinstance(node, ast.Import)}
    assert {name.split(".")[0] for name in named} <= sys.stdlib_module_names
    assert {"settled", "swap", "main"} <= set(names)
