"""Patterns that are compiled when they are first used: each can be, and then does what a compiled one does."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
import retina_doctor_checks

import retina_doctor
from retina_doctor.patterns import _METHODS, _Pattern, pattern


def patterns(value: Any) -> Iterator[_Pattern]:
    if isinstance(value, _Pattern):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from patterns(one)
    elif isinstance(value, dict):
        yield from patterns([*value.values()])


def test_every_one_can_be_compiled() -> None:
    seen = 0
    for package in (retina_doctor, retina_doctor_checks):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if ".probes" in found.name or found.name.endswith(("__main__", ".launch", ".relay", "pytest_plugin")):
                continue
            for name, value in vars(importlib.import_module(found.name)).items():
                for one in patterns(value):
                    seen += 1
                    try:
                        re.compile(one._text, one._flags)
                    except re.error as error:
                        pytest.fail(f"{found.name}.{name}: {error}")
    assert seen > 180


def test_it_offers_what_a_compiled_one_does() -> None:
    late, made = pattern(r"(?P<first>a)|b", re.IGNORECASE), re.compile(r"(?P<first>a)|b", re.IGNORECASE)
    assert [*late.groupindex] == ["first"]
    assert late.sub("x", "Abc") == made.sub("x", "Abc") == "xxc"
    assert [one[0] for one in late.finditer("ab")] == ["a", "b"]
    public = {name for name in dir(made) if not name.startswith("_")}
    assert public - {"scanner"} == set(_METHODS)


def test_a_text_that_is_none_is_refused_at_its_first_use() -> None:
    broken = pattern("(")
    with pytest.raises(re.error):
        broken.search("x")
