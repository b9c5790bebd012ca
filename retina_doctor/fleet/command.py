"""The commands `fleet …`. What they need is imported when they run."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retina_doctor.command import Run, new_app, taking
from retina_doctor.language import said

if TYPE_CHECKING:
    from retina_doctor.fleet.judging import Missing

app = new_app(
    "Many machines at once: collect their snapshots, report on them together, tell what changed.",
    "同时面对多台机器：收集快照，合并报告，说明变化。",
)

Format = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        help=said(
            "terminal, json, junit, markdown, csv, html; repeatable as FORMAT=FILE.",
            "terminal、json、junit、markdown、csv、html；可重复，写作 FORMAT=FILE。",
        ),
        metavar="FORMAT",
    ),
]
Files = Annotated[
    list[str],
    typer.Argument(
        help=said(
            "Snapshots, folders of them, - for snapshots on standard input.", "快照、快照目录；- 表示从标准输入读。"
        ),
        metavar="DIR|FILE...|-",
    ),
]
Tolerate = Annotated[
    str,
    typer.Option(
        help=said(
            "So many nodes that are not healthy change no exit code: 2% or 3.",
            "允许这么多节点不健康而不影响退出码：2% 或 3。",
        ),
        metavar="SHARE",
    ),
]


Into = Annotated[
    Path | None,
    typer.Option(
        help=said(
            "Keep this run in a history (SQLite), for `fleet diff`.",
            "把这次结果存入历史（SQLite），供 `fleet diff` 使用。",
        ),
        metavar="FILE",
    ),
]
Name = Annotated[
    str,
    typer.Option(
        "--run", help=said("With --into: a name for this run.", "与 --into 合用：这次结果的名字。"), metavar="NAME"
    ),
]


@app.callback()
def top() -> None:
    """For a group even where it has one command."""


@app.command(
    cls=taking(
        "fail_on", "no_color", "lang", zh="合并判断多台机器的快照：按根因归并节点，给出一份计划，指出异类和缺席的节点。"
    )
)
def report(
    ctx: typer.Context,
    files: Files,
    form: Format = None,
    tolerate: Tolerate = "",
    into: Into = None,
    name: Name = "",
) -> None:
    """Judge the snapshots of many machines together: root causes by node, one plan, who differs, who is missing."""
    from retina_doctor.fleet import reporting

    reporting.report(Run.of(ctx), files, form or (), tolerate, into, name)


Sets = Annotated[
    list[str] | None,
    typer.Option(
        "-w", "--nodes", help=said("Nodes: gpu-[01-20]; repeatable.", "节点：gpu-[01-20]；可重复。"), metavar="NODESET"
    ),
]
Groups = Annotated[
    list[str] | None,
    typer.Option(
        "-g",
        "--group",
        help=said("A group of nodes, as ClusterShell is configured.", "ClusterShell 配置里的节点组。"),
        metavar="GROUP",
    ),
]
Hosts = Annotated[
    str, typer.Option("--hosts", help=said("A file with a node set a line.", "文件，每行一个节点集。"), metavar="FILE")
]
Inventory = Annotated[
    str,
    typer.Option(
        "--inventory",
        help=said("An Ansible inventory (read by ansible-inventory).", "Ansible 清单（由 ansible-inventory 读取）。"),
        metavar="FILE",
    ),
]
Folder = Annotated[
    Path, typer.Option("-o", "--output", help=said("The folder for the snapshots.", "存放快照的目录。"), metavar="DIR")
]
Python = Annotated[
    str, typer.Option(help=said("The service's Python on each node.", "各节点上服务所用的 Python。"), metavar="COMMAND")
]
Via = Annotated[
    str,
    typer.Option(
        help=said(
            "Another way in than ssh, Python included: docker -H ssh://{node} exec -i face python3.",
            "不用 ssh 的进入方式，包含 Python：docker -H ssh://{node} exec -i face python3。",
        ),
        metavar="COMMAND",
    ),
]
Deadline = Annotated[
    float,
    typer.Option(
        help=said("Seconds that each node has in all.", "每个节点总共可用的秒数。"), min=1, max=86400, metavar="S"
    ),
]
Fanout = Annotated[
    int,
    typer.Option(
        help=said("Nodes that are asked at the same time.", "同时询问的节点数。"), min=1, max=10000, metavar="N"
    ),
]
Kubernetes = Annotated[
    bool,
    typer.Option(
        "--kubernetes",
        help=said(
            "Look into the running pods that -n and -l name (kubectl exec).",
            "检查 -n 和 -l 指定的运行中 pod（kubectl exec）。",
        ),
    ),
]
Namespace = Annotated[
    str, typer.Option("-n", "--namespace", help=said("With --kubernetes.", "与 --kubernetes 合用。"), metavar="NS")
]
Selector = Annotated[
    str,
    typer.Option(
        "-l",
        "--selector",
        help=said("With --kubernetes: labels, app=face.", "与 --kubernetes 合用：标签，如 app=face。"),
        metavar="LABELS",
    ),
]
Container = Annotated[
    str, typer.Option("-c", "--container", help=said("With --kubernetes.", "与 --kubernetes 合用。"), metavar="NAME")
]
Slurm = Annotated[
    bool,
    typer.Option(
        "--slurm",
        help=said(
            "Look at nodes of Slurm's, by one step on all that are free (srun).",
            "检查 Slurm 的节点，所有空闲节点用一个作业步（srun）。",
        ),
    ),
]
Partition = Annotated[
    str, typer.Option("-p", "--partition", help=said("With --slurm.", "与 --slurm 合用。"), metavar="NAME")
]
Srun = Annotated[
    str,
    typer.Option(
        "--srun",
        help=said(
            "With --slurm: more options of srun: --gres=gpu:1.", "与 --slurm 合用：srun 的其他选项：--gres=gpu:1。"
        ),
        metavar="OPTIONS",
    ),
]
NoRedact = Annotated[
    bool, typer.Option("--no-redact", help=said("Keep names, hosts and addresses.", "保留用户名、主机名和地址。"))
]


@app.command(cls=taking(zh="通过 ssh 或其他方式检查多台机器，每台写一份快照。不在节点上安装任何东西。"))
def collect(
    ctx: typer.Context,
    folder: Folder,
    sets: Sets = None,
    groups: Groups = None,
    hosts: Hosts = "",
    inventory: Inventory = "",
    python: Python = "python3",
    via: Via = "",
    deadline: Deadline = 120,
    fanout: Fanout = 64,
    kubernetes: Kubernetes = False,
    namespace: Namespace = "default",
    selector: Selector = "",
    container: Container = "",
    slurm: Slurm = False,
    partition: Partition = "",
    srun: Srun = "",
    no_redact: NoRedact = False,
) -> None:
    """Look at many machines over ssh, or any other way in, and write a snapshot of each. Nothing is installed there."""
    from retina_doctor.errors import UsageError
    from retina_doctor.fleet import node_sets

    node_sets.need()
    from retina_doctor.fleet import collecting, engine, sources, ways

    run = Run.of(ctx)
    missing: list[Missing] = []
    asker, piece = engine.ask, 0
    if kubernetes:
        if sets or groups or hosts or inventory or via or slurm or not selector:
            raise UsageError("fleet collect --kubernetes: name pods with -n NAMESPACE -l LABELS, and nothing else")
        nodes = sources.pods_of(namespace, selector)
        way = ways.kubectl_way(namespace, container, python, deadline, fanout)
    elif slurm:
        if groups or hosts or inventory or via:
            raise UsageError("fleet collect --slurm: name nodes with -p PARTITION or -w NODESET, and nothing else")
        from retina_doctor.fleet import slurm as slurms

        found = slurms.nodes_of(partition, sets or ())
        nodes, missing = list(found.nodes), list(found.missing)
        by_srun = slurms.SlurmWay(partition=partition, options=srun, python=python, seconds=deadline, fanout=fanout)
        way, asker, piece = by_srun.way, functools.partial(slurms.ask, by_srun, found.free), slurms.PIECE
    else:
        way = ways.way_of(via, python, deadline, fanout)
        nodes = sources.nodes_of(sets or (), groups or (), hosts, inventory)
    collecting.collect(run, nodes, way, folder, not no_redact, missing, asker, piece)


Database = Annotated[
    Path,
    typer.Argument(
        help=said("What `fleet report --into` wrote.", "`fleet report --into` 写出的文件。"), metavar="FILE"
    ),
]
Runs = Annotated[
    list[str] | None,
    typer.Argument(
        help=said(
            "Names or numbers; else the last run and the one before it.", "名字或编号；不写则为最近一次与它的前一次。"
        ),
        metavar="[BEFORE [AFTER]]",
    ),
]


@app.command(cls=taking("lang", text_or_json=True, zh="两次结果之间，哪些节点变了什么；影响发现的排在前面。"))
def diff(ctx: typer.Context, file: Database, runs: Runs = None) -> None:
    """Tell what changed on which nodes between two runs that were kept, what findings depend on first."""
    from retina_doctor.fleet import differing

    differing.diff(Run.of(ctx), file, *differing.runs_of(runs or ()))


Image = Annotated[
    str,
    typer.Option(
        help=said("The service's image, with retina-doctor installed in it.", "服务的镜像，其中装有 retina-doctor。"),
        metavar="IMAGE",
    ),
]
Resources = Annotated[
    list[str] | None,
    typer.Option(
        "--resource",
        help=said("What a pod needs: nvidia.com/gpu=1; repeatable.", "pod 需要的资源：nvidia.com/gpu=1；可重复。"),
        metavar="NAME=N",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--node-selector",
        help=said("On which nodes: KEY=VALUE; repeatable.", "在哪些节点上：KEY=VALUE；可重复。"),
        metavar="KEY=VALUE",
    ),
]
manifests = new_app("Print what a cluster runs.", "输出集群要运行的清单。")
app.add_typer(manifests, name="manifest")


@manifests.callback()
def of_cluster() -> None:
    """For a group even where it has one command."""


@manifests.command(
    cls=taking(
        "lang", zh="一个 DaemonSet：每个节点一个 pod，其日志就是该节点的快照。用法：接管道到 `kubectl apply -f -`。"
    )
)
def kubernetes(
    ctx: typer.Context,
    image: Image,
    namespace: Namespace = "default",
    resources: Resources = None,
    where: Where = None,
) -> None:
    """A DaemonSet: a pod on each node, whose log is the node's snapshot. Pipe it to `kubectl apply -f -`."""
    from retina_doctor.fleet import manifest

    Run.of(ctx).show(manifest.kubernetes(image, namespace, resources or (), where or ()))
