"""For whom a text is written: who asks for help tells what happened to him, a page for readers what can happen to anybody."""

from __future__ import annotations

import re

from .particular import is_of_one_case
from .quotations import is_written
from .text import LogLine, LogText

LEAST = 240
"""Characters of a text from which on it is strange that nobody in it speaks of himself, asks, or shows what was printed."""
DIRECTED = 3
"""Different directions from which on a text is a page of them."""
_TO_READERS = re.compile(
    r"你是不是|你是否|你有没有遇到|手把手|避坑|保姆级|实战指南|学完|带(?:你|大家)(?:一步|从零|绕开|走)|本(?:文|教程|指南|章)"
    r"|(?:我们|接下来)将(?:一步|带|学习|介绍|详细)|(?:让人|令人)(?:沮丧|头疼|抓狂|崩溃)的|你将(?:能|学|掌握|了解)"
    r"|举个例子|(?:容易|常)踩(?:的)?坑|常见错误是"
    r"|\b(?:this|the following) (?:guide|tutorial|article|post|page|chapter|section|walkthrough|document)"
    r" (?:shows?|explains?|covers?|describes?|will|walks?|lists?|is for|provides?)\b"
    r"|\bin this (?:guide|tutorial|article|post|chapter|section|walkthrough),? (?:we|you|i)\b"
    r"|\bwho this is for\b|\byou(?:'ll| will) learn\b|\bby the end of this\b|\bstep[- ]by[- ]step (?:guide|tutorial)\b",
    re.IGNORECASE,
)
"""How authors address their readers; one who asks for help writes so at most of the page that he followed."""
_FOLLOWED = re.compile(
    r"(?:\b(?:followed|according to|as in)\b[^.\n]{0,20}|(?:按照?|跟着|照着|根据|依照)[^。，\n]{0,8})$", re.IGNORECASE
)
"""Before such words: of a page that somebody else wrote."""
_DIRECTIONS = re.compile(
    r"\b(?:if you (?:see|get|encounter|receive|want|use|have|are|do)|you (?:may|might|can|should|must|will|need to)"
    r"|(?:make sure|ensure|verify|check) that (?:you|the)|(?:your|the) (?:system|machine|host) (?:must|should))\b"
    r"|如果你|若你|你(?:可以|需要|必须|应该)|请(?:确保|确认|检查)|当你",
    re.IGNORECASE,
)
_FAQ = re.compile(r"(?:^|\n)\W{0,6}(?:q|question|问)\s?\d{0,2}[:.]\s|<faqitem ", re.IGNORECASE)
_ASKED_AND_ANSWERED = re.compile(
    r"(?:^|\n)\W{0,6}(?:q|question|问)\s?\d{0,2}[:.：]\s?[^\n]*(?=\n\W{0,6}(?:a|answer|答)\s?\d{0,2}[:.：])",
    re.IGNORECASE,
)
"""A question with its answer: "I" in it is anybody."""
QUESTIONS = 2
"""Questions that are marked as such, from which on a text is a page that answers them."""
_ASKS = re.compile(
    r"(?<![\w'])(?:i|i'm|im|i've|i'd|my|me|mine|anyone|anybody|somebody)(?![\w'])|\bplease (?:help|advise|tell|fix)\b"
    r"|\b(?:could|can|would) (?:you|someone) please\b|\bany (?:idea|help|suggestions?|advice|hints?)\b"
    r"|请问|求助|求教|请教|(?:怎么|如何)解决|怎么办|报错(?:如下|信息)|帮(?:我|忙)|我(?:的|这|用|在|按|装|运行)|大佬",
    re.IGNORECASE,
)
_OF_ONESELF = re.compile(
    _ASKS.pattern + r"|(?<![\w'])(?:our|help|thanks|thank you)(?![\w'])"
    r"|\b(?:we|it|this) (?:have|had|tried|are|were|was|did|get|got|see|run|ran|crashe[sd]|stopped)\b"
    r"|\b(?:to reproduce|expected behaviou?r|actual behaviou?r|what happened|describe the|the bug|bug report)\b"
    r"|\b(?:why|how)\b[^.\n]{0,200}\?"
    r"|\bwhat(?:'?s| is) (?:the )?(?:problem|matter|wrong|issue|cause|reason)\b"
    r"|\b(?:can no longer|nothing (?:has )?changed|changes nothing|did(?:n't| not) help|to no avail|no luck|without success)\b"
    r"|\b(?:card|gpu|(?:operating )?system|driver|machine|server) is an? (?:nvidia|geforce|rtx|gtx|tesla) ?\w*\d"
    r"|\b(?:os|operating system) is (?:ubuntu|debian|windows|centos)\b"
    r"|我|咱|怎么回事|谢谢|各位|复现|[\u0400-\u04ff\uac00-\ud7a3\u3040-\u30ff]",
    re.IGNORECASE,
)
"""Words of one who tells of his own, or asks; and letters of languages whose words for that are not known here."""
_CONTENT = re.compile(
    r"(?<!not )\b(?:everything (?:works|runs|is fine|is ok)|all (?:works|is well))"
    r"|(?<!not )\ball good\b"
    r"|成功率 ?100 ?%|满足上线要求"
    r"|一切正常|运行(?:正常|稳定)|(?:一直|很|非常)稳定|没有(?:任何|什么)问题",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\bpleasantly surprised\b|\bcould not be happier\b|\b(?:never|not) (?:been |was )?broken\b|\ball green\b"
    r"|(?<!not )\b(?:works?|working|runs?|running|did it)"
    r" (?:great|nicely|perfectly|flawlessly|smoothly|out of the box|like a charm|like clockwork)"
    r"|\bjust (?:asking|curious|wanted to (?:say|share))\b|\basking for best practice|\b(?:now|it is|it's) great\b"
    r"|\bwithout (?:one|a single) (?:restart|problem)|\b(?:congrats|congratulations|release notes|changelog)\b"
    r"|跑得(?:很|非常)?稳|(?:早就|早已|已经|都)解决了|没出过(?:任何)?问题|一切顺利|纯属|发布说明|一次过"
    r"|更新日志|版本发布|效果挺好",
    re.IGNORECASE,
)
"""Said by one who praises or only asks; a complaint may hold it, too."""
_MEANT = re.compile(
    r"\b(?:that is how we want it|(?<!not )(?:by design|as (?:intended|designed)|purposefully|on purpose))\b"
    r"|(?<!不是)(?:设计如此|有意为之)",
    re.IGNORECASE,
)
"""Said of what somebody wants so: what he says next to it that does not go is no complaint."""
_NO_ERROR = re.compile(r"(?<!not )\b(?:no errors?|without (?:any )?(?:errors?|problems?))\b|没有报错", re.IGNORECASE)
"""Said as well by one whose service silently runs on the CPU."""
_DISCONTENT = re.compile(r"\?|？|\b(?:slow|seconds?|idle|unused)\b|慢|用不|没用|不用", re.IGNORECASE)
_COMPLAINS = re.compile(
    r"(?<!no )(?<!without )\b(?:errors?|fail\w{0,3}|crash\w{0,3}|can ?not|can't|won't|doesn't|isn't|aren't|not|never|gone|lost"
    r"|faults?|segfaults?|aborted|vanish\w{0,3}|disappear\w{0,3}|miss(?:es|ed|ing)|grow\w{0,3}|leak\w{0,3}|hang\w{0,2}|stuck|freez\w{1,3}|die[sd]?|killed"
    r"|stays? at|wrong|broken?|refused|denied|unreachable|times? out|no longer)\b"
    r"|报错|失败|崩|不了|不到|不上|不出|不见|无法|不能|没了|(?<![没有])掉|消失|丢|(?<!不)(?<!没)涨|越来越|漏|为空|卡[住死顿]|挂[了掉]|断|(?<!没有)(?<!无)(?<!任何)异常|只能|[很较]差|不[好准稳行对]|错误",
    re.IGNORECASE,
)
_HOWEVER = re.compile(
    r"\b(?:but|however|except|until|although|whereas|instead of|as the service|laptop"
    r"|(?:an)?other (?:machine|computer|server)|then|used to|yesterday)\b"
    r"|但|不过|可是|除了|另一台|别的机器|就是(?!这样)|昨[天晚]|之前|原来|后来|结果是",
    re.IGNORECASE,
)
_OUTPUT = re.compile(
    r"\s*(?:Traceback|File '|[\w.]{1,80}(?:Error|Exception|Warning)\b|>>> |[$#] \S|'''|\+[-=+]{8}|\[?[EWIF]:\w"
    r"|\[?(?:WARN|WARNING|ERROR|INFO|DEBUG|FATAL|CRITICAL)\b|\S{1,300}:\d{1,6}: |[^.\n]{1,80}\.\w{2,3}'?; dlerror: "
    r"|(?:sudo )?(?:docker|podman|kubectl) (?:run|exec|logs|inspect) \S|(?:sudo )?(?:curl|gunicorn|uvicorn|srun) (?:-|http)"
    r"|[\w./-]{2,60}[@:]\S{0,80}[$#] )"
)
"""Lines of what was printed or typed."""
_FIELD = re.compile(
    r"[-*\s]{0,4}[\w /.-]{2,24}: \S.{0,80}$|\W{0,6}(?:environment|versions|环境)\W{0,6}$"
    r"|#{1,6} (?:expected|actual|steps|reproduc|describe|the bug|logs?\b|error|环境|现象|复现|期望)",
    re.IGNORECASE,
)
"""Lines of facts about one machine, "gpu: RTX 3060", and headings of a report."""


