"""The rooms of the house and the arrows between them, computed from the import statements (docs/architecture.md)."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import Data
from retina_doctor.model import Recorded, Snapshot, Target

CATALOGUE = installed()
ROOT = Path(__file__).parents[1]
PACK, ENGINE = ROOT / "checks" / "retina_doctor_checks", ROOT / "retina_doctor"
GROUND = {"versions", "numpy_names", "scopes", "settings", "settings_values"}
"""Modules of the pack itself that any judging room stands on."""
TOP = {"pack", "causes", "cause_conditions", "figures", "first_screen", "running", "started", "restarting", "doubts"}
"""What the entry points name, and what they are put together of."""
JUDGING_SEES = {"facts", "combined", "advice", "triage", *GROUND}
ASKS_FOR_FILES = "checks/retina_doctor_checks/source/domain.py"
"""Who names the analysis of what was fetched, and asks it which files it wants."""

LINES = 40
LONGER = {
    "retina_doctor/fleet/forms/json.py write": "one document, field by field, in its order",
    "retina_doctor/reports/json.py told": "one document, field by field, in its order",
    "retina_doctor/standpoint/standpoint.py standpoint_of": "all that is taken on of a process, read in one go before it changes",
    "retina_doctor/probing/drop.py __call__": "the order of system calls is what is secure about it",
    "checks/retina_doctor_checks/memory/run_checks.py vram_fragmented": "one judgement, with the figures that it rests on",
    "retina_doctor/fixing/fix.py _applied": "what is kept before, what is done, what is kept after: undo rests on the order",
    "checks/retina_doctor_checks/probes/inference/look_inference.py run": "each step is told before the next, which may kill it",
    "checks/retina_doctor_checks/probes/ort_gpu/look_runtime.py look": "likewise; and forks before imports",
    "checks/retina_doctor_checks/probes/service/log_end.py of_program": "one process from its start to its end",
    "checks/retina_doctor_checks/probes/service/look_load.py load": "threads and what they share",
}
"""Functions with more lines than that, and why: where a list is read from top to bottom, parting it would hide its order."""


def imports(file: Path, top: str) -> Iterator[tuple[str, int]]:
    """(absolute name of a module or of a thing in it, line) for each import of *top*'s own, wherever it stands."""
    base = file.relative_to(PACK.parent if PACK in file.parents else ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name.split(".")[0] == top)
        elif isinstance(node, ast.ImportFrom):
            package = base[: len(base) - node.level] if node.level else ()
            whence = ".".join((*package, *filter(None, (node.module or "").split("."))))
            if whence.split(".")[0] == top:
                yield from ((f"{whence}.{alias.name}", node.lineno) for alias in node.names)


def room(name: str) -> str:
    """The folder of the pack that a module is in, or the module's own name where it is in none."""
    return name.split(".")[1]


def arrows(folder: Path) -> dict[tuple[str, str], list[str]]:
    """(room, room that it imports from) -> the places that do."""
    found: dict[tuple[str, str], list[str]] = {}
    for file in sorted(folder.rglob("*.py")):
        inside = file.relative_to(folder).with_suffix("").parts
        if inside == ("__init__",):
            continue
        for name, line in imports(file, folder.name):
            if "." in name and room(name) != inside[0]:
                found.setdefault((inside[0], room(name)), []).append(f"{file.relative_to(ROOT)}:{line}")
    return found


ARROWS = arrows(PACK)
ARROWS_OF_ENGINE = {pair: where for pair, where in arrows(ENGINE).items() if pair[1] != "__version__"}
FLOORS = (
    "masking patterns hints",
    "codec kinds errors owners proc_files sending ears moment",
    "files points quoting spread apart language",
    "settings",
    "model",
    "figures standpoint support_file",
    "authoring",
    "probing",
    "own_checks",
    "catalogue",
    "redaction words",
    "judging looking",
    "reports",
    "running explaining testing",
    "command",
    "recorded fixing",
    "cli fleet",
    "main",
    "start",
    "__main__ bundling",
)
"""Of the engine, from the ground up: what stands on one floor knows nothing of its neighbours there."""
DOMAINS = {folder.name for folder in PACK.iterdir() if (folder / "domain.py").is_file()}


def test_the_rooms_are_those_that_are_written_down() -> None:
    there = {one.stem for one in PACK.iterdir() if one.name not in ("__init__.py", "__pycache__", "py.typed")}
    assert there == {
        *DOMAINS,
        *GROUND,
        *TOP,
        "facts",
        "probes",
        "analysis",
        "combined",
        "advice",
        "commands",
        "triage",
        "pytest_plugin",
        "reasons",
        "examples",
    }


