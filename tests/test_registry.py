"""What a pack may say, what it is told when it contradicts itself, and what its checks are given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retina_doctor.authoring import Answer, Cause, Check, Domain, Facts, Gathered, Pack, Probe, Side, check
from retina_doctor.catalogue.registry import PackError, Want, build
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Diagnosis, Interpreter, Outcome, Problem, Reading, Recorded, Severity, Snapshot, Target
from retina_doctor.settings import Settings


class Left(Facts, frozen=True, kw_only=True):
    value: int


class Right(Facts, frozen=True, kw_only=True):
    value: int


class Both(Gathered, frozen=True, kw_only=True):
    left: Left
    right: Right | None
    settings: Settings


class Odd(Gathered, frozen=True, kw_only=True):
    left: list[Left]


@check("XX001", "sums", Severity.ERROR)
def sums(both: Both, right: Reading[Right]) -> Answer:
    evidence = {"left": both.left.value, "right": both.right.value if both.right else None, "how": str(right.outcome)}
    return Problem(subject=both.settings.gate.fail_on, evidence=evidence)


@check("XX002", "echo", Severity.ERROR)
def echo(left: Left) -> Answer:
    return None


def probe(name: str, facts: type[Any]) -> Probe[Any]:
    return Probe(name=name, facts=facts, module="nowhere", side=Side.OWN)


def pack(*checks: Check, probes: tuple[Probe[Any], ...] | None = None, causes: tuple[Cause, ...] = ()) -> Pack:
    probes = (probe("left", Left), probe("right", Right)) if probes is None else probes
    domain = Domain(name="odd", probes=probes, checks=checks, pages=Path(__file__).parent)
    return Pack(name="odd", domains=(domain,), causes=causes)


def judged(**values: int) -> Diagnosis:
    readings = {name: Recorded(outcome=Outcome.OK, facts={"value": value}) for name, value in values.items()}
    target = Target(command=("python3",), chosen="path")
    snapshot = Snapshot(created="", doctor="", settings=Settings(), target=target, readings=readings)
    return diagnose(snapshot, build([pack(sums)]))


def verdict(diagnosis: Diagnosis) -> tuple[str, tuple[str, ...]]:
    [one] = [judgement for judgement in diagnosis.judgements if judgement.code == "XX001"]
    return str(one.verdict), one.missing


def test_what_is_gathered_is_built_of_facts_and_settings() -> None:
    [finding] = [one for one in judged(left=1, right=2).findings if one.code == "XX001"]
    assert (finding.subject, finding.evidence) == ("error", {"left": 1, "right": 2, "how": "ok"})


def test_an_optional_part_may_be_lost_and_a_required_one_makes_it_unknown() -> None:
    [entry] = [e for e in build([pack(sums)]).entries if e.check.code == "XX001"]
    assert [(n.parameter, n.field, n.want) for n in entry.needs] == [
        ("both", "left", Want.REQUIRED),
        ("both", "right", Want.OPTIONAL),
        ("both", "settings", Want.REQUIRED),
        ("right", None, Want.READING),
    ]
    assert verdict(judged(right=2)) == ("unknown", ("left",))
    # The looking that this check speaks for was not done: that is no failure to speak of.
    assert verdict(judged(left=1)) == ("unknown", ("right",))


def of_unknown_facts() -> Pack:
    return pack(echo, probes=())


def of_odd_field() -> Pack:
    @check("XX003", "odd", Severity.ERROR)
    def odd(odd: Odd) -> Answer:
        return None

    return pack(odd)


def of_odd_parameter() -> Pack:
    @check("XX003", "odd", Severity.ERROR)
    def odd(left: Left | Right) -> Answer:
        return None

    return pack(odd)


def of_a_name_that_is_nowhere() -> Pack:
    def odd(left: Nowhere) -> Answer:  # type: ignore[name-defined] # noqa: F821
        return None

    return pack(check("XX003", "odd", Severity.ERROR)(odd))


def test_checks_of_several_domains_may_bear_one_name() -> None:
    """One cause, seen in several places: the name means all of them, a code means one."""
    again = check("XX004", "echo", Severity.NOTE)(echo.judge)
    elsewhere = Pack(name="more", domains=(Domain(name="elsewhere", checks=(again,), pages=Path(__file__).parent),))
    catalogue = build([pack(echo), elsewhere])
    assert catalogue.matching(["echo"]) == {"XX002", "XX004"}
    assert catalogue.matching(["xx004"]) == {"XX004"}
    assert [entry.domain for entry in catalogue.find("echo")] == ["odd", "elsewhere"]


WRONG: dict[str, tuple[Callable[[], Pack], str]] = {
    "a check twice": (lambda: pack(echo, echo), "named twice: code XX002, first by the pack odd"),
    "two of one name in a domain": (
        lambda: pack(echo, check("XX004", "echo", Severity.NOTE)(echo.judge)),
        "named twice: check echo in odd",
    ),
    "two probes of one name": (
        lambda: pack(echo, probes=(probe("left", Left), probe("left", Right))),
        "named twice: probe left",
    ),
    "two probes of one kind of facts": (
        lambda: pack(echo, probes=(probe("left", Left), probe("right", Left))),
        "named twice: facts Left",
    ),
    "facts that no probe tells": (
        of_unknown_facts,
        "echo needs Left (of tests.test_registry), which no probe of a loaded pack tells",
    ),
    "a cause of no check": (
        lambda: pack(echo, causes=(Cause("echo", ("sums",)),)),
        "names sums, which no check of a loaded pack bears",
    ),
    "a circle": (
        lambda: pack(sums, echo, causes=(Cause("echo", ("sums",)), Cause("sums", ("echo",)))),
        "go round in a circle",
    ),
    "a parameter of two facts": (of_odd_parameter, "odd: parameter left must be Facts, Facts | None or Reading[Facts]"),
    "a field of another kind": (of_odd_field, "odd: parameter odd must be Facts, Facts | None or Reading[Facts]"),
    "a type that is nowhere": (of_a_name_that_is_nowhere, "odd: name 'Nowhere' is not defined"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_pack_that_contradicts_itself_is_told_so(name: str) -> None:
    make, words = WRONG[name]
    with pytest.raises(PackError) as told:
        build([make()])
    assert words in str(told.value)


def test_every_pack_may_ask_for_the_interpreter() -> None:
    @check("XX003", "asks", Severity.NOTE)
    def asks(interpreter: Interpreter) -> Answer:
        return None

    assert build([pack(asks)]).of_code("asks").needs[0].facts is Interpreter
