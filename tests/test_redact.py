"""What redaction takes out, what it must leave, and that different names stay different."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from retina_doctor_checks.settings import ServiceSettings

from retina_doctor.codec import replace
from retina_doctor.kinds import Kind
from retina_doctor.masking.words import beginning, masked
from retina_doctor.model import Outcome, Recorded, Snapshot
from retina_doctor.redaction import harmless, redact, shown
from retina_doctor.redaction.marks import Marks
from retina_doctor.redaction.rules import Rules
from retina_doctor.redaction.ssh import ssh_destination
from retina_doctor.support_file import save
from tests.machines import machine
from tests.rejudging import CATALOGUE
from tests.variants import scenes

_HEX64, _HEX40 = "0123456789abcdef" * 4, "0123456789abcdef01234567" + "89abcdef" * 2
_TOKEN = "Hunter2Secret99"


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


@pytest.mark.parametrize(
    "name",
    ["mobilenetV1X0.25_pretrain.tar", "resnet50-19c8e357.pth", "det_10g.onnx", "scrfd_10g_bnkps_shape640x640.onnx",
     "4c06341c33c2ca1f86781dab0e829f88.onnx", "retinaface_r50_v1-0000.params", "RetinaFace-Resnet50-fixed-v2.onnx",
     "yolov8n-face-lindevs_fp16_bs1_640x640_trt1013_sm75.engine", "GhostNetRetinaFaceDetector.onnx",
     "retinaface640x640bs1fp16.engine", "yolov8nface640x640int8.engine", "RetinaFaceMobileNet025Final.onnx",
     "ms1mv3arcfacer100fp16.pth", "mobilenetv2retinaface.onnx", "scrfd10gbnkps640x640.onnx", "glint360kR100FP16BatchDyn1.onnx"],
)  # fmt: skip
def test_models_are_named_for_what_they_are(name: str) -> None:
    assert shown(f"cannot read /models/{name}") == f"cannot read /models/{name}"
    assert shown(name) == name


@pytest.mark.parametrize(
    "line",
    [
        "docker run --user app:app --name face-service acme/face:1.2 uvicorn facesvc.main:app --port 8000",
        "gunicorn --user=app:faces facesvc.main:create_app --bind 0.0.0.0:8000",
        "the net user interface of facesvc",
        "gunicorn -w 4 -k uvicorn.workers.UvicornWorker facesvc.main:app",
        "gunicorn -k gevent facesvc:app",
        'CMD ["gunicorn", "-k", "uvicorn.workers.UvicornWorker", "-b", "0.0.0.0:80", "facesvc:app"]',
        'command: ["docker", "run", "-p", "8000:8000", "-v", "/models:/models"]',
        "celery -A facesvc worker -P solo -c 4",
        "curl -k https://gpu-7:8443/health",
        "C:\\face\\models\\det_10g.onnx",
        "// see facesvc.main:app for the worker",
        "动态码率 已设置 zhangweibox",
        "built for SM75-SM80-SM86-SM90 with INT8-FP16-BF16-FP32",
        "https://files.pythonhosted.org/packages/6b/fa/"
        "7ac648108144a095b4fb6aa3de1954689f7af60a14cf25583f4960ecb878/numpy-2.4.6-cp311-cp311-manylinux.whl",
    ],
)
def test_lines_that_speak_of_no_secret_stay(line: str) -> None:
    assert shown(line) == line


@pytest.mark.parametrize(
    "stem",
    [
        "Zk3xQ9vTb2LmW8pR",
        "face-Zk3xQ9vTb2LmW8pR",
        "MCPFOPMDLABRGPLX",
        "oniGBMiinViVTYIDOeyyaCt1",
        "hf_Zk3xQ9vTb2LmW8pR",
    ],
)
def test_a_token_is_not_shown_for_the_ending_behind_it(stem: str) -> None:
    for text in (f"{stem}.onnx", f"cannot read /models/{stem}.onnx", f"model {stem}.pth is missing"):
        assert stem[5:] not in shown(text)
        assert shown(shown(text)) == shown(text)


@pytest.mark.parametrize(
    "text",
    [
        "secret name=face-token not found\n   RuntimeError: CUDA out of memory",
        "configmap name=auth\n\nTraceback (most recent call last):",
    ],
)
def test_what_stands_below_a_name_is_no_part_of_a_form(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\\r\\n"])
def test_a_field_of_a_form_is_masked(end: str) -> None:
    part = f'Content-Disposition: form-data; name="password"{end}Content-Type: text/plain{end}{end}'
    assert masked(part + "sommerwind") == part + "<secret>"


@pytest.mark.parametrize(
    "text", [r'root="/data/\u6a21\u578b"', r"D:\uface\x", r'{"root": "/data/\u6a21\u578b/det_10g.onnx"}']
)
def test_an_escaped_letter_stays_as_it_is_written(text: str) -> None:
    assert masked(text) == text
    assert shown(text) == text


@pytest.mark.parametrize("word", ["密码", "口令是", "通行证"])
def test_an_escaped_word_announces_a_secret(word: str) -> None:
    assert "sommerwind" not in shown(json.dumps({"line": f"{word} sommerwind"}))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\\n", "\\r\\n", "\\\\n"])
@pytest.mark.parametrize("quote", ["", "'"])
def test_a_list_of_words_loses_its_secret_alone(end: str, quote: str) -> None:
    words = end.join(f"- {quote}{word}{quote}" for word in ("serve", "--api-key", "@@", "--port", "8000"))
    for text in (words, f"args:{end}{words}", f"{end}{words}{end}CUDA out of memory"):
        assert masked(text.replace("@@", "sommerwind")) == text.replace("@@", "<secret>")


@pytest.mark.parametrize(
    "listed",
    [
        "- serve\n- --api-key\n- @@",
        '- "serve"\n- "--api-key"\n- "@@"',
        "args:\n- --api-key\n- '@@'",
        "- --api-key\n- @@",
    ],
)
def test_an_escaped_list_ends_with_its_text(listed: str) -> None:
    text = json.dumps({"args": listed, "image": "face:1", "error": "CUDA out of memory"})
    assert masked(text.replace("@@", "sommerwind")) == text.replace("@@", "<secret>")
    again = json.dumps({"line": text})
    assert masked(again.replace("@@", "sommerwind")) == again.replace("@@", "<secret>")


@pytest.mark.parametrize(
    "text",
    ["数据库密码为空", "密码不能为空", "token为空", "密码：未设置", "token 为未知", "password is missing", "token is invalid.",
     "token is expired, log in", "the secret is not set: see above"],
)  # fmt: skip
def test_why_there_is_no_secret_is_told(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    "text",
    ["数据库密码是未来2024之星", "password is not-so-wintry", "the token is no.7.sommerwind", "token is in_9xk2"],
)
def test_a_secret_may_begin_like_a_reason(text: str) -> None:
    assert masked(text).endswith("<secret>")


@pytest.mark.parametrize("text", ["13800138000.weight", "10.20.30.40.weight", "10.20.30.40.face", f"commit k={_HEX40}"])
def test_what_only_looks_like_a_name_of_code_does_not_leave(text: str) -> None:
    told = Rules(Marks()).text(text)
    assert not any(number in told for number in ("13800138000", "10.20", _HEX40))


def test_a_licence_key_has_groups_of_other_forms() -> None:
    assert masked("key-less AB12-9XK2-SM80-FP16") == "key-less <secret>"


def test_a_list_that_is_left_open_takes_no_time_by_the_square() -> None:
    before = time.process_time()
    masked('["-a", "b"' + " " * 60_000)
    assert time.process_time() - before < 5


@pytest.mark.parametrize(
    "line",
    [
        "redis-server --port 6379",
        "image nvidia/cuda@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "Expected sha256 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "git+https://github.com/deepinsight/insightface.git@0123456789abcdef0123456789abcdef01234567",
        'RuntimeError: invalid hash value (expected "19c8e357", got "ab12cd34")',
        "redis.exceptions.AuthenticationError: Authentication required.",
        "huggingface_hub.errors.GatedRepoError: 401 Client Error. Please log in.",
        "CUDA error cudaErrorInsufficientDriver:CUDA driver version is insufficient for CUDA runtime version",
        f"sha256={_HEX64} revision={_HEX40} commit: {_HEX40}",
        "size mismatch for 0.weight and body.0.0.weight",
        "size mismatch for ClassHead.0.conv1x1.weight: copying a param",
        "NVIDIA A100-SXM4-80GB Tesla V100-PCIE-32GB NVIDIA H100 80GB HBM3",
        "Token indices sequence length is longer than the maximum (1024 > 512)",
        "max_tokens=2048 input_tokens: 512",
        "openssl 3.0.13 30 Jan 2024",
        '  File "/usr/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1553, in _wrapped_call_impl',
        "Specified provider 'AzureExecutionProvider' is not in available provider names.",
        "[ WARN:0@0.123] global",
    ],
)
def test_what_a_helper_needs_stays_wherever_it_is_read(line: str) -> None:
    assert shown(line) == line
    assert Rules(Marks()).text(line) == line


@pytest.mark.parametrize(
    "text",
    [
        "curl " * 4000,
        "mysql " * 4000,
        "\\n- -x" * 4000,
        "- -a\n" * 4000,
        "cc1 - -O2\n- " + " " * 8000 + "\nend",
        "- -a" + " " * 60_000 + "b\n- -c",
        "66 " * 8000,
        "user a on " * 2000,
        "ABCDEFError" * 3000,
        "user='a:" * 4000,
        "token=\n " * 4000,
        "password: |\n  x\n" * 2000,
        '[\\"-a\\",' * 4000,
        "key: " + "1234 " * 8000,
        "*:*:*:*:" * 4000,
        "p " * 16000,
        "a,token,b\n" * 3000,
        "echo a | " * 4000,
    ],
)
def test_a_hostile_line_is_masked_in_linear_time(text: str) -> None:
    before = time.process_time()
    shown(text)
    assert time.process_time() - before < 5


@pytest.mark.parametrize(
    "url",
    [
        f"https://reg/v2/blobs/sha256:{_HEX64}/data?token={_TOKEN}&sig=aZ9kQ2mW7xR4tY8u",
        f"https://reg/v2/sha256:{_HEX64}/data?page=aZ9kQ2mW7xR4tY8u",
        f"https://reg/v2/sha256:{_HEX64}/ghp_aZ9kQ2mW7xR4tY8u1234567890abcdefABCD/data",
        f"git+https://github.com/a/b.git@{_HEX40}#token={_TOKEN}",
    ],
)
def test_a_digest_shields_nothing_behind_it(url: str) -> None:
    for told in (shown(url, Kind.URL), shown(f"cannot read {url} at all"), Rules(Marks()).url(url)):
        assert _TOKEN not in told and "aZ9kQ2mW7xR4tY8u" not in told


@pytest.mark.parametrize(
    "url",
    [
        f"https://reg.example/v2/blobs/sha256:{_HEX64}/data?page=2",
        f"git+https://github.com/deepinsight/insightface.git@{_HEX40}#subdirectory=python-package",
        f"https://files.example/insightface-0.7.3.whl#sha256={_HEX64}",
    ],
)
def test_a_digest_in_an_address_stays(url: str) -> None:
    assert shown(url, Kind.URL) == url
    assert shown(f"cannot read {url} at all") == f"cannot read {url} at all"


def test_the_file_that_a_probe_waits_for_is_masked() -> None:
    snapshot = scenes()["RD002/waits"].diagnosis.snapshot
    effort = snapshot.readings["interpreter"].effort
    assert effort and effort.waits_for == "/mnt/shared/bin/uv"
    private = replace(effort, waits_for="/mnt/acme-cameras/secret-project/uv")
    readings = {**snapshot.readings, "interpreter": replace(snapshot.readings["interpreter"], effort=private)}
    told = redact(replace(snapshot, readings=readings), CATALOGUE).readings["interpreter"].effort
    assert told and told.waits_for and told.waits_for.startswith("/mnt/")
    assert "acme" not in told.waits_for and "secret-project" not in told.waits_for
    assert (told.seconds, told.processors) == (effort.seconds, effort.processors)


@pytest.mark.parametrize(
    "line",
    [
        'docker run --user "1000:1000" facesvc',
        "docker run -u 1000:1000 facesvc",
        'user: "1000:1000"',
        "mailto:facesvc@corp.example",
        f"nginx:1.25@sha256:{_HEX64}",
        "docker run -p'8080:80' facesvc",
        "serve.py:123:facesvc:word:message",
        "curl --cert client.pem https://gpu-7:8443/health",
        "echo facesvc | sudo tee /etc/face.conf",
        "from facesvc.decoder import MnemonicItem",
        "name  facedbhost\nkey  facesvc",
        "conv-int8-fp16-bs16",
        "box: 12.345678, 34.567812",
        "docker run --user app:app facesvc",
    ],
)
def test_what_only_stands_where_a_secret_may_is_shown(line: str) -> None:
    assert shown(line) == line


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("password: >\n  correct\n  battery\nport: 80", ["correct", "battery"]),
        ("- name: DB_AUTH\n  value: 'sommerwind'\n- name: PORT\n  value: '80'", ["sommerwind"]),
        ("user,password\nface,sommerwind\n\nnext", ["sommerwind"]),
        ("token = '''\nsommerwind\n'''", ["sommerwind"]),
        ("INFO: [password]\nsommerwind", ["sommerwind"]),
        ("proxy face:sommerwind@10.2.3.4:3128", ["sommerwind"]),
        ("gpu-7:5432:faces:svc:sommerwind", ["sommerwind"]),
        ("curl -sSu face:sommerwind http://gpu-7", ["sommerwind"]),
        ("{&quot;password&quot;:&quot;sommerwind&quot;}", ["sommerwind"]),
        ("&#23494;&#30721;: sommerwind", ["sommerwind"]),
        ("p a s s w o r d : sommerwind", ["sommerwind"]),
        ("password\\u003dsommerwind", ["sommerwind"]),
        ('{"c": "[\\"serve\\", \\"--license\\", \\"sommerwind\\"]"}', ["sommerwind"]),
        ("['PIN:', '328795']", ["328795"]),
        ("开机密码328795", ["328795"]),
    ],
)
def test_what_is_a_secret_by_its_place_is_not(text: str, gone: list[str]) -> None:
    told = shown(text)
    assert [word for word in gone if word in told] == []
    assert told.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        '["username", "password", "window"]',
        "- username\n- password\n- window",
        "Traceback of token=<secret>\n    at window.main(app.java)",
        "password: <secret>\n  <secret>\nwindow: 1",
        "密码错误，请重试",
    ],
)
def test_what_stands_beside_a_name_is_not_its_value(text: str) -> None:
    assert masked(text) == text


@settings(max_examples=1500, deadline=None)
@given(st.text("0123456789.+-", min_size=1, max_size=14) | st.text("019.:/+-_xeTZGab[]%@", min_size=1, max_size=14))
def test_a_word_whose_form_is_told_by_its_letters_has_that_form(word: str) -> None:
    """What spares most words the large pattern says the same as it."""
    assert harmless._has_a_shape(word) == (harmless.SHAPES.fullmatch(word) is not None)


@pytest.mark.parametrize(
    "word",
    [
        "2026-11-30",
        "2026-11-30T12:00:05Z",
        "2026-11-30T12:00:05.5+08:00",
        "2026-11-30T12",
        "12345.6789T",
        "-0.5",
        "12345678.",
        "1.2.3.4.5",
        "123456789",
        "0.7:",
        "+x",
        "/1",
        "1e-5",
        "12%",
    ],
)
def test_a_word_of_figures_has_the_form_that_the_large_pattern_knows(word: str) -> None:
    assert harmless._has_a_shape(word) == (harmless.SHAPES.fullmatch(word) is not None)


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text",
    [
        "password=Hunter2Secret",
        "密码=Hunter2Secret",
        "contraseña: Hunter2Secret",
        "Authorization: Bearer Hunter2Secret",
        "ghp_Hunter2SecretHunter2SecretHunter2Se",
    ],
)
def test_a_text_of_two_bytes_a_letter_is_masked_before_it_is_cut(text: str, order: str) -> None:
    """As Windows writes it, read as one of one byte; what parts it from others is no letter's second byte."""
    told = f"first\n{text}\nlast".encode(order).decode("latin-1")
    assert all("unter2" not in beginning(told, most).replace("\0", "") for most in range(8, 60))
    assert masked(f"HOME=/root\0{text}") == masked(text).join(("HOME=/root\0", ""))
    plain = "libcublas.so.12 is not there".encode(order).decode("latin-1")
    assert masked(plain) == plain