@pytest.mark.parametrize(
    ("low", "may"),
    [
        ("facts", set()),
        ("probes", set()),
        ("analysis", {"facts", *GROUND}),
        ("combined", {"facts", *GROUND}),
        ("advice", {"facts", "combined", *GROUND}),
        ("triage", {"facts", "combined", "advice", *GROUND}),
    ],
)
def test_what_stands_low_imports_nothing_from_above(low: str, may: set[str]) -> None:
    assert {there: where for (here, there), where in ARROWS.items() if here == low and there not in may} == {}


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_judging_imports_no_probe(domain: str) -> None:
    may = JUDGING_SEES | DOMAINS | {"analysis"}  # of which the next law says more
    assert {there: where for (here, there), where in ARROWS.items() if here == domain and there not in may} == {}


def test_analysis_is_imported_by_nobody_but_whom_it_tells_which_files_it_wants() -> None:
    """It runs in a process of its own; and it is slow to import."""
    places = [place for (_, there), where in ARROWS.items() if there == "analysis" for place in where]
    assert {place.rpartition(":")[0] for place in places} == {ASKS_FOR_FILES}
    kinds = PACK / "analysis" / "kinds.py"
    assert [name for name, _ in imports(kinds, PACK.name)] == []


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The names of one circle of arrows, or none."""
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph.get(name, ())):
            found = walk(other, [*way, name])
            if found:
                return found
        done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := walk(name, []))), [])


def graph_of(pairs: Mapping[tuple[str, str], list[str]]) -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for here, there in pairs:
        graph.setdefault(here, set()).add(there)
    return graph


def test_no_folder_of_the_pack_is_in_a_circle() -> None:
    assert circle(graph_of(ARROWS)) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"], "the search itself"


def test_the_engine_knows_no_pack() -> None:
    for file in ENGINE.rglob("*.py"):
        assert list(imports(file, PACK.name)) == [], file


def test_the_engine_has_no_circle_of_modules_at_import() -> None:
    """Imports inside functions are left out: they are there so that a command starts quickly."""
    graph: dict[str, set[str]] = {}
    for file in ENGINE.rglob("*.py"):
        me = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        late = {
            inner.lineno
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef)
            for inner in ast.walk(node)
            if isinstance(inner, ast.Import | ast.ImportFrom)
        }
        for name, line in imports(file, ENGINE.name):
            path = ROOT.joinpath(*name.split("."))
            module = name if path.with_suffix(".py").is_file() or path.is_dir() else name.rpartition(".")[0]
            if line not in late and module not in (me, "retina_doctor"):
                graph.setdefault(me, set()).add(module)
    assert circle(graph) == []


def test_the_engine_stands_in_floors() -> None:
    """Imports inside functions count as well: a room knows those before it in the list, and none after it."""
    floor = {name: number for number, names in enumerate(FLOORS) for name in names.split()}
    assert set(floor) == {
        one.stem for one in ENGINE.iterdir() if one.name not in ("__init__.py", "__pycache__", "py.typed")
    }
    up = {
        f"{here} -> {there}": where for (here, there), where in ARROWS_OF_ENGINE.items() if floor[there] >= floor[here]
    }
    assert up == {}


@pytest.mark.parametrize("name", ["authoring", "testing", "command", "codec", "settings", "figures", "model"])
def test_what_is_public_is_there(name: str) -> None:
    """docs/packs.md says which modules packs may use."""
    module = importlib.import_module(f"retina_doctor.{name}")
    assert [one for one in getattr(module, "__all__", ()) if not hasattr(module, one)] == []


def test_a_name_of_a_class_means_one_thing() -> None:
    named: dict[str, list[str]] = {}
    for file in (*ENGINE.rglob("*.py"), *PACK.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                named.setdefault(node.name, []).append(str(file.relative_to(ROOT)))
    assert {name: files for name, files in named.items() if len(files) > 1} == {}


def kinds_of(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from kinds_of(one)


def test_what_each_run_reads_is_annotated_with_types() -> None:
    """Not with text, which `from __future__ import annotations` makes of it: evaluating that took half of the time of judging."""
    read = (
        "retina_doctor_checks.facts.",
        "retina_doctor_checks.settings",
        "retina_doctor.settings.engine",
        "retina_doctor.codec",
    )
    kinds = [kind for kind in kinds_of(Data) if f"{kind.__module__}.".startswith(read)]
    kinds += [Snapshot, Recorded, Target, *CATALOGUE.probe_of]
    texts = {kind for kind in kinds for one in inspect.get_annotations(kind).values() if isinstance(one, str)}
    assert texts == set()
    assert len(kinds) > 100


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Of what it does, without its words and its parameters."""
    first = function.body[0]
    words = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    begun = (first.end_lineno or 0) if words else first.lineno - 1
    return (function.end_lineno or 0) - begun


def test_no_function_is_long_without_a_reason() -> None:
    """How many branches one may have is ruff's to hold (PLR0912)."""
    long = {
        f"{file.relative_to(ROOT)} {node.name}"
        for file in (*ENGINE.rglob("*.py"), *PACK.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and lines_of(node) > LINES
    }
    assert long == set(LONGER)
