"""Planted secrets: forms x places, none of them in a support file or in a report of the live machine."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from retina_doctor_checks.commands.plan import planning
from retina_doctor_checks.commands.triage import reporting

from retina_doctor.codec import encode
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.masking.forms import MARK, OF_WORD, WORD
from retina_doctor.masking.words import RULES, beginning, masked, small
from retina_doctor.model import Diagnosis, Finding, Severity, Snapshot
from retina_doctor.quoting import quoted
from retina_doctor.redaction import redact, shown, speaking, without_secrets
from retina_doctor.redaction.marks import Marks
from retina_doctor.redaction.rules import Rules
from retina_doctor.reports import formats
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, Report, report_of
from retina_doctor.support_file import load, save
from tests import doctor as runs
from tests import planted as first
from tests.machines import machine, names, put, raw
from tests.planted import Form, Making, made
from tests.planted_eighth import EIGHTH_IDENTITIES, EIGHTH_SECRETS
from tests.planted_fifth import FIFTH_SECRETS
from tests.planted_fourth import FOURTH_SECRETS
from tests.planted_more import MORE_IDENTITIES, MORE_SECRETS
from tests.planted_ninth import NINTH_SECRETS
from tests.planted_seventh import SEVENTH_IDENTITIES, SEVENTH_SECRETS
from tests.planted_sixth import SIXTH_SECRETS
from tests.planted_third import THIRD_IDENTITIES, THIRD_SECRETS
from tests.rejudging import CATALOGUE, judged

SECRETS = {
    **first.SECRETS, **MORE_SECRETS, **THIRD_SECRETS, **FOURTH_SECRETS, **FIFTH_SECRETS, **SIXTH_SECRETS,
    **{f"seventh-{form}": make for form, make in SEVENTH_SECRETS.items()},
    **{f"eighth-{form}": make for form, make in EIGHTH_SECRETS.items()},
    **{f"ninth-{form}": make for form, make in NINTH_SECRETS.items()},
}  # fmt: skip
IDENTITIES = {
    **first.IDENTITIES, **MORE_IDENTITIES, **THIRD_IDENTITIES,
    **{f"seventh-{form}": make for form, make in SEVENTH_IDENTITIES.items()},
    **{f"eighth-{form}": make for form, make in EIGHTH_IDENTITIES.items()},
}  # fmt: skip
Plant = Callable[[dict[str, Any], str], None]


def at(pointer: str) -> Plant:
    return lambda data, text: put(data, pointer, text)


def lines_at(pointer: str) -> Plant:
    return lambda data, text: put(data, pointer, ["before", *text.split("\n"), "after"])


def words_at(pointer: str) -> Plant:
    return lambda data, text: put(data, pointer, ["/opt/face/bin/python", *text.split(" ")])


def key_at(pointer: str) -> Plant:
    return lambda data, text: put(data, pointer, {"faces": [], text: 1})


def crashed(data: dict[str, Any], text: str) -> None:
    data["readings"]["inference"] |= {
        "outcome": "crashed",
        "detail": text,
        "stage": text if "\n" in text else f"importing {text}",
        "stderr_tail": text.split("\n"),
    }


def unknown_pack(data: dict[str, Any], text: str) -> None:
    data["readings"]["odd"] = {
        "outcome": "ok",
        "facts": {"line": text, "list": [{"inner": [text]}], text: {"deep": text}},
    }


MACHINE = "port-in-use"
AS_TEXT = json.dumps(raw(MACHINE))
PLACES: dict[str, Plant] = {
    "library path": at("/readings/gpu_environment/facts/ld_library_path"),
    "visible devices": at("/readings/gpu_environment/facts/cuda_visible_devices"),
    "holder's command": at("/readings/ports/facts/sockets/0/holder/command"),
    "target's command": words_at("/target/command"),
    "model setting": at("/settings/model"),
    "reason to ignore": lambda data, text: put(data, "/settings/gate", {"ignore": {"RD401": text}}),
    "onnxruntime's log": lines_at("/readings/ort_runtime/facts/attempts/0/log"),
    "session error": at("/readings/ort_runtime/facts/attempts/0/session_error"),
    "last words": crashed,
    "body": lambda data, text: put(data, "/readings/ports/facts/answer/words", text),
    "model path": at("/readings/models/facts/path"),
    "label": at("/label"),
    "command of another": lambda data, text: put(
        data, "/passed_over", [{"pid": 3, "command": text, "user": "root", "ports": [80], "why": "user"}]
    ),
    "folder of the process": lambda data, text: put(data, "/seen_from", {"whose": "process", "cwd": text}),
    "gpu process": lambda data, text: put(
        data, "/readings/nvml/facts/gpus/0/processes", [{"pid": 7, "used_memory": None, "name": text, "user": None}]
    ),
    "nvml error": at("/readings/nvml/facts/gpus/0/error"),
    "kernel's line": lambda data, text: put(
        data,
        "/readings/host/facts/kernel_log",
        {"xids": [{"bus_id": "0000:00:1e.0", "code": 79, "line": text}], "refusals": [text]},
    ),
    "other pack": unknown_pack,
}
PLACES["model setting"] = lambda data, text: put(data, "/settings/model", {"path": text})


PLANTED_IN = ("gpu_environment", "ports", "ort_runtime", "inference", "models", "nvml", "host")


def planted(forms: dict[str, Form], form: str, whole: bool = True) -> tuple[Snapshot, dict[str, str]]:
    """A machine with a secret of this form in every place, each its own; place -> secret. Not *whole*: without the readings that
    have no place, which cost the most of what hides all secrets."""
    data, secrets = json.loads(AS_TEXT), {}
    if not whole:
        data["readings"] = {name: data["readings"][name] for name in PLANTED_IN}
    for place, plant in PLACES.items():
        if place == "label" and form in IDENTITIES:
            continue  # what the operator calls the machine is meant to be read
        text, secret = forms[form](Making(f"{place} {form}"))
        if place == "target's command" and " " in secret:
            continue  # it would be two words
        secrets[place] = secret
        plant(data, text)
    return load(json.dumps(data)), secrets


def seen_in(text: str, secret: str) -> bool:
    return secret in text or json.dumps(secret)[1:-1] in text


def test_there_are_many() -> None:
    assert len(SECRETS) >= 300
    assert len({**SECRETS, **IDENTITIES}) * len(PLACES) >= 6000


@pytest.mark.parametrize("form", [*SECRETS, *IDENTITIES])
def test_no_planted_secret_is_in_a_support_file(form: str) -> None:
    before, secrets = planted({**SECRETS, **IDENTITIES}, form, whole=False)
    open_text = save(before)
    assert all(seen_in(open_text, secret) for secret in secrets.values())
    once = redact(before, CATALOGUE)
    text = save(once)
    assert [place for place, secret in secrets.items() if seen_in(text, secret)] == []
    assert sum(once.masked.values()) >= 5 or "uuid" in form  # of which the beginning is kept, without a mark
    assert redact(once, CATALOGUE) == once


@pytest.mark.parametrize("form", SECRETS)
def test_no_planted_secret_is_in_a_report_of_the_live_machine(form: str) -> None:
    before, secrets = planted(SECRETS, form)
    diagnosis = diagnose(without_secrets(before, CATALOGUE), CATALOGUE)
    report = Report(diagnosis=diagnosis, catalogue=CATALOGUE, language="zh", fail_on=Severity.ERROR)
    text = "".join(writer(name)(report, PLAIN) for name in ("json", "terminal"))
    assert [place for place, secret in secrets.items() if seen_in(text, secret)] == []


@pytest.mark.parametrize("form", [*SECRETS, *IDENTITIES])
def test_no_kind_of_text_lets_a_form_through(form: str) -> None:
    """A secret may stand where a version, a serial or a name is meant."""
    planted = [{**SECRETS, **IDENTITIES}[form](Making(f"kind {number} {form}")) for number in range(6)]
    assert [
        (kind, text)
        for text, secret in planted
        for kind, rule in Rules(Marks()).of.items()
        if len(secret) > 5 and seen_in(rule(text), secret)
    ] == []


def everywhere(data: Any, way: str, plant: Callable[[str], str]) -> Any:
    """Plain data in which each text is another; but for what decides how a reading is read."""
    if isinstance(data, dict):
        return {key: everywhere(inner, f"{way}/{key}", plant) for key, inner in data.items()}
    if isinstance(data, list):
        return [everywhere(inner, f"{way}/{place}", plant) for place, inner in enumerate(data)]
    return plant(way) if isinstance(data, str) and not way.endswith("/outcome") else data


@pytest.mark.parametrize("name", names()[::5])
def test_no_text_of_a_machine_lets_a_secret_through(name: str) -> None:
    """Each text of all that was seen is a secret or a name: whatever the kind, its rule lets none pass."""
    data, secrets = raw(name), dict[str, tuple[str, bool]]()
    data |= {
        "passed_over": [{"pid": 3, "command": "x", "user": "x", "ports": [80], "why": "user", "detail": "x"}],
        "seen_from": {"whose": "process", "user": "x", "cwd": "x", "cgroup": "x", "namespaces": {"net": "x"}},
        "redacted": False,
    }
    forms = {**SECRETS, **IDENTITIES}

    def plant(way: str) -> str:
        making = Making(name + way)
        form = making.random.choice([*forms])
        text, secret = forms[form](making)
        secrets[way] = secret, form in SECRETS
        return text

    for part in ("readings", "seen_from", "passed_over"):
        data[part] = everywhere(data[part], f"/{part}", plant)
    data["passed_over"][0]["why"], data["seen_from"]["whose"] = "user", "process"
    before = load(json.dumps(data))
    sent, shown = save(redact(before, CATALOGUE)), save(without_secrets(before, CATALOGUE))
    plain = json.dumps(raw(name))  # whose numbers may look like a piece of an address
    told = {
        way: one
        for way, one in secrets.items()
        if len(one[0]) > 5 and seen_in(save(before), one[0]) and not seen_in(plain, one[0])
    }
    assert len(told) > 50
    assert [(way, secret) for way, (secret, _) in told.items() if seen_in(sent, secret)] == []
    assert [(way, secret) for way, (secret, hide) in told.items() if hide and seen_in(shown, secret)] == []


def test_evidence_survives_redaction() -> None:
    """Of all words of the evidence of all findings on all machines, 95 % at least."""
    kept = total = 0
    for name in names():
        before = judged(name)
        if before.snapshot.redacted:
            continue  # what it has left would survive anyway
        after = diagnose(redact(machine(name).snapshot, CATALOGUE), CATALOGUE)
        for one, other in zip(_sorted(before), _sorted(after), strict=True):
            words = re.findall(r"\w+", " ".join(_texts(encode(one.evidence))))
            left = Counter(re.findall(r"\w+", re.sub(MARK, " ", " ".join(_texts(encode(other.evidence))))))
            total += len(words)
            kept += (Counter(words) & left).total()
    assert total > 5000
    assert kept / total >= 0.95


def _sorted(diagnosis: Diagnosis) -> list[Finding]:
    return sorted(
        diagnosis.findings, key=lambda f: (f.code, f.severity, f.root.code if f.root else "", sorted(f.evidence))
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


@pytest.mark.parametrize("name", names())
def test_hiding_secrets_alone_changes_no_judgement(name: str) -> None:
    """The live report is judged from what it may show."""
    before, after = judged(name), diagnose(without_secrets(machine(name).snapshot, CATALOGUE), CATALOGUE)
    assert [(f.code, f.severity, f.root and f.root.code) for f in after.findings] == [
        (f.code, f.severity, f.root and f.root.code) for f in before.findings
    ]
    assert [j.verdict for j in after.judgements] == [j.verdict for j in before.judgements]


@pytest.mark.parametrize("most", range(20, 140, 3))
def test_a_cut_lays_no_secret_bare(most: int) -> None:
    """Wherever a text is cut, it was masked before."""
    for form, (text, secret) in made(SECRETS, "cut").items():
        cut = Rules(Marks()).text(beginning("before it stands " + text, most))
        assert secret[:8] not in cut, (form, cut)


def test_a_command_has_a_place_to_fill_in() -> None:
    assert quoted("http://svc:<secret>@host/x y") == "http://svc:\"$PASSWORD\"'@host/x y'"
    shown = subprocess.run(
        ["sh", "-c", f"printf %s {quoted('a <secret> b')}"],
        env={"PASSWORD": "it"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "a it b"


@pytest.mark.parametrize("form", [*SECRETS][::12])
def test_no_format_shows_a_planted_secret(form: str) -> None:
    before, secrets = planted(SECRETS, form)
    report = report_of(diagnose(without_secrets(before, CATALOGUE), CATALOGUE), CATALOGUE, "en", Severity.WARNING)
    for name in formats.names():
        text = formats.load(name).write(report, PLAIN)
        assert [place for place, secret in secrets.items() if seen_in(text, secret)] == [], name


SAID_BEFORE = {"seventh-ini-continued", "seventh-py-pydantic"} | {
    f"eighth-{form}" for form in ("kube-decoded", "loguru", "pdb", "ipython", "gdb")
}
"""What goes on further in or below a prompt: in triage lines are shown one by one, and without their margin."""


def test_triage_shows_no_secret_of_a_log(tmp_path: Path) -> None:
    """Each line of the log ends with one, so the lines that are told do."""
    lines = (Path(__file__).parent / "triage_texts" / "sick" / "driver-library-mismatch.txt").read_text().splitlines()
    log = tmp_path / "log"
    for form, (text, secret) in made(SECRETS, "triage").items():
        if form in SAID_BEFORE:
            continue
        log.write_text("\n".join(f"{line} {text}" for line in lines))
        result = reporting.examine([str(log)], lambda _: None)
        told = reporting.as_json(result, "en") + reporting.drawn(result, "en", 2000, False)
        assert "driver-library-mismatch" in told
        assert not seen_in(told, secret), form


def test_plan_shows_no_secret_in_a_name() -> None:
    data = raw("t4-healthy")
    text, secret = SECRETS["github"](Making("plan"))
    put(data, "/readings/nvml/facts/gpus/0/name", f"Tesla {text}")
    plan = planning.of_snapshot(load(json.dumps(data)))
    assert plan.gpu is not None
    assert "Tesla" in plan.gpu
    assert secret not in plan.gpu


def test_wrong_usage_repeats_no_password(tmp_path: Path) -> None:
    done = runs.doctor("diagnose", "postgres://svc:Kx7vbq91@db-7/faces", cwd=tmp_path)
    assert done.returncode == 2
    assert "db-7" in done.stderr
    assert "Kx7vbq91" not in done.stderr


FRAGMENTS = (
    "password token secret key api_key 密码 口令是 令牌 digest Digest authorization Cookie X-Auth-Token bearer basic is was "
    "= := => -> : ： ＝ @ :// / ? & ; , ' \" < > </ <secret> - -- --password -p sshpass hooks.slack.com/services/ /hooks/ "
    "/webhook/ postgres redis https eyJhbGciOi ghp_Ab1 1234567890 sdk-12345678-1234-1234-1234-123456789012 ſecret KEY "
    "hunter2 x9Yz \n \t -----BEGIN -----END----- PRIVATE username AbCdEf123456 " + "q" * 40
).split(" ")


@given(st.lists(st.sampled_from([*FRAGMENTS, " "]), max_size=14))
@settings(max_examples=1500, deadline=None)
def test_what_a_pattern_finds_has_one_of_its_signs(parts: list[str]) -> None:
    text = "".join(parts)
    for pattern, _, signs, words in RULES:
        if re.search(pattern, text):
            assert not signs or any(sign in text for sign in signs), pattern
            assert not words or any(word in small(text) for word in words), pattern


@given(st.from_regex(re.compile(WORD, re.IGNORECASE), fullmatch=True))
@settings(max_examples=1500, deadline=None)
def test_a_name_of_a_secret_has_one_of_its_parts(name: str) -> None:
    assert any(part in small(name) for part in OF_WORD)


@pytest.mark.parametrize(
    "text",
    [
        "rocommunity: @@",
        "rw_community = @@",
        "--snmp_community @@",
        "--rw-community=@@",
        "<snmp_community>@@</snmp_community>",
    ],
)
def test_communities_of_snmp_are_secrets(text: str) -> None:
    told = text.replace("@@", "<secret>")
    assert masked(text.replace("@@", "sommerwind")) == told
    assert "sommerwind" not in shown(f"snmpd {text.replace('@@', 'sommerwind')}")
    assert masked("pro_community: sommerwind") == shown("pro_community: sommerwind") == "pro_community: sommerwind"


def signless(text: str) -> list[str]:
    """What speaks of a secret in it, without a sign of that."""
    found = [(one.search(text), signs) for one, signs in speaking.SPEAKING]
    return [match[0] for match, signs in found if match and not any(sign in small(text) for sign in signs)]


@pytest.mark.parametrize("form", SECRETS)
def test_a_line_that_speaks_of_a_secret_has_one_of_the_signs(form: str) -> None:
    text = SECRETS[form](Making(f"signs {form}"))[0]
    assert not signless(text)


SPOKEN = (
    "tokens|Passw|PASSCODE|ſecret|SEſSION_ID|sess-id|sessid|log in|log-in|api key|licenſe_key|K|recovery code|MFA code"
    "|auth|one time code|unlock-codes|creds|PİN|pın|otp|pwd|contraseña|CONTRASEÑA|Mot de Passe|ŞİFRE"
    "|ПАРОЛЬ|mật khẩu|docker login|sudo -S|net use|pragma key|cryptsetup"
    "|snmpwalk|-u a:b|--user=a:b|user x on >|密码|激活码|私钥|通行证"
    "|mc alias|Identified By|curl -u|curl x --user|wget x --user|oracle:"
    "|7z|unzip|mongodump|redis-cli|pass|key|private|access|access-"
    "|p@ssw0rd|P@55WORD|passkey|admin_auth(|securestring|ro_community|TOTP|mnemonic|seed phrase|decrypt(|wifi:t:|pin-code"
    "|kennwort|wachtwoord|la clave|暗号|секрет|助记词|密:|认证信息|expect|lftp|mosquitto_pub|nmcli|keytool|ss-local|ssrlocal"
    "|x11vnc|smbpasswd|xfreerdp|rpcclient|addauth|twine upload|openssl passwd|openssl x -k|socks5 h 1 a b"
    "|> net user a b|http x -a a:b|http x --auth a:b|rar x -hpx|edge x -k|plink|runas"
).split("|")


@given(st.lists(st.sampled_from([*SPOKEN, *FRAGMENTS, " ", "_", "x"]), max_size=8))
@settings(max_examples=1500, deadline=None)
def test_what_speaks_of_a_secret_has_one_of_the_signs(parts: list[str]) -> None:
    assert not signless("".join(parts))


WRITTEN: dict[str, Callable[[str], str]] = {
    "json": lambda text: json.dumps({"line": text, "n": 1}),
    "json in json": lambda text: json.dumps({"m": json.dumps({"line": text})}),
    "yaml list": lambda text: "command:\n" + "\n".join(f"  - {json.dumps(word)}" for word in text.split(" ")),
    "shell": lambda text: "sh -c " + shlex.quote(text),
    "list": lambda text: json.dumps(text.split(" ")),
    "list in json": lambda text: json.dumps({"words": json.dumps(text.split(" "))}),
    "yaml list in json": lambda text: json.dumps({"file": WRITTEN["yaml list"](text)}),
    "log": lambda text: "\n".join(f"2026-01-02 03:04:05,678 INFO [x] {line}" for line in text.split("\n")),
}
"""Ways in which a log or a deployment file writes what stands elsewhere as it is."""


@pytest.mark.parametrize("way", WRITTEN)
def test_a_secret_is_one_however_it_is_written(way: str) -> None:
    told = []
    for form, (text, secret) in made(SECRETS, way).items():
        written = WRITTEN[way](text)
        if secret in written and secret in shown(written):
            told.append(form)
    assert told == []
