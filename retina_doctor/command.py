"""What a command is made of: flags that settings declare, and one Run from what was asked to what is shown.

The public API of a pack's commands. Only Typer is imported until a command runs or its own help is shown::

    @app.command(cls=taking("model", "timeout", "config", "format", "lang"))
    def plan(ctx: typer.Context) -> None:
        run = Run.of(ctx)
        ...
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer
from typer._click.core import Command
from typer.core import TyperCommand, TyperGroup
from typer.main import get_click_param
from typer.models import ParamMeta

from retina_doctor.catalogue import completion
from retina_doctor.language import said
from retina_doctor.running.run import TEXT_OR_JSON
from retina_doctor.running.run import Run as Run  # of the public API of commands

if TYPE_CHECKING:
    from typer._click.core import Context, Parameter
    from typer._click.formatting import HelpFormatter
    from typer.core import TyperOption

    from retina_doctor.catalogue.completion import Completing
    from retina_doctor.settings.declared import Declared

OF_THE_RUN: Mapping[str, tuple[Any, str | None, str, str]] = {
    "config": (str | None, "FILE", "Settings; else retina-doctor.toml here.", "设置文件；否则读当前目录的 retina-doctor.toml。"),
    "format": (
        list[str] | None,
        "FORMAT",
        "terminal, json, html, junit, sarif, github, gitlab, markdown, prometheus, nagios, npd; repeatable as FORMAT=FILE.",
        "terminal、json、html、junit、sarif、github、gitlab、markdown、prometheus、nagios、npd；可重复，写作 FORMAT=FILE。",
    ),
    "baseline": (
        str | None,
        "FILE",
        "An earlier JSON report: only what it does not know counts.",
        "以前的 JSON 报告：只计入其中没有的发现。",
    ),
    "no_color": (bool, "", "No colour, whatever the environment says.", "不用颜色，无论环境变量如何。"),
    "lang": (str | None, "en|zh", "Language of the report.", "报告的语言。"),
    "verbose": (
        bool,
        None,
        "Tell all that passed, all that was not judged, and what each probe took.",
        "列出所有通过和未判断的项目，以及每个探测用了多少时间和内存。",
    ),
    "profile": (bool, None, "Tell on standard error where the time went.", "在标准错误输出上说明时间用在了哪里。"),
}  # fmt: skip
"""Flags that are no settings: type, metavar, help in English and Chinese."""


class _Helped(Command):
    """A command whose --help is told in the language of the rest."""

    def get_help_option(self, ctx: Context) -> TyperOption | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = said("Show this message and exit.", "显示这段说明后退出。")
        return option


class Listing(_Helped, TyperGroup):
    """A group whose help says whole what each of its commands does."""

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [(name, command.get_short_help_str(400)) for name, command in commands.items() if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class Flagged(_Helped, TyperCommand):
    """A command whose flags stand with the settings that they set. They are looked up when they are parsed or shown."""

    takes: tuple[str, ...] | None = None
    """Parameters of the flags that it takes; None: all that are common, and those of the run."""
    text_or_json = False
    """It gives no report: of its formats there are two."""
    zh = ""
    """What it does, in Chinese; in English its function says it."""
    _named: frozenset[str] | None = None
    """Flags that are made; None: all."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help = said(self.help or "", self.zh or self.help or "")

    def get_params(self, ctx: Context) -> list[Parameter]:
        whole = super().get_params(ctx)
        own = len(self.params)
        return [*whole[:own], *self._flags, *whole[own:]]

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        # A shell completes what is not written yet.
        self._named = None if ctx.resilient_parsing else self._named_in(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Context) -> Any:
        names = {name for name, _ in self._makers.values()}
        ctx.obj = Run({name: ctx.params.pop(name, None) for name in names})
        return super().invoke(ctx)

    def _named_in(self, words: list[str]) -> frozenset[str] | None:
        """Of some thirty flags, each of which takes its time to be made, those that these words name. None: all, since a word is
        none of them: --help tells them, and so does a flag that is mistyped."""
        own = {word for one in self.params for word in (*one.opts, *one.secondary_opts)}
        flags = {word.partition("=")[0] for word in words if word.startswith("-")} - own
        return frozenset(flags) if flags <= self._makers.keys() else None

    @property
    def _flags(self) -> list[Parameter]:
        makers = self._makers.items()
        wanted = dict.fromkeys(make for word, (_, make) in makers if self._named is None or word in self._named)
        return [make() for make in wanted]

    @functools.cached_property
    def _makers(self) -> Mapping[str, tuple[str, Callable[[], Parameter]]]:
        """The parameter of each flag and what makes it, once, by the words that stand for it."""
        found: dict[str, tuple[str, Callable[[], Parameter]]] = {}
        if self.takes is None or any(name not in OF_THE_RUN for name in self.takes):
            from retina_doctor.settings.declared import declarations

            for name, one in declarations().flags.items():
                if one.setting.common if self.takes is None else name in self.takes:
                    found[_flag_of(name, one)] = name, functools.cache(functools.partial(_of_setting, name, one))
        for name in OF_THE_RUN:
            of_two = name == "format" and self.text_or_json
            if of_two or self.takes is None or name in self.takes:
                make = functools.cache(_of_two_formats if of_two else functools.partial(_of_the_run, name))
                found |= dict.fromkeys(_words(name), (name, make))
        return found


