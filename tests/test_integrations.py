"""What docs/integrations.md shows, action.yml and the hook: parsed by the schemas of their consumers, and run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import junitparser
import kubernetes_validate
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests import npm
from tests.doctor import environment
from tests.odd_probes import runs
from tests.test_formats import gitlab_schema

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")


DOCTOR = Path(sys.executable).with_name("retina-doctor")


def example(section: str, language: str) -> str:
    """The first block of that language below that heading."""
    below = TEXT.partition(f"\n## {section}\n")[2]
    match = re.search(rf"^```{language}\n(.*?)^```$", below.partition("\n## ")[0], re.MULTILINE | re.DOTALL)
    assert match, f"no example in {language} under {section}"
    return match[1]


def held_by(schema: str, file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_schemas_of_github_and_gitlab_accept_what_is_shown(tmp_path: Path) -> None:
    held_by("vendor.github-actions", ROOT / "action.yml")
    for section, schema in (("GitHub Actions", "vendor.github-workflows"), ("GitLab CI", "vendor.gitlab-ci")):
        file = tmp_path / f"{schema}.yml"
        file.write_text(example(section, "yaml"), encoding="utf-8")
        held_by(schema, file)


FAULT = "import onnxruntime\nsession = onnxruntime.InferenceSession('face.onnx')\n"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is installed from: the tree as it is given away, without the environments and caches beside it."""
    copy = tmp_path_factory.mktemp("source") / "retina-doctor"
    for name in ("retina_doctor", "checks", "launcher"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "action.yml", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, copy / name)
    return copy


def test_the_action_runs(tmp_path: Path, installed: Path) -> None:
    """Its one step, as the runner starts it, from pip's install to the summary."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    [step] = action["runs"]["steps"]
    (tmp_path / "app.py").write_text(FAULT)
    inputs = {"ARGUMENTS": "scan\napp.py\n", "PYTHON": sys.executable, "SOURCE": str(installed)}
    assert set(step["env"]) == set(inputs)
    files = {"GITHUB_OUTPUT": tmp_path / "output", "GITHUB_STEP_SUMMARY": tmp_path / "summary"}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=tmp_path,
        env=environment(RUNNER_TEMP=str(tmp_path / "temp"), **inputs, **{k: str(v) for k, v in files.items()}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error file=")
    outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    assert json.loads(Path(outputs["report"]).read_text())["exit_code"] == 1
    assert json.loads(Path(outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert set(action["outputs"]) == set(outputs)
    assert "RD275 ort-provider-not-requested" in files["GITHUB_STEP_SUMMARY"].read_text()


def test_the_script_of_gitlab(tmp_path: Path, installed: Path) -> None:
    """Its lines in one shell that stops at the first failure, as the runner has it; then the reports that it names."""
    [job] = yaml.safe_load(example("GitLab CI", "yaml")).values()
    make, scan = job["script"]
    assert make.endswith(" retina-doctor")
    make = make.removesuffix("retina-doctor") + shlex.quote(str(installed))
    (tmp_path / "src").mkdir()

    def run_job(source: str, *lines: str) -> tuple[int, str, Any, junitparser.JUnitXml]:
        (tmp_path / "src" / "app.py").write_text(source)
        done = subprocess.run(
            ["sh", "-e", "-c", "\n".join(lines)],
            cwd=tmp_path,
            env=environment(PATH=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))),
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        reports = {name: tmp_path / file for name, file in job["artifacts"]["reports"].items()}
        assert set(reports) == {"codequality", "junit"}, done.stderr
        quality = json.loads(reports["codequality"].read_text(encoding="utf-8"))
        gitlab_schema().validate(quality)
        return done.returncode, done.stdout, quality, junitparser.JUnitXml.fromfile(str(reports["junit"]))

    code, told, quality, junit = run_job(FAULT, make, scan)
    assert code == 1
    assert {one["check_name"] for one in quality} == {"model-wrong-directory", "ort-provider-not-requested"}
    for entry in quality:
        assert entry["location"] == {"path": "src/app.py", "lines": {"begin": 2}}, "from the folder of the job"
        assert entry["check_name"] in told
    assert junit.failures == len(quality)
    code, _, quality, junit = run_job("print('no detector here')\n", scan)
    assert (code, quality, junit.failures) == (0, [], 0)


def test_pre_commit_runs_the_hook(tmp_path: Path, installed: Path) -> None:
    """It is cloned, installed and run by pre-commit itself."""

    def git(*words: str, cwd: Path) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
        done = subprocess.run(["git", *identity, *words], cwd=cwd, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    hooks, project = tmp_path / "hooks", tmp_path / "project"
    shutil.copytree(installed, hooks)
    project.mkdir()
    shown = yaml.safe_load(example("pre-commit", "yaml"))
    for folder in (hooks, project):
        git("init", "-q", cwd=folder)
    git("add", "-A", cwd=hooks)
    git("commit", "-qm", "x", cwd=hooks)
    shown["repos"][0] |= {"repo": str(hooks), "rev": git("rev-parse", "HEAD", cwd=hooks)}
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump(shown))

    def run_hooks() -> subprocess.CompletedProcess[str]:
        git("add", "-A", cwd=project)
        env = environment(PRE_COMMIT_HOME=str(tmp_path / "home"))
        command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"]
        return subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False, timeout=600)

    (project / "app.py").write_text(FAULT)
    done = run_hooks()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "RD275 ort-provider-not-requested" in done.stdout
    (project / "app.py").write_text("print('no detector here')\n")
    done = run_hooks()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stdout


def started(command: str, folder: Path) -> int:
    """A command of an example, with the doctor and the Python that are here."""
    program = shlex.join([sys.executable, "-m", "retina_doctor"])
    here = command.replace("/opt/doctor/bin/retina-doctor", program).replace("/opt/face/bin/python", sys.executable)
    assert program in here
    done = subprocess.run(
        ["sh", "-c", here], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode != 2, done.stderr
    assert done.stderr == ""
    return done.returncode


READ_DOCKERFILE = """
const {validate} = require("dockerfile-utils"), {DockerfileParser} = require("dockerfile-ast");
const {TextDocument} = require("vscode-languageserver-textdocument");
const text = require("fs").readFileSync(0, "utf8"), at = TextDocument.create("", "", 0, text);
const [check] = DockerfileParser.parse(text).getHEALTHCHECKs(), kind = check && check.getSubcommand();
console.log(JSON.stringify({
  complaints: validate(text).map((one) => one.message),
  flags: check ? check.getFlags().map((one) => one.getName()) : [],
  kind: kind && kind.getValue(),
  command: kind && text.slice(at.offsetAt(kind.getRange().end), at.offsetAt(check.getRange().end)).trim(),
}));
"""


@pytest.fixture(scope="session")
def dockerfile_parser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What editors complain of Dockerfiles with."""
    return npm.installed(tmp_path_factory, "dockerfile-utils")


