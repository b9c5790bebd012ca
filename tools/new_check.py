"""Writes the skeleton of a check: function, entry in the domain, two pages, and a machine on which it is to fire.

    uv run python -m tools.new_check RD220 gpu-order-ambiguous driver

Nothing that exists is overwritten. What it writes fires nowhere yet: fill in the judgement, the pages and the machine's patch,
then run the line that it prints.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from retina_doctor.catalogue.registry import Catalogue, installed

ROOT = Path(__file__).parents[1]
PACK, MACHINES = ROOT / "checks" / "retina_doctor_checks", ROOT / "fixtures" / "machines"

FUNCTION = '''

@check("{code}", "{name}", Severity.WARNING, action=Action.EDIT)
def {function}(settings: Settings) -> Answer:
    """Which question this answers, and which source says so."""
    wrong = settings.gate.quick and not settings.gate.quick  # the judgement; parameters: classes of ..facts, imported
    return Problem(subject="{domain}", evidence={{"value": 1}}) if wrong else None
'''
IMPORTS = {
    "Answer": "from retina_doctor.authoring import Action, Answer, check",
    "Problem": "from retina_doctor.model import Problem, Severity",
    "Settings": "from retina_doctor.settings import Settings",
}
PAGE = {
    "en": "# What is wrong, in a few plain words\n\nWhat that means for the service.\n\n## Found\n\n"
    "What is wrong, in one true sentence: {{{{ value }}}}\n\nWhat was seen, and what follows from it.\n\n"
    "## Fix\n\nWhat the command does.\n\n```sh\ntrue\n```\n\n## Why\n\nThe mechanism, for those who want to know.\n",
    "zh": "# 用几个字说明问题\n\n对服务意味着什么。\n\n## Found\n\n"
    "一句话说明问题：{{{{ value }}}}\n\n看到了什么，会导致什么。\n\n"
    "## Fix\n\n下面的命令做什么。\n\n```sh\ntrue\n```\n\n## Why\n\n原理说明。\n",
}
MACHINE = """origin = "derived"
base = "t4-healthy"
source = "TODO: how this machine came about, or the report or documentation that it follows"
[expect]
exit = 0  # 1 if the check is an error
roots = ["{name}"]
findings = ["{name}"]
"""


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("code", help="a free code of the domain's block (docs/architecture.md)")
    parser.add_argument("name", help="kebab-case; a root cause bears the field's own term")
    parser.add_argument("domain", help=f"one of {', '.join(domains())}")
    given = parser.parse_args(words)
    wrong = complaint(given.code, given.name, given.domain, installed())
    if wrong:
        print(f"new_check: {wrong}", file=sys.stderr)
        return 2
    for path in written(given.code, given.name, given.domain):
        print(path.relative_to(ROOT))
    chosen = f"{given.code} or {given.name} or t4-healthy or readme"
    print("\nFill them in (CONTRIBUTING.md, Add a check), then run:\n")
    print(f'uv run pytest -n 0 tests/test_laws.py tests/test_machines.py -k "{chosen}"')
    print("uv run ruff check --fix && uv run ruff format && uv run mypy")
    print("uv run python -m tools.update_readme && uv run python -m tools.write_explanations")
    return 0


def domains() -> list[str]:
    return sorted(folder.name for folder in PACK.iterdir() if (folder / "domain.py").is_file())


def complaint(code: str, name: str, domain: str, catalogue: Catalogue) -> str | None:
    """Why this check cannot be made, or None."""
    taken = {entry.check.code for entry in catalogue.entries}
    if not re.fullmatch(r"RD\d{3}", code):
        return f"{code}: a code is RD and three digits"
    if code in taken:
        number = int(code[2:])
        free = next(f"RD{n:03}" for n in range(number, 1000) if f"RD{n:03}" not in taken)
        return f"{code} is taken; the next free one is {free}"
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        return f"{name}: a name is lower-case words with dashes"
    if domain not in domains():
        return f"{domain}: known are {', '.join(domains())}"
    if name in {entry.check.name for entry in catalogue.entries if entry.pages.parent.name == domain}:
        return f"{name} is a check of {domain} already"
    return None


def written(code: str, name: str, domain: str) -> list[Path]:
    """Write all parts; the files that were touched."""
    folder, function = PACK / domain, name.replace("-", "_")
    checks, listed = folder / "checks.py", folder / "domain.py"
    text = checks.read_text(encoding="utf-8")
    lacking = [line for noun, line in IMPORTS.items() if not re.search(rf"^from .*\b{noun}\b", text, re.MULTILINE)]
    body = FUNCTION.format(code=code, name=name, function=function, domain=domain)
    at = text.index("\nfrom retina_doctor") + 1 if lacking else 0  # ruff sorts them
    checks.write_text(
        text[:at] + "".join(f"{line}\n" for line in lacking) + text[at:].rstrip() + "\n" + body, encoding="utf-8"
    )
    text = listed.read_text(encoding="utf-8")
    end = re.search(r"checks=\(\n(?:.*\n)*?    \),\n", text)
    if end is None:
        raise ValueError(f"{listed}: no list of checks to add to")
    last = end.end() - len("    ),\n")
    listed.write_text(f"{text[:last]}        checks.{function},\n{text[last:]}", encoding="utf-8")
    files = [checks, listed]
    for language, page in PAGE.items():
        files.append(folder / "pages" / f"{name}.{language}.md")
        files[-1].write_text(page.format(), encoding="utf-8")
    machine = MACHINES / name
    machine.mkdir(exist_ok=True)
    for file, content in (("machine.toml", MACHINE.format(name=name)), ("patch.json", "{\n}\n")):
        files.append(machine / file)
        if not files[-1].exists():
            files[-1].write_text(content, encoding="utf-8")
    return files


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
