"""Which releases a requirement lets in, held against packaging; poetry's ^ and ~ against the table in its documentation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from retina_doctor_checks.analysis.deployment.packages import on_linux, package
from retina_doctor_checks.versions import allows, pinned, release

NUMBER = st.integers(0, 3).map(str)
RELEASE = st.lists(NUMBER, min_size=1, max_size=4).map(".".join)
ENDINGS = st.tuples(
    st.sampled_from(["", "", "a1", "b2", "rc1", ".rc2", "-rc.1"]),
    st.sampled_from(["", "", ".post1", "-2"]),
    st.sampled_from(["", "", ".dev0", ".dev3"]),
)
VERSION = st.tuples(st.sampled_from(["", "", "v", "1!"]), RELEASE, ENDINGS.map("".join)).map("".join)
LOCAL = st.sampled_from(["", "", "+cu128", "+ubuntu.1"])
SIGNS = st.sampled_from(["==", "!=", "<=", ">=", "<", ">", "~=", "==="])


def is_clause(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


CLAUSE = (
    st.tuples(SIGNS, st.sampled_from(["", " "]), VERSION, LOCAL).map("".join)
    | st.tuples(st.sampled_from(["==", "!="]), RELEASE, st.just(".*")).map("".join)
).filter(is_clause)


@given(st.lists(CLAUSE, max_size=3), st.sampled_from([",", ", ", " , "]), st.tuples(VERSION, LOCAL).map("".join))
def test_the_same_is_let_in_as_by_packaging(clauses: list[str], glue: str, version: str) -> None:
    assert allows(glue.join(clauses), version) == SpecifierSet(",".join(clauses)).contains(version, prereleases=True)


@pytest.mark.parametrize(
    ("spec", "first", "beyond"),
    [
        # https://python-poetry.org/docs/dependency-specification/
        ("^1.2.3", "1.2.3", "2.0.0"),
        ("^1.2", "1.2.0", "2.0.0"),
        ("^1", "1.0.0", "2.0.0"),
        ("^0.2.3", "0.2.3", "0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0.0", "0.0.0", "0.1.0"),
        ("^0", "0.0.0", "1.0.0"),
        ("~1.2.3", "1.2.3", "1.3.0"),
        ("~1.2", "1.2.0", "1.3.0"),
        ("~1", "1.0.0", "2.0.0"),
        ("1.2.*", "1.2.0", "1.3.0"),
        ("1.2.3", "1.2.3", "1.2.4"),
        ("^0.7 || ^2.0", "2.0.0", "1.0.0"),
        (">=1.19.*,<2.0", "1.19.0", "2.0"),  # pip took it until 24.1
    ],
)
def test_poetrys_clauses(spec: str, first: str, beyond: str) -> None:
    assert allows(spec, first)
    assert not allows(spec, beyond)


@pytest.mark.parametrize("spec", ["", "*", "latest", ">=", "^^", "@ https://example.org/a.whl", ">=one,"])
def test_what_cannot_be_read_lets_all_in(spec: str) -> None:
    assert allows(spec, "1.2.3")


@pytest.mark.parametrize(
    ("spec", "version"),
    [
        ("==1.18.0", "1.18.0"),
        (" === 1.18.0rc1 ", "1.18.0rc1"),
        ("==1.26.0+cu128", "1.26.0+cu128"),
        ("==1.18.*", None),
        (">=1.18", None),
        ("==1.18,!=1.18.1", None),
        ("", None),
    ],
)
def test_a_pin(spec: str, version: str | None) -> None:
    assert pinned(spec) == version


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("1.26.4", (1, 26, 4)),
        ("1.26.4rc1", (1, 26, 4)),
        ("2.0+cu128", (2, 0)),
        ("v12", (12,)),
        ("unknown", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_the_numbers_of_a_version(version: str | None, numbers: tuple[int, ...]) -> None:
    assert release(version) == numbers


@pytest.mark.parametrize(
    ("text", "name", "spec", "extras"),
    [
        ("ONNXRuntime_GPU [cuda,cudnn] ~= 1.20 ; python_version >= '3.8'", "onnxruntime-gpu", "~= 1.20", True),
        ("onnxruntime.gpu(>=1.20rc1)", "onnxruntime-gpu", ">=1.20rc1", False),
        ("insightface===0.7.3.post1 # why", "insightface", "===0.7.3.post1", False),
    ],
)
def test_a_requirement(text: str, name: str, spec: str, extras: bool) -> None:
    found = package(text)
    assert found is not None
    assert (found.name, found.spec, found.extras) == (name, spec, extras)


@pytest.mark.parametrize(
    ("marker", "applies"),
    [
        ("sys_platform == 'linux' and (platform_machine == 'x86_64' or os_name == 'nt')", True),
        ("sys_platform == 'win32' or extra == 'gpu'", True),
        ("extra == 'gpu' and 'x86' in platform_machine", True),
        ("python_version in '3.9 3.10'", True),
        ("'linux' != sys_platform", False),
        ("python_version < '3'", False),
        ("python_full_version >= '4'", False),
        ("platform_machine not in 'x86_64 AMD64'", False),
        ("sys_platform == 'never'", False),
        ("nobody_knows == '1'", True),
        ("(" * 500, True),
    ],
)
def test_a_marker(marker: str, applies: bool) -> None:
    assert on_linux(marker) == applies
    assert (package(f"onnxruntime ; {marker}") is not None) == applies
