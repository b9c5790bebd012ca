"""Installed packages of which files are gone or cut short, made of real wheels: each is the only root, the printed command puts
the files back, and what only looks alike is silent."""

from __future__ import annotations

import compileall
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doctor import after_commands, environment, follow_plan, install, report, run_fix, uninstall, uv, verdicts
from tests.test_faults_onnxruntime import GPU, make_target, only_root, silent

PACKAGES = (*GPU, "opencv-python-headless==5.0.0.93", "onnx==1.19.1", "scipy", "protobuf")


def gone(site: Path, pattern: str) -> None:
    found = list(site.glob(pattern))
    assert found, pattern
    for path in found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def cut(site: Path, pattern: str, part: float = 0.5) -> None:
    [path] = site.glob(pattern)
    data = path.read_bytes()
    path.unlink()  # a link to uv's cache: writing through it would change that
    path.write_bytes(data[: int(len(data) * part)])


def half(site: Path, package: str) -> None:
    """As if its installation had broken off: every other file was not written."""
    for path in sorted((site / package).rglob("*.py"))[1::2]:
        path.unlink()


DAMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "numpy's first file": ("numpy", lambda site: gone(site, "numpy/__init__.py")),
    "a compiled part of numpy": ("numpy", lambda site: gone(site, "numpy/_core/_multiarray_umath*.so")),
    "numpy's compiled part, cut": ("numpy", lambda site: cut(site, "numpy/_core/_multiarray_umath*.so")),
    "a library under numpy, cut": ("numpy", lambda site: cut(site, "numpy.libs/libscipy_openblas64_*.so*", 0.3)),
    "a source file of numpy, empty": ("numpy", lambda site: cut(site, "numpy/_core/multiarray.py", 0)),
    "half of numpy": ("numpy", lambda site: half(site, "numpy")),
    "cv2's compiled part, cut": ("opencv-python-headless", lambda site: cut(site, "cv2/cv2*.so")),
    "onnx's compiled part": ("onnx", lambda site: gone(site, "onnx/onnx_cpp2py_export*.so")),
    "a folder of protobuf": ("protobuf", lambda site: gone(site, "google/protobuf/internal")),
    "protobuf's compiled part, cut": ("protobuf", lambda site: cut(site, "google/_upb/_message*.so")),
    "scipy's first file, cut": ("scipy", lambda site: cut(site, "scipy/__init__.py", 0.2)),
    "half of scipy": ("scipy", lambda site: half(site, "scipy")),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_package_is_the_only_root_and_is_put_back(name: str, tmp_path: Path) -> None:
    target = make_target(tmp_path, *PACKAGES)
    package, damage = DAMAGES[name]
    damage(target.site)
    report = target.looked()
    finding = only_root(report, "package-damaged")
    assert finding["evidence"]["name"] == package
    assert (finding["severity"], report.exit_code) == ("error", 1)
    follow_plan(report.json, tmp_path)
    silent(target.looked())


def rewritten(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def stripped(site: Path) -> None:
    """As images are made small: every library is shorter than its list says."""
    for path in site.glob("numpy/**/*.so"):
        whole = path.read_bytes()
        path.unlink()
        path.write_bytes(whole)
        subprocess.run(["strip", "--strip-unneeded", path], check=True)
        assert path.stat().st_size < len(whole)


def editable(folder: Path, python: Path) -> None:
    project = folder / "project"
    (project / "retina_service").mkdir(parents=True)
    (project / "retina_service" / "__init__.py").touch()
    (project / "pyproject.toml").write_text("[project]\nname = 'retina-service'\nversion = '1'\n")
    words = [uv(), "pip", "install", "--quiet", "--python", str(python), "--editable", str(project)]
    subprocess.run(words, check=True, cwd="/", env=environment(UV_NO_CONFIG="1"))


def test_what_only_looks_damaged_is_silent(tmp_path: Path) -> None:
    target = make_target(tmp_path, *PACKAGES, "requests", "scikit-image")
    site = target.site
    stripped(site)
    gone(site, "scipy/**/tests")
    compileall.compile_dir(site / "onnx", legacy=True, quiet=2)
    for source in (site / "onnx").rglob("*.py"):
        source.unlink()
    [opencv] = site.glob("opencv_python_headless-*.dist-info/RECORD")  # a list without sizes and hashes
    rewritten(opencv, re.sub(r"(?m),sha256=.*$", ",,", opencv.read_text()))
    gone(site, "protobuf-*.dist-info/RECORD")  # as conda's and Debian's have none
    [skimage] = site.glob("scikit_image-*.dist-info")
    (skimage / "RECORD").unlink()
    skimage.rename(skimage.with_suffix(".egg-info"))
    minified = site / "requests" / "models.py"
    rewritten(minified, re.sub(r"(?m)^ *#.*\n", "", minified.read_text()))
    editable(tmp_path, target.python)
    seen = target.looked()
    silent(seen)
    assert seen.facts("installed_files")["looked_at"] > 5


def test_an_onnxruntime_without_its_sources_is_silent(tmp_path: Path) -> None:
    target = make_target(tmp_path, *PACKAGES)
    compileall.compile_dir(target.site / "onnxruntime", legacy=True, quiet=2)
    for source in (target.site / "onnxruntime").rglob("*.py"):
        source.unlink()
    silent(target.looked())


@pytest.mark.parametrize("pattern", ["cv2/cv2*.so", "numpy/_core/_multiarray_umath*.so"])
def test_a_module_for_another_processor_is_no_missing_library(pattern: str, tmp_path: Path) -> None:
    """The loader says of it that there is no such file."""
    target = make_target(tmp_path, *PACKAGES)
    [path] = target.site.glob(pattern)
    data = bytearray(path.read_bytes())
    data[18:20] = (183).to_bytes(2, "little")  # e_machine: AArch64
    path.unlink()
    path.write_bytes(data)
    seen = target.looked()
    assert "aarch64" in str(only_root(seen, "package-for-other-python")["evidence"])
    follow_plan(seen.json, tmp_path)
    silent(target.looked())


def test_insightface_repeats_why_onnxruntime_fails(tmp_path: Path) -> None:
    target = make_target(tmp_path, *PACKAGES, "insightface==2.1")
    uninstall(target.python, "opencv-python", "onnxruntime")
    install(target.python, "--reinstall", "--no-deps", *GPU, "opencv-python-headless==5.0.0.93")
    silent(target.looked())
    [path] = target.site.glob("numpy/_core/_multiarray_umath*.so")
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data.replace(b"GLIBC_2.27\0", b"GLIBC_2.99\0"))
    seen = target.looked()
    only_root(seen, "libc-unsupported")
    assert any(one["subject"] == "module:insightface" for one in seen.json["findings"])