_SENTENCE = re.compile(r"[.!?。！？](?:\s|$)|[,，；]")
"""Of lines of prose; what programs print has few of them."""


def is_spoken(place: tuple[LogLine, ...]) -> bool:
    """Whether these lines are a person's, as far as their form tells."""
    return is_written(place) and not any(_OUTPUT.match(line.text) for line in place)


def is_lesson(text: LogText) -> bool:
    """Whether an author addresses readers, or tells them what to do, and asks for nothing. What libraries tell their users to
    do is no lesson: it stands in the form of output, or alone."""
    if _ASKS.search(text.prose) and _ASKS.search(_ASKED_AND_ANSWERED.sub("", text.flowing)):
        return False
    if len(_FAQ.findall(text.flowing)) >= QUESTIONS:
        return True
    if any(
        _FOLLOWED.search(text.prose, max(0, one.start() - 60), one.start()) is None
        for one in _TO_READERS.finditer(text.prose)
    ):
        return True
    said = {match[0].lower() for match in _DIRECTIONS.finditer(text.prose)}
    return len(said) >= DIRECTED and is_spoken(text.lines)


def is_impersonal(text: LogText) -> bool:
    """Whether nobody in a long text speaks of himself, nothing is shown that was printed, and nothing tells of one case: what
    sounds like own words of a complaint describes how things are."""
    if len(text.prose) < LEAST or _OF_ONESELF.search(text.prose) or is_of_one_case(text.prose):
        return False
    fields = sum(_FIELD.match(line.text) is not None for line in text.lines)
    written = [line.text for line in text.lines if not line.text.startswith("|")]  # a table is of any page
    in_sentences = sum(len(line) for line in written if _SENTENCE.search(line))
    return fields < 2 and 2 * in_sentences > sum(map(len, written)) and is_spoken(text.lines)


def is_pleased(text: LogText) -> bool:
    """Whether somebody says that all is well and complains of nothing at all, or that it is meant to be so."""
    said = text.prose
    if _HOWEVER.search(said) or _DISCONTENT.search(said):
        return False
    return _MEANT.search(said) is not None or (_CONTENT.search(said) is not None and not _COMPLAINS.search(said))


def is_praise(text: LogText) -> bool:
    """Whether somebody praises or only asks, so that words that lie far from each other are no complaint."""
    return is_content(text) or (_PRAISE.search(text.prose) is not None and not _HOWEVER.search(text.prose))


def is_content(text: LogText) -> bool:
    """Whether somebody says that all is well, and nothing against it."""
    if _HOWEVER.search(text.prose):
        return False
    silent = _NO_ERROR.search(text.prose) is not None and _DISCONTENT.search(text.prose) is None
    return silent or any(one.search(text.prose) for one in (_CONTENT, _MEANT))