def taking(*parameters: str, zh: str = "", text_or_json: bool = False) -> type[Flagged]:
    """The class of a command that takes these flags, by parameter ("det_size"). None named: all that `check` takes.

    *zh*: what the command does, in Chinese. *text_or_json*: it gives no report; its --format knows these two alone.
    """
    return type("Flagged", (Flagged,), {"takes": parameters or None, "zh": zh, "text_or_json": text_or_json})


def new_app(english: str = "", chinese: str = "") -> typer.Typer:
    """A Typer app that looks like the others; what it says of itself is asked of a group alone."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        no_args_is_help=bool(english),
        context_settings={"help_option_names": ["-h", "--help"]},
        cls=Listing,
        help=said(english, chinese) or None,
    )


def _of_setting(name: str, one: Declared) -> Parameter:
    kind = one.plain_kind | None if one.plain_kind in (bool, int, float) else str | None
    offered: Completing | None = None
    if one.setting.checks:
        offered = completion.of_checks
    elif one.choices:
        offered = completion.of_words(lambda: one.choices)
    return _option(
        _flag_of(name, one),
        name,
        list[str] | None if one.setting.several else kind,
        one.setting.metavar,
        said(one.setting.en, one.setting.zh or one.setting.en),
        offered,
    )


def _flag_of(name: str, one: Declared) -> str:
    return one.setting.flag or f"--{name.replace('_', '-')}"


def _words(name: str) -> tuple[str, ...]:
    return (f"--{name.replace('_', '-')}", *(["-v"] if name == "verbose" else []))


def _of_the_run(name: str) -> Parameter:
    kind, metavar, english, chinese = OF_THE_RUN[name]
    return _option(_words(name)[0], name, kind, metavar, said(english, chinese), _completing(name))


def _of_two_formats() -> Parameter:
    offered = completion.of_words(lambda: TEXT_OR_JSON)
    words = said("Text, or JSON.", "文字或 JSON。")
    return _option("--format", "format", OF_THE_RUN["format"][0], "|".join(TEXT_OR_JSON), words, offered)


def _option(flag: str, name: str, kind: Any, metavar: str | None, words: str, offered: Completing | None) -> Parameter:
    """*offered*: what a shell is offered for its value; None: files."""
    flags = [flag, *(_words(name)[1:] if name in OF_THE_RUN else [])]
    default = False if kind is bool else None
    info = typer.Option(default, *flags, help=words, metavar=metavar or None, autocompletion=offered)
    return get_click_param(ParamMeta(name=name, default=info, annotation=kind))[0]


def _completing(name: str) -> Completing | None:
    return {"format": completion.of_words(_formats), "lang": completion.of_words(lambda: ("en", "zh"))}.get(name)


def _formats() -> tuple[str, ...]:
    from retina_doctor.reports.formats import names

    return names()
