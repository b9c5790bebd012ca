"""Whether a text that names nobody tells of one case: what happened on one machine, not what can happen on any."""

from __future__ import annotations

import re

_THING = (
    r"(?:service|container|server|worker|process|card|gpu|model|build|pod|image|detector|session|environment|machine|host|node"
    r"|driver|port|start|download|loading|inference|memory|api|app|application|program|script|job|request)"
)
_SIGNS = tuple(
    re.compile(expression)
    for expression in (
        # what changed before it began
        r"\b(?:since|after|before|with) (?:the|that|last|this) (?:[\w-]{1,20} ){0,2}"
        r"(?:upgrade|update|deployment|reboot|restart|rebuild|migration|move|release|installation|night|week|month|change)\b"
        r"(?! notes)|\b(?:yesterday|last night|this morning|today|so far)\b"
        r"|\b(?:after|since|before) (?:the )?[\w-]{1,40}(?: [\w-]{1,20})? was (?:\w{1,20}ed|rebuilt)\b"
        r"|(?:升级|重启|更新|更换|重装|迁移|部署)(?:了|完)?(?:之)?后|昨天|昨晚|今天|上周",
        # another machine, version or way, where it is otherwise
        r"\b(?:on|with|in|of) (?:the |an? )?(?:old|previous|former|other|second|another|same)"
        r" (?:server|host|machine|image|version|instance|deployment|laptop|pc|card|container)\b"
        r"|\b(?:works?|worked|runs?|ran|answers?|starts?|is found|succeeds?) (?:fine |well |there |on the |inside |in the )"
        r"|\b(?:did|does) (?:not )?(?:work|run|start|answer)\b|\b(?:with|without) \S{1,40} (?:the \w{1,20}|it"
        r"|everything) (?:works|runs|starts|is)\b"
        r"|换(?:了|成)|另一台|原来的|之前(?:是|能|可以|正常)",
        # how often, and how soon
        r"\b(?:each time|every time|(?:on|at) every|as soon as|right after|at start|at import|at startup"
        r"|again and again|until the"
        r"|within (?:an?|\d{1,3}|one|two|three|five) (?:seconds?|minutes?|hours?)|for (?:minutes|hours|days)"
        r"|after (?:some|a few|several|\d{1,3}|two|three) (?:hours?|minutes?|days?|requests)"
        r"|every (?:\w{1,12} )?(?:seconds|minutes|start|request))\b"
        r"|每次|反复|一直|(?:分钟|小时|天)(?:之)?后",
        # against what was expected
        r"\b(?:still|no longer|never|yet|keeps? \w{1,20}ing|kept \w{1,20}ing|not even|whereas|although|neither|nothing|nobody)\b"
        r"|仍然|依然|依旧|始终|还是|没有任何|不再",
        # what was seen
        r"\b(?:the|its|service's) (?:logs?|journal|console|browser|unit|output|terminal|traceback|message)"
        r" (?:says?|shows?|reports?|prints?|lists?|is|ends?)\b|\bis raised\b"
        r"|\b(?:nvidia-smi|curl|docker ps|pip list|top|dmesg|journalctl|netstat)\b[^.]{0,40} (?:says?|shows?|prints?"
        r"|works|lists|reports?)\b"
        r"|日志(?:里|中)?(?:只|一直)?(?:显示|提示|报)",
        # a measure
        r"\b(?:takes?|took) (?:about |around |nearly |some )?(?:\d|one|two|three|four|five|ten)|\b\d{1,5} (?:gb|gib"
        r"|mib|ms|seconds|pixels|fps)\b"
        r"|\b(?:half|most|one third|all) of (?:the|them)\b|\d ?(?:毫秒|秒|gb|mib)",
        # one thing, and what it does
        rf"\b(?:the|this) {_THING}(?: \w{{1,20}})? (?:is|are|was|were|fails?|failed|dies|died|crashes|crashed|hangs"
        rf"|exits|contains|has"
        r"|does not|do not|stays|remains|falls|runs out|loses|answers|runs|restarts|starts|says|reports|shows|returns|gets)\b"
        r"|(?:服务|容器|显卡|显存|进程|接口)(?:启动|运行|崩溃|占用|没有|无法|返回)",
    )
)
"""Of each kind that a text has, one counts."""
_OF_ANY = re.compile(
    r"\b(?:may|might|can|could(?! not)|should|must|will|would|if|when|whenever|unless|you|your|for example|such as"
    r"|supports?|supported"
    r"|recommended|requires?|required|optional|by default|defaults?|note|see|ensure|specify|configured?|typically"
    r"|usually|generally|often|allows?"
    r"|users?|multiple|any|each|these)\b|e\.g\.|如果|可以|建议|需要|应该|一般|通常|例如|比如|必须|可能|支持|默认|请"
)
"""Words of what can be, for anybody."""


def is_of_one_case(prose: str) -> bool:
    """Whether it has signs of more kinds of one case than words of what can be; *prose* in lower case, on one line."""
    signs = sum(sign.search(prose) is not None for sign in _SIGNS)
    return signs > len(_OF_ANY.findall(prose))
