"""Values of a snapshot that look like options stay values in every command that is printed."""

from __future__ import annotations

import copy
import json
import shlex
from typing import Any

import pytest

from retina_doctor.judging.diagnose import diagnose
from retina_doctor.quoting import Command, argument
from retina_doctor.support_file import load
from retina_doctor.words.pages import spoken
from tests.machines import names, raw
from tests.rejudging import CATALOGUE

EVIL = "--evil-option=/x"


def texts(value: Any, way: tuple[Any, ...] = ()) -> Any:
    """Where texts stand in plain data."""
    if isinstance(value, str):
        yield way
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(inner, (*way, key))


@pytest.mark.parametrize("name", [name for number, name in enumerate(names()) if number % 6 == 0])
def test_no_value_becomes_an_option(name: str) -> None:
    data = raw(name)
    for probe in ("models", "ports", "inference", "directory", "interpreter", "source"):
        facts = data["readings"].get(probe, {}).get("facts")
        for way in texts(facts):
            hurt = copy.deepcopy(data)
            holder: Any = hurt["readings"][probe]["facts"]
            for step in way[:-1]:
                holder = holder[step]
            holder[way[-1]] = EVIL
            after = diagnose(load(json.dumps(hurt)), CATALOGUE)
            for finding in after.findings:
                for command in spoken(finding, after.snapshot, CATALOGUE, "en").commands:
                    assert EVIL not in shlex.split(command, comments=True), (way, command)


def test_what_an_argument_is() -> None:
    assert argument("-rf /") == "'./-rf /'"
    assert argument("-1") == "-1"
    assert argument(-5) == "-5"
    assert argument("/a b") == "'/a b'"
    assert argument(Command("-m pip")) == "-m pip"
