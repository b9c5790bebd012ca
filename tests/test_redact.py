"""What redaction takes out, what it must leave, and that different names stay different."""

from __future__ import annotations

from typing import Any

import pytest
from retina_doctor_checks.settings import ServiceSettings

from retina_doctor.codec import replace
from retina_doctor.model import Outcome, Recorded, Snapshot
from retina_doctor.redaction import redact, shown
from retina_doctor.redaction.rules import Marks, Rules, ssh_destination
from retina_doctor.secret_words import masked
from retina_doctor.snapshot import save
from tests.machines import machine
from tests.rejudging import CATALOGUE


def with_facts(**facts: Any) -> Snapshot:
    snapshot = machine("t4-healthy").snapshot
    return replace(snapshot, readings={**snapshot.readings, "odd": Recorded(outcome=Outcome.OK, facts=facts)})


def redacted(**facts: Any) -> dict[str, Any]:
    once = redact(with_facts(**facts), CATALOGUE)
    assert redact(once, CATALOGUE) == once
    return dict(once.readings["odd"].facts)


def of_text(text: str) -> str:
    return str(redacted(line=text)["line"])


def test_two_people_stay_two() -> None:
    told = redacted(a="/home/alice/venv/bin/python", b="/home/bob/venv", c="/Users/alice/x", user="bob", uid=1001)
    alice, bob = told["a"].split("/")[2], told["user"]
    assert {alice, bob} < {f"<user{n}>" for n in range(1, 9)}
    assert alice != bob
    assert told == {
        "a": f"/home/{alice}/venv/bin/python", "b": f"/home/{bob}/venv", "c": f"/Users/{alice}/x", "user": bob, "uid": 1001,
    }  # fmt: skip


def test_what_is_redacted_keeps_its_number_when_more_is_added() -> None:
    once = redact(with_facts(a="/home/alice/x", b="/home/bob/x", peer="203.0.113.5"), CATALOGUE)
    more = replace(
        once,
        readings={
            "new": Recorded(outcome=Outcome.OK, facts={"c": "/home/carol/x", "peer": "203.0.113.6"}),
            **once.readings,
        },
    )
    again = redact(more, CATALOGUE)
    assert again.readings["odd"] == once.readings["odd"]
    assert again.readings["new"].facts["c"] not in once.readings["odd"].facts.values()
    assert again.readings["new"].facts["peer"] != once.readings["odd"].facts["peer"]


@pytest.mark.parametrize(
    "text",
    [
        'password="SECRET1"',
        "password='SECRET1 and SECRET2'",
        '{"password": "SECRET1", "next": 1}',
        "DB_PASS=SECRET1 MYSQL_PWD=SECRET2",
        "--passphrase SECRET1",
        "docker run -e 'DB_PASSWORD=SECRET1 SECRET2' a",
        "--key=SECRET1",
        "--key SECRET1",
        "--access-key=SECRET1",
        "AccountKey=SECRET1==;EndpointSuffix=x",
        "token=SECRET1,SECRET2",
        "serve.py '--password=SECRET1 SECRET2' --port 8080",
        "Authorization: Bearer SECRET1.SECRET2",
        "Authorization: Basic SECRET1==",
        "curl -H 'authorization: SECRET1'",
        "bearer SECRET1aaa",
        "--auth SECRET1",
        "loading with hf_SECRET1aaaaaaa",
        "ghp_SECRET1aaaaaaa",
        "sk-proj-SECRET1aaa",
        "https://x.blob.local/a?sig=SECRET1&x=2",
    ],
)
def test_secrets(text: str) -> None:
    told = of_text(text)
    assert "SECRET" not in told
    assert "<secret>" in told


def test_secrets_in_the_words_of_a_command() -> None:
    snapshot = machine("t4-healthy").snapshot
    words = ("serve", "--password=SECRET1 SECRET2", "--auth", "SECRET3", "--token", "--verbose", "x")
    once = redact(replace(snapshot, target=replace(snapshot.target, command=words)), CATALOGUE)
    assert list(once.target.command) == [
        "serve",
        "--password=<secret>",
        "--auth",
        "<secret>",
        "--token",
        "--verbose",
        "x",
    ]


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("alice@gpu-8:~$ python", ["alice", "gpu-8"]),
        ("/home/alice/x and /data/alice/models", ["alice"]),
        ("ssh://zhang@cluster-3/x", ["zhang", "cluster-3"]),
        ("redis://cache-9:6379/0", ["cache-9"]),
        ("peer 2001:db8:0:1::5 and fe80::1", ["2001:db8", "fe80"]),
        ("http://[2001:db8::7]:80/", ["2001:db8"]),
        ("http://5.9.12.34:8080/detect", ["5.9.12.34"]),
        ("cannot connect to 5.9.12.34", ["5.9.12.34"]),
        ("at ::ffff:203.0.113.9", ["203.0.113.9"]),
        ("host=10.3.5.147", ["10.3.5.147"]),
        ("10.3.5.147 is a peer.", ["10.3.5.147"]),
        ("lost 192.168.7.9.", ["192.168.7.9"]),
    ],
)
def test_names_and_addresses(text: str, gone: list[str]) -> None:
    told = of_text(text)
    for name in gone:
        assert name not in told


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1 0.0.0.0 ::1 [::]:8080",
        "libcublas.so.12.8.0.1 nvidia-cublas-cu12==12.4.5.8 nvidia-curand-cu12==10.3.5.147 cuDNN 8.9.7.29",
        "nvidia_curand_cu12-10.3.5.147.dist-info",
        "535.129.03",
        "undefined symbol: memcpy@GLIBC_2.14, _ZN3c105ErrorE@@TORCH_1.0",
        "c10::add c10::Error std::bad_alloc at 12:34:56",
        "hf_hub_download hf_transfer scikit-learn",
        "https://pytorch.org/docs and https://github.com/deepinsight/insightface",
        "/home/ubuntu/x http://localhost:8080/detect",
    ],
)
def test_what_stays(text: str) -> None:
    assert of_text(text) == text


