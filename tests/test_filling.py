"""Places of pages are filled with expressions over the evidence, and with nothing else."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retina_doctor.words.filling import FILTERS, Filling, broken_places, names_in

VALUES: dict[str, Any] = {
    "name": "a b",
    "empty": None,
    "cards": ["T4", "L4"],
    "size": 3 * 1024**2,
    "seconds": 1.2345,
    "told": lambda key: f"<{key}>",
    "table": {"key": "value"},
    "braces": "{{ name }}",
}
fill = Filling(lambda value: f"[{value}]")


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("plain\n", "plain"),
        ("{{ name }}, {{name}}{{ empty }}", "[a b], [a b][None]"),
        ("{{ told(name) }}", "[<a b>]"),
        ('{{ cards | join(", ") }}', "[T4, L4]"),
        ("{{ size | MiB }} {{ cards | length }} {{ seconds | round(1) }}", "[3 MiB] [2] [1.2]"),
        ('{{ size | quantity("B") }}', "[3 MiB]"),
        ('{{ empty or "none" }} {{ table["key"] }}', "[none] [value]"),
        ('{{ f"linux-{name}" if name else "linux" }}', "[linux-a b]"),
        ("{{ braces }}", "[{{ name }}]"),
        ("{driver: {{ name }}}} $$ {}", "{driver: [a b]}} $$ {}"),
        ("{{ cards |\n length }}", "[2]"),
    ],
)
def test_places_are_filled(text: str, filled: str) -> None:
    assert fill(text, VALUES) == filled


@given(
    st.lists(
        st.sampled_from(["{{ name }}", "{{ told(name) }}", "{{ cards|join('-') }}", "}", "{ ", "\n", " ж "]), max_size=8
    )
)
@settings(deadline=None)
def test_they_are_filled_as_a_template_engine_fills_them(parts: list[str]) -> None:
    text = "".join(parts)
    engine = jinja2.Environment(undefined=jinja2.StrictUndefined, finalize=lambda value: f"[{value}]", autoescape=False)
    assert fill(text, VALUES) == engine.from_string(text).render(VALUES)


@pytest.mark.parametrize(
    "expression", ["nowhere", "told(nowhere)", "__import__('os')", "open('/etc/passwd')", "name | nowhere"]
)
def test_what_the_evidence_does_not_fill_is_an_error(expression: str) -> None:
    with pytest.raises(NameError):
        fill(f"{{{{ {expression} }}}}", VALUES)


@pytest.mark.parametrize(
    "text", ["{{ name + }}", "{{ }}", "{% if name %}x{% endif %}", "{{ import os }}", "{{ name = 1 }}"]
)
def test_what_is_no_expression_is_an_error_with_its_line(text: str) -> None:
    with pytest.raises(SyntaxError):
        fill(text, VALUES)
    assert next(line for line, _ in broken_places(f"one\ntwo\n{text}")) == 3


def test_an_open_place_and_a_comment_are_broken() -> None:
    assert [line for line, _ in broken_places("{{ name\n{# no #}\n{{ name }}")] == [1]
    assert [line for line, _ in broken_places("{{ name }}\n{# no #}")] == [2]


def test_names_are_those_of_the_evidence() -> None:
    assert names_in('{{ a }} {{ f"{b}" | MiB }} {{ c.strip(d) | join(", ") }} e') == {"a", "b", "c", "d"}
    assert not names_in("plain")
    assert "join" in FILTERS


def test_pages_need_no_template_engine() -> None:
    program = (
        "import sys; from retina_doctor.words.pages import _prose; "
        "print(_prose('{{ a | join(\"\") }}', {'a': [1]}), 'jinja2' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "1 False\n"
