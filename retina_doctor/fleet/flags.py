"""The flags of `fleet …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retina_doctor.language import said

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
Topology = Annotated[
    str,
    typer.Option(
        help=said(
            "Through the gateways of this topology.conf of ClusterShell's.",
            "经由 ClusterShell 的 topology.conf 中的网关。",
        ),
        metavar="FILE",
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