def test_dropped_docstrings_are_no_conflict_of_versions(tmp_path: Path) -> None:
    """scikit-image 0.26 writes docstrings of some functions as it is imported."""
    target = make_target(tmp_path, *PACKAGES, "scikit-image==0.26.0")
    (target.site / "insightface.py").write_text(
        "from skimage.transform import SimilarityTransform"
    )  # as the real one does
    words = f"env PYTHONOPTIMIZE=2 {target.python}"
    told = report("check", "--device", "cpu", "--only", "RD250,RD291", "--target", words, cwd=tmp_path)
    [finding] = told["findings"]
    assert finding["name"] == "package-import-fails"
    changed = after_commands(finding["fix"]["commands"], {"PYTHONOPTIMIZE": "2"})
    words = f"env PYTHONOPTIMIZE={changed['PYTHONOPTIMIZE']} {target.python}"
    assert (
        report("check", "--device", "cpu", "--only", "RD250,RD291", "--target", words, cwd=tmp_path)["findings"] == []
    )


def test_files_that_nothing_imports_are_a_warning(tmp_path: Path) -> None:
    target = make_target(tmp_path, *PACKAGES)
    gone(target.site, "scipy/spatial/distance.py")
    seen = target.looked()
    assert only_root(seen, "package-damaged")["severity"] == "warning"
    assert seen.exit_code == 0


def test_without_any_list_there_is_no_judgement(tmp_path: Path) -> None:
    told = report("--only", "RD260", "--device", "cpu", "--target", "/usr/bin/python3", cwd=tmp_path)
    assert verdicts(told)["package-damaged"] == "inapplicable"


@pytest.mark.parametrize("kind", ["uv", "venv"])
def test_a_part_that_is_missing_where_there_is_no_list(kind: str, tmp_path: Path) -> None:
    """The import alone tells; the printed command does without the list, too."""
    target = make_target(tmp_path, *PACKAGES, kind=kind)
    gone(target.site, "numpy/_core/_multiarray_umath*.so")
    gone(target.site, "numpy-*.dist-info/RECORD")
    seen = target.looked()
    assert seen.verdict("package-damaged") == "passed"
    finding = only_root(seen, "package-import-fails")
    assert finding["evidence"]["install"][-1] == "numpy==2.4.6"
    run_fix(seen.json, "package-import-fails", tmp_path)
    silent(target.looked())


def test_another_release_over_a_package_is_told_and_put_back(tmp_path: Path) -> None:
    """Without --force-reinstall pip finds the requirement satisfied, and nothing changes."""
    target = make_target(tmp_path, *PACKAGES)
    install(target.python, "--target", str(tmp_path / "older"), "numpy==1.26.4")
    for name in ("numpy", "numpy.libs"):
        shutil.copytree(tmp_path / "older" / name, target.site / name, dirs_exist_ok=True, copy_function=put_in_place)
    seen = target.looked()
    finding = only_root(seen, "package-damaged")
    assert (finding["evidence"]["there"], finding["severity"], seen.exit_code) == ("1.26.4", "error", 1)
    follow_plan(seen.json, tmp_path)
    silent(target.looked())


def put_in_place(source: str, target: str) -> None:
    """What was there may be a hard link to a file of the installer's cache, which must not change."""
    Path(target).unlink(missing_ok=True)
    shutil.copy2(source, target)


def test_modules_renamed_for_another_python_are_one_root(tmp_path: Path) -> None:
    target = make_target(tmp_path, *PACKAGES)
    for module in list(target.site.glob("numpy/**/*.cpython-311-*.so")):
        module.rename(str(module).replace("cpython-311", "cpython-312"))
    seen = target.looked()
    assert only_root(seen, "package-for-other-python")["evidence"]["module"] == "numpy"
    follow_plan(seen.json, tmp_path)
    silent(target.looked())


def test_an_environment_that_is_another_pythons_is_one_root(tmp_path: Path) -> None:
    target = make_target(tmp_path, *PACKAGES, "scipy")
    for module in list(target.site.glob("**/*.cpython-311-*.so")):
        module.rename(str(module).replace("cpython-311", "cpython-312"))
    seen = target.looked()
    found = only_root(seen, "package-for-other-python")
    assert {"numpy", "onnxruntime", "scipy"} <= set(found["evidence"]["modules"])
    follow_plan(seen.json, tmp_path)
    assert "package-for-other-python" not in {one["name"] for one in target.looked().json["findings"]}
