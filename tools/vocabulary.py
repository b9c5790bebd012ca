"""Make retina_doctor/redaction/words.txt: the words of known programs, which redaction lets through.

    python tools/vocabulary.py FOLDER [FOLDER ...]

Each FOLDER is one program's files (a package as installed, a standard library, this project's own): Python, Markdown, C
headers and compiled libraries. A plain word stays that several programs use; an identifier that several use, or that one of
those whose errors the doctor reads names. Names of people and common passwords are taken out again: the lists are those of
zxcvbn (MIT licence, https://github.com/dropbox/zxcvbn), which this tool alone needs (`uv run --with zxcvbn`).
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUT = ROOT / "retina_doctor" / "redaction" / "words.txt"
PAIRS = OUT.with_name("pairs.txt")
READ = (".py", ".pyi", ".md", ".h", ".toml")
OURS = [ROOT / "retina_doctor", ROOT / "checks" / "retina_doctor_checks"]
ERRORS_OF = {"capi", "insightface", "retinaface"}
"""Programs whose every identifier counts."""
PLAIN = re.compile(
    r"(?<![A-Za-z0-9_\\])[A-Za-z]?[a-z]{2,14}(?![A-Za-z0-9_])|(?<![A-Za-z0-9_\\])[A-Z]{2,12}(?![A-Za-z0-9_])"
)
NAMED = re.compile(
    r"(?<![A-Za-z0-9_\\])(?=[A-Za-z0-9_]*(?:[A-Za-z]_|_[A-Za-z]|[a-z][A-Z]|[A-Z][a-z]))[A-Za-z_][A-Za-z_0-9]{3,39}(?![A-Za-z0-9_])"
)
HYPHENED = re.compile(r"(?<![\w/.-])[A-Za-z]{2,}\d?(?:-[A-Za-z]{2,}\d?)+(?:-cu1[123])?(?![\w/-])")
TABLES = re.compile(r"[A-Za-z][\w.+-]{3,}")
CHINESE = re.compile(r"[\u3400-\u9fff]{2,}")
SYSTEM_ZH = """没有那个文件或目录 权限不够 拒绝连接 地址已在使用 无法打开共享对象文件 设备上没有空间 无法分配内存 连接超时
连接被对方重置 没有到主机的路由 输入输出错误 资源暂时不可用 只读文件系统 是一个目录 不是目录 段错误 已放弃
已杀死 核心已转储 参数无效 打开的文件过多 不允许的操作 未找到命令 找不到文件 加载失败 启动失败 模型加载失败
服务启动 正在启动 已停止 连接失败 请求失败 推理失败 检测到人脸 未检测到人脸 显存不足 内存不足 超时 错误 警告
信息"""
"""What a Chinese system and a service's log say most often (glibc's zh_CN messages, and plain log lines)."""
TEXT_IN_BINARY = re.compile(rb"[\x20-\x7e]{12,400}")
SENTENCE = re.compile(r"(?:[A-Za-z]{2,} ){3}")
SECRET = re.compile(r"(?i)passw|secret|token|hunter|qwert|letmein|admin|credential")
ERROR = re.compile(r"^[A-Z]\w+(?:Error|Exception|Warning)$")
RECORDED = re.compile(r"(?i)error|fail|cannot|unable|insufficient|traceback|unavailable")
"""Sentences of the recorded machines whose words are known programs' (fixtures/machines)."""
USED_BY = 3


def texts(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*"):
        if file.suffix in READ and file.is_file() and "test" not in file.parts and "tests" not in file.parts:
            yield file.read_text(encoding="utf-8", errors="ignore")
        elif ".so" in file.name and file.is_file():
            data = file.read_bytes()
            yield "\n".join(
                t for t in (m.decode() for m in TEXT_IN_BINARY.findall(data)) if SENTENCE.search(t) or ERROR.search(t)
            )


def main(folders: list[Path]) -> None:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS as lists

    plain: Counter[str] = Counter()
    named: Counter[str] = Counter()
    keep: set[str] = set()
    pairs: set[str] = set()
    hyphened: Counter[str] = Counter()
    for folder in [*OURS, *folders]:
        words: set[str] = set()
        names: set[str] = set()
        together: set[str] = set()
        for text in texts(folder):
            together.update(HYPHENED.findall(text))
            words.update(word.lower() for word in PLAIN.findall(text))
            names.update(NAMED.findall(text))
        plain.update(words)
        named.update(names)
        hyphened.update(together)
        if folder in OURS:
            keep |= words | together
            for file in folder.rglob("*.toml"):
                keep |= set(TABLES.findall(file.read_text(encoding="utf-8")))
        if folder in OURS or folder.name in ERRORS_OF:
            keep |= {name for name in names if not re.search(r"\d{3}", name)}
    for file in (ROOT / "fixtures" / "machines").rglob("*.json"):
        for sentence in re.findall(r'"((?:[^"\\]|\\.)*)"', file.read_text(encoding="utf-8")):
            if RECORDED.search(sentence) and sentence.count(" ") > 2:
                keep |= {w.lower() for w in PLAIN.findall(sentence)} | set(NAMED.findall(sentence))
    common = {word for word, _ in zip(lists["english_wikipedia"], range(3000), strict=False)}
    famous = {word for word, _ in zip(lists["english_wikipedia"], range(700), strict=False)}
    people = set().union(*(lists[kind] for kind in ("male_names", "female_names", "surnames")))
    loved = set(lists["passwords"])

    def admitted(word: str, count: int) -> bool:
        if word in people:
            return count >= 24 or (word in famous and (count >= USED_BY or word in keep))
        if word in keep:
            return True
        return count >= (3 * USED_BY if word in loved and word not in common else USED_BY)

    found = {word for word in {*plain, *keep} if admitted(word, plain[word])}
    found |= {
        name
        for name, count in named.items()
        if (count >= 2 * USED_BY or name in keep) and not SECRET.search(name) and not re.search(r"\d{3}", name)
    }
    found |= {word for word, count in hyphened.items() if count >= 2 * USED_BY}
    found |= {word for word in keep if not PLAIN.fullmatch(word) and not NAMED.fullmatch(word)}
    found = {word.lower().strip("_.-") for word in found}
    found = {word for word in found if word not in people or word in famous or plain[word] >= 24}
    for text in (
        SYSTEM_ZH,
        *(
            file.read_text(encoding="utf-8")
            for folder in OURS
            for file in folder.rglob("*")
            if file.suffix in (".md", ".toml")
        ),
    ):
        pairs |= {run[i : i + 2] for run in CHINESE.findall(text) for i in range(len(run) - 1)}
    PAIRS.write_text("\n".join(sorted(pairs)) + "\n", encoding="utf-8")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text("\n".join(sorted(found)) + "\n", encoding="utf-8")
    print(len(found), OUT.stat().st_size)


if __name__ == "__main__":
    main([Path(word).resolve() for word in sys.argv[1:]])