def read_dockerfile(text: str, parser: Path) -> dict[str, Any]:
    command = ["node", "-e", READ_DOCKERFILE]
    done = subprocess.run(command, cwd=parser, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_health_check_of_docker(tmp_path: Path, dockerfile_parser: Path) -> None:
    text = f"FROM registry.example/face:1\n{example('Docker', 'dockerfile')}"
    check = read_dockerfile(text, dockerfile_parser)
    assert (check["complaints"], check["kind"]) == ([], "CMD")
    assert set(check["flags"]) == {"interval", "timeout", "start-period"}
    assert started(check["command"], tmp_path) in (0, 1)
    assert started(check["command"].replace("--quick", "--only RD004"), tmp_path) == 0
    for right, wrong in (("=60s", "=60"), ("--interval", "--intervall"), ("CMD", "RUN")):
        assert read_dockerfile(text.replace(right, wrong), dockerfile_parser)["complaints"], wrong
    (tmp_path / "Dockerfile").write_text(text)
    done = runs.run("scan", "Dockerfile", "--format", "json", cwd=tmp_path)
    assert json.loads(done.stdout)["findings"] == [], "our own example is one that we would not complain of"


def test_the_probes_of_kubernetes(tmp_path: Path) -> None:
    whole = yaml.safe_load(example("Kubernetes", "yaml"))
    kubernetes_validate.validate(whole, kubernetes_validate.latest_version(), strict=True)
    pod = whole["spec"]
    [container], [first] = pod["containers"], pod["initContainers"]
    container["readinessProbe"]["periodSecond"] = 60
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(whole, kubernetes_validate.latest_version(), strict=True)
    ready = container["readinessProbe"]["exec"]["command"]
    assert "--quick" in ready
    for command in (ready, first["command"]):
        assert started(shlex.join(command), tmp_path) in (0, 1, 3)
    (tmp_path / "pod.yml").write_text(example("Kubernetes", "yaml"))
    done = runs.run("scan", "pod.yml", "--format", "json", cwd=tmp_path)
    assert json.loads(done.stdout)["findings"] == [], "our own example is one that we would not complain of"


def test_the_unit_of_systemd(tmp_path: Path) -> None:
    words = re.search(r"^ExecStartPre=(.*)$", example("systemd", "ini"), re.MULTILINE)
    assert words
    assert started(words[1], tmp_path) in (0, 1, 3)


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """Also with the minus of the text above it. What it starts must be there, so the programs of this machine are put in."""
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is needed: apt-get install systemd"

    def complaints(unit: str) -> str:
        for shown, here in (("/opt/doctor/bin/retina-doctor", str(DOCTOR)), ("/opt/face/bin/python", sys.executable)):
            assert shown in unit
            unit = unit.replace(shown, here)
        file = tmp_path / "face.service"
        file.write_text(unit)
        command = [program, "verify", "--man=no", str(file)]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        return done.stdout + done.stderr + (f"exit {done.returncode}" if done.returncode else "")

    unit = example("systemd", "ini")
    assert complaints(unit) == ""
    assert "`ExecStartPre=-/opt/" in TEXT
    assert complaints(unit.replace("ExecStartPre=/", "ExecStartPre=-/")) == ""
    assert "TimeoutStartSec" in complaints(unit.replace("TimeoutStartSec=120", "TimeoutStartSec=soon"))


# Prometheus, Nagios


def test_what_monitoring_runs(tmp_path: Path) -> None:
    """Each line as cron and Nagios start it, by sh: the textfile is read by Prometheus' parser, the line by Nagios' rules."""
    textfile, plugin = example("Prometheus, Nagios", "sh").splitlines()
    collected = "/var/lib/node_exporter"
    assert collected in textfile
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "retina-doctor").symlink_to(DOCTOR)

    def run_line(line: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join((str(tmp_path / "bin"), os.environ["PATH"]))
        here = f"{line} --target {shlex.quote(sys.executable)}"
        return subprocess.run(
            ["sh", "-c", here], cwd=tmp_path, env=environment(PATH=path), capture_output=True, text=True, check=False
        )

    done = run_line(textfile.replace(collected, str(tmp_path)))
    assert done.stdout == "" and done.stderr.count("\n") == 1, done
    [file] = tmp_path.glob("*.prom")
    families = {one.name: one for one in text_string_to_metric_families(file.read_text(encoding="utf-8"))}
    assert families["retina_doctor_exit_code"].samples[0].value == done.returncode

    line = run_line(plugin)
    assert line.stderr == "" and line.stdout.count("\n") == 1, line
    state = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[line.returncode]
    text, bar, figures = line.stdout.partition(" | ")
    assert text.startswith(f"RETINA-DOCTOR {state}: ") and bar
    assert [re.fullmatch(r"'\w+'=\d+(;\d*){0,4}", one) is not None for one in figures.split()] == [True] * 3
    assert (line.returncode in (0, 1)) == (done.returncode == 0)


# pytest


TESTS = """
import pytest

@pytest.mark.gpu
def test_on_a_gpu(): pass

def test_elsewhere(): pass
"""


def asked(folder: Path, settings: str, *words: str) -> tuple[int, str]:
    (folder / "test_it.py").write_text(TESTS)
    (folder / "pytest.ini").write_text(f"[pytest]\naddopts = -p no:cacheprovider --strict-markers\n{settings}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", *words, "test_it.py"],
        cwd=folder,
        env={k: v for k, v in environment().items() if not k.startswith("PYTEST")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


ABSENT = "retina_doctor_args = --only RD101 --model absent.onnx --quick"
"""A cause that is found on every machine, with a GPU or without."""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_gpu_tests_are_skipped_with_the_root_cause(tmp_path: Path, workers: tuple[str, ...]) -> None:
    code, told = asked(tmp_path, ABSENT, "--retina-doctor", *workers)
    assert code == 0, told
    assert "1 passed, 1 skipped" in told
    assert "retina-doctor: RD101 model-missing: " in told


def test_without_a_finding_or_without_being_asked_all_run(tmp_path: Path) -> None:
    code, told = asked(tmp_path, "retina_doctor_args = --only RD004", "--retina-doctor")
    assert (code, "2 passed" in told) == (0, True), told
    assert "retina-doctor: nothing found" in told
    code, told = asked(tmp_path, ABSENT)
    assert (code, "2 passed" in told, "retina-doctor: " in told) == (0, True, False), told


def test_wrong_arguments_are_told(tmp_path: Path) -> None:
    code, told = asked(tmp_path, "retina_doctor_args = --only NONE", "--retina-doctor")
    assert code == 4
    assert "no check has the code or name 'NONE'" in told


def test_the_plugin_costs_a_run_of_pytest_next_to_nothing() -> None:
    program = (
        "import sys, retina_doctor_checks.pytest_plugin; print([m for m in sys.modules if m.startswith('retina')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['retina_doctor_checks', 'retina_doctor_checks.pytest_plugin']"
