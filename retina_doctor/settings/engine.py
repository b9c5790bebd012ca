"""The engine's own tables: which Python, which process, and what the gate lets pass."""

import datetime
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from retina_doctor.codec import Data, Meta, field
from retina_doctor.kinds import Key
from retina_doctor.settings.tables import Setting, Table

AtLeastOne = Annotated[int, Meta(ge=1, description="must be at least 1")]
SHORT, QUICK = 10.0, 2.4
"""Seconds that a driver or a file has for its answer, in a whole check and with --quick, where --timeout is as it comes."""
USUAL = 60.0
"""--timeout, as it comes."""
Seconds = Annotated[
    float, Meta(gt=0, le=3600, description="is not a number of seconds from just above 0 to 3600")
]  # fmt: skip


def words_of(value: Any) -> Any:
    """ "a, b c" or ["a", "b,c"] -> ["a", "b", "c"]."""
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)):
        return value
    return [part for word in words for part in str(word).replace(",", " ").split()]


def command_of(value: Any) -> Any:
    """The words of a command line. Raises ValueError."""
    words = shlex.split(value) if isinstance(value, str) else value
    if words == []:
        raise ValueError("no command given")
    return words


class Ignored(Data, frozen=True, kw_only=True):
    """Why the findings of a check are accepted, and the last day of that, YYYY-MM-DD; None: for good."""

    reason: str
    until: str | None = None


class Graded(Data, frozen=True, kw_only=True):
    """The severity that findings of a check have here, whatever the check says, and why."""

    severity: Literal["error", "warning", "note"]
    reason: str


def read_ignored(value: Any) -> Any:
    """By code: a reason, or a table of reason and until, which TOML may give as a date. Raises ValueError."""
    if not isinstance(value, dict):
        return value
    plain = {}
    for code, one in value.items():
        why = one.get("reason", "") if isinstance(one, dict) else one
        if isinstance(why, str) and not why.strip():
            raise ValueError('every ignored check needs a reason: { RD401 = "why" }')
        if isinstance(one, dict) and "until" in one:
            try:
                one = {**one, "until": datetime.date.fromisoformat(str(one["until"])).isoformat()}
            except ValueError:
                raise ValueError(f"until = {one['until']!r} is not a day such as 2026-12-31") from None
        plain[code] = one
    return plain


def read_graded(value: Any) -> Any:
    """Raises ValueError where a reason is empty."""
    if isinstance(value, dict) and any(
        isinstance(one, dict) and not str(one.get("reason") or "").strip() for one in value.values()
    ):
        raise ValueError('a severity needs a reason: { RD401 = { severity = "error", reason = "why" } }')
    return value


class TargetSettings(Table, frozen=True, kw_only=True):
    TABLE = "target"
    command: Annotated[
        tuple[str, ...] | None,
        Setting(
            "Command that starts the service's Python.",
            "启动服务所用 Python 的命令。",
            "--target",
            "CMD",
            named_only=True,
            read=command_of,
        ),
    ] = None
    workdir: Annotated[
        str | None,
        Setting(
            "The service's working directory, from which relative paths resolve.", "服务的工作目录，相对路径由此解析。"
        ),
    ] = None


class ProcessSettings(Table, frozen=True, kw_only=True):
    """Which process of this machine is the service. A pack that knows more of services derives its table from this one."""

    TABLE = "service"
    pid: Annotated[
        AtLeastOne | None,
        Setting("Process of a service that should be running.", "应在运行的服务的进程号。", "--pid", "N"),
    ] = None
    attach: Annotated[
        bool,
        Setting(
            "Look for the running service where no process, host or target is named, and look at its own Python.",
            "没有指定进程、地址或目标时，查找正在运行的服务，并检查它自己的 Python。",
        ),
    ] = True


class GateSettings(Table, frozen=True, kw_only=True):
    TABLE = "gate"
    only: Annotated[
        tuple[str, ...],
        Setting(
            "Judge only these; repeatable, or with commas.",
            "只判断这些；可重复，也可用逗号分隔。",
            "--only",
            "CODE|NAME|DOMAIN",
            several=True,
            checks=True,
            read=words_of,
        ),
    ] = ()
    skip: Annotated[
        tuple[str, ...],
        Setting(
            "Leave these out; likewise.",
            "不判断这些；写法同上。",
            "--skip",
            "CODE|NAME|DOMAIN",
            several=True,
            checks=True,
            read=words_of,
        ),
    ] = ()
    ignore: Annotated[
        Mapping[str, str | Ignored],
        Setting(
            "Code of a check, and why its findings are accepted here; with an until = date, up to that day.",
            "检查的代码，以及为什么接受它的发现；写上 until = 日期，则到那天为止。",
            checks=True,
            read=read_ignored,
        ),
    ] = field(default_factory=dict)
    required: Annotated[
        tuple[str, ...],
        Setting(
            "Checks that must be passed: not failed, not unknown, not inapplicable.",
            "必须通过的检查：失败、无法判断、不适用都不算。",
            "--require",
            "CODE|NAME|DOMAIN",
            several=True,
            checks=True,
            read=words_of,
        ),
    ] = ()
    severity: Annotated[
        Mapping[str, Graded],
        Setting(
            "Code of a check, the severity of its findings here, and why.",
            "检查的代码、它的发现在这里的级别，以及原因。",
            checks=True,
            read=read_graded,
        ),
    ] = field(default_factory=dict)
    regress: Annotated[
        Annotated[float, Meta(ge=0, description="is not a share, such as 0.2 for a fifth")] | None,
        Setting(
            "By what share a measured figure may be worse than in --baseline: 0.2 is a fifth. Default: by any.",
            "测得的指标最多可比 --baseline 差多少：0.2 即五分之一。默认不限。",
            "--regress",
            "SHARE",
        ),
    ] = None
    measured: Annotated[
        Mapping[Key, float],
        Setting(
            "Figures to compare with, by where they stand among the facts, such as inference.median; --baseline gives them.",
            "用于对比的指标，以其在 facts 中的位置命名，如 inference.median；由 --baseline 给出。",
        ),
    ] = field(default_factory=dict)
    fail_on: Annotated[
        Literal["error", "warning", "never"],
        Setting(
            "From which severity on to exit 1.", "从哪个级别起以退出码 1 结束。", "--fail-on", "error|warning|never"
        ),
    ] = "error"
    quick: Annotated[
        bool, Setting("Files and driver alone, in half a second.", "只看文件和驱动，约半秒。", "--quick")
    ] = False
    timeout: Annotated[
        Seconds,
        Setting(
            "Seconds for each slow probe; a driver or a file has 10 at most.",
            "每个较慢探测的秒数；驱动和文件最多 10 秒。",
            "--timeout",
            "S",
        ),
    ] = USUAL

    def seconds(self, *, long: bool) -> float:
        """How long a looking may take: --timeout where it is *long*; else a short time, so that what hangs is known soon.
        More than the usual --timeout stretches that in proportion."""
        if long:
            return self.timeout
        return min(self.timeout, (QUICK if self.quick else SHORT) * max(1.0, self.timeout / USUAL))
