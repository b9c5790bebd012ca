"""A settings file as text: every key with what it is for; what is known is set, the rest stands as a comment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from retina_doctor.codec import DoesNotFit, decode, encode
from retina_doctor.language import Language
from retina_doctor.model import Outcome, Snapshot
from retina_doctor.settings.declared import Declared, declarations

from ...facts.driver import Nvml

Values = Mapping[str, Mapping[str, Any]]
TRANSIENT = {("service", "pid"), ("service", "load"), ("service", "attach")}
"""What holds for one run."""
HEAD = {
    "en": "# Settings of retina-doctor. Written by `retina-doctor init`; a line that begins with # is not in effect.\n",
    "zh": "# retina-doctor 的设置，由 `retina-doctor init` 生成；以 # 开头的行不生效。\n",
}


def seen(snapshot: Snapshot) -> Values:
    """What was said of, or found at, this machine and its service, by table and key."""
    values: dict[str, dict[str, Any]] = {}
    plain = snapshot.settings.to_plain()
    for table, keys in declarations().tables.items():
        for key, one in keys.items():
            value = plain.get(table, {}).get(key)
            kept = table in ("model", "detection", "service", "gpu") and (table, key) not in TRANSIENT
            if kept and not one.inner and not one.setting.named_only and value is not None and value != one.default:
                values.setdefault(table, {})[key] = value
    recorded = snapshot.readings.get("nvml")
    if recorded is not None and recorded.outcome is Outcome.OK:
        try:
            values["expect"] = _expected(decode(recorded.facts, Nvml))
        except DoesNotFit:
            return values
    return values


def _expected(nvml: Nvml) -> dict[str, Any]:
    """The cards that are here. Nothing where there is none: that is a finding, and nothing to be expected."""
    names = {gpu.name for gpu in nvml.gpus}
    expected: dict[str, Any] = {"gpus": len(nvml.gpus)} if nvml.gpus else {}
    if len(names) == 1 and None not in names:
        expected["gpu_name"] = names.pop()
    major = (nvml.driver or "").split(".")[0]
    if nvml.gpus and major.isdigit():
        expected["driver"] = f">={major}"
    return expected


def written(values: Values, language: Language) -> str:
    """TOML, in which every key of every table stands, but for what a file that merely lies in a directory must not say."""
    parts = [HEAD[language]]
    for table, keys in declarations().tables.items():
        parts += _table(table, keys, values.get(table, {}), language)
    return "\n".join(parts)


def _table(name: str, keys: Mapping[str, Declared], values: Mapping[str, Any], language: Language) -> Iterator[str]:
    lines = [f"[{name}]"]
    for key, one in keys.items():
        if one.inner or one.setting.named_only:
            continue
        help_text = one.setting.zh if language == "zh" else one.setting.en
        lines.append(f"# {help_text}")
        lines.append(f"{key} = {toml(values[key])}" if key in values else f"# {key} = {_default(one)}")
    yield "\n".join(lines) + "\n"
    for key, one in keys.items():
        if one.inner:
            yield from _table(f"{name}.{key}", one.inner, values.get(key, {}), language)


def _default(one: Declared) -> str:
    default = encode(one.default)
    return toml(default) if default is not None else one.setting.metavar or "..."


def toml(value: Any) -> str:
    """A value of plain JSON data in TOML, on one line. A text is quoted as in JSON, but for DEL, which TOML refuses."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