def test_hosts_of_the_settings_and_of_ssh() -> None:
    snapshot = machine("t4-healthy").snapshot
    words = ("ssh", "-p", "22", "-o", "BatchMode=yes", "alice@cluster-3", "python3")
    snapshot = replace(
        snapshot,
        target=replace(snapshot.target, command=words),
        settings=snapshot.settings.changed(service={"host": "face-prod", "url": "http://cluster-3:80/detect"}),
    )
    once = redact(snapshot, CATALOGUE)
    assert redact(once, CATALOGUE) == once
    text = save(once)
    for name in ("alice", "cluster-3", "face-prod"):
        assert name not in text
    host = once.target.command[5].partition("@")[2]
    service = once.settings.of(ServiceSettings)
    assert service.url == f"http://{host}:80/detect", "the same host is the same word"
    assert service.host != host
    assert [word for i, word in enumerate(once.target.command) if i != 5] == [w for w in words if "@" not in w]


def test_where_ssh_goes() -> None:
    assert ssh_destination(["/usr/bin/ssh", "-4", "-i", "key", "gpu-7", "python3"]) == 4
    assert ssh_destination(["ssh", "-i"]) is None
    assert ssh_destination(["python3", "ssh"]) is None
    assert ssh_destination([]) is None


def test_a_name_that_is_also_a_word_of_the_trade_leaves_paths_alone() -> None:
    """The machine's user is called face, and so is the folder of the environment."""
    snapshot = machine("t4-healthy").snapshot
    assert snapshot.readings["interpreter"].facts["user"] == "face"
    assert redact(snapshot, CATALOGUE).target.command == ("/opt/face/bin/python",)


@pytest.mark.parametrize(
    "text",
    ["python3 /srv/hooks/models/det_10g.onnx", "git/hooks/pre-commit", "app --compass 3 --bypass yes"],
)
def test_what_only_looks_like_a_secret_is_shown_on_the_machine(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "https://mm.example.org/hooks/x8fj2kd9sl3",
        "/lib:https://hooks.example.com/hooks/catch/1/x8fj2kd9sl3",
        "/hooks.example.com/hooks/catch/1/x8fj2kd9sl3",
        "a3f8Q~x8fj2kd9sl3FNrTOfzRQiUFBSoUvMWHm",
        "app --db-pass x8fj2kd9sl3",
        "app --pass x8fj2kd9sl3",
    ],
)
def test_what_is_a_secret_is_not(text: str) -> None:
    assert "x8fj2kd9sl3" not in masked(text)


@pytest.mark.parametrize(
    "token",
    ["MCPFOPMDLABRGPLX", "AyNIgvDGNcnfMLYnqMrLkiIK", "hmsclqpuziQEiranFvIHWvFA", "xqzjkvwpbtmfhgrdclnsykqj"],
)
def test_letters_that_make_no_word_are_a_token(token: str) -> None:
    assert shown(f"confluent {token} was refused") == "confluent <secret> was refused"


@pytest.mark.parametrize(
    "name",
    ["gesichtserkennungsdienst", "CUDAExecutionProvider", "zhuanyongrenlianmoxing", "RetinaFaceKpsDetectorService"],
)
def test_letters_that_make_one_are_shown_on_the_machine(name: str) -> None:
    assert shown(f"No module named {name}") == f"No module named {name}"


@pytest.mark.parametrize(
    ("name", "stays"), [("A100-SXM4-80GB", True), ("T4-16Q", True), ("Board Part 900-GR4XO-OPD3966HU", False)]
)
def test_what_begins_with_a_number_is_no_card(name: str, stays: bool) -> None:
    assert (Rules(Marks()).name(name) == name) is stays
