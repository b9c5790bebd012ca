"""The commands `fleet …`. What they need is imported when they run."""

from __future__ import annotations

import typer

from retina_doctor.command import Run, new_app, taking
from retina_doctor.fleet import flags

app = new_app(
    "Many machines at once: collect their snapshots, report on them together, tell what changed.",
    "同时面对多台机器：收集快照，合并报告，说明变化。",
)


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
    files: flags.Files,
    form: flags.Format = None,
    tolerate: flags.Tolerate = "",
    into: flags.Into = None,
    name: flags.Name = "",
) -> None:
    """Judge the snapshots of many machines together: root causes by node, one plan, who differs, who is missing."""
    from retina_doctor.fleet import reporting

    reporting.report(Run.of(ctx), files, form or (), tolerate, into, name)


@app.command(cls=taking(zh="通过 ssh 或其他方式检查多台机器，每台写一份快照。不在节点上安装任何东西。"))
def collect(
    ctx: typer.Context,
    folder: flags.Folder,
    sets: flags.Sets = None,
    groups: flags.Groups = None,
    hosts: flags.Hosts = "",
    inventory: flags.Inventory = "",
    python: flags.Python = "python3",
    via: flags.Via = "",
    deadline: flags.Deadline = 120,
    fanout: flags.Fanout = 64,
    topology: flags.Topology = "",
    kubernetes: flags.Kubernetes = False,
    namespace: flags.Namespace = "default",
    selector: flags.Selector = "",
    container: flags.Container = "",
    slurm: flags.Slurm = False,
    partition: flags.Partition = "",
    srun: flags.Srun = "",
    no_redact: flags.NoRedact = False,
) -> None:
    """Look at many machines over ssh, or any other way in, and write a snapshot of each. Nothing is installed there."""
    from retina_doctor.errors import UsageError
    from retina_doctor.fleet import node_sets

    node_sets.need()
    from retina_doctor.fleet import collecting, sources, wanted

    run = Run.of(ctx)
    named = bool(groups or hosts or inventory or via or topology)
    if kubernetes:
        if sets or named or slurm or not selector:
            raise UsageError("fleet collect --kubernetes: name pods with -n NAMESPACE -l LABELS, and nothing else")
        asked = wanted.pods(namespace, selector, container, python, deadline, fanout)
    elif slurm:
        if named:
            raise UsageError("fleet collect --slurm: name nodes with -p PARTITION or -w NODESET, and nothing else")
        asked = wanted.of_slurm(partition, sets or (), srun, python, deadline, fanout)
    else:
        asked = wanted.hosts(
            sources.nodes_of(sets or (), groups or (), hosts, inventory), via, topology, python, deadline, fanout
        )
    collecting.collect(run, asked, folder, redacted=not no_redact)


@app.command(cls=taking("lang", text_or_json=True, zh="两次结果之间，哪些节点变了什么；影响发现的排在前面。"))
def diff(ctx: typer.Context, file: flags.Database, runs: flags.Runs = None) -> None:
    """Tell what changed on which nodes between two runs that were kept, what findings depend on first."""
    from retina_doctor.fleet import differing

    differing.diff(Run.of(ctx), file, *differing.runs_of(runs or ()))


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
    image: flags.Image,
    namespace: flags.Namespace = "default",
    resources: flags.Resources = None,
    where: flags.Where = None,
) -> None:
    """A DaemonSet: a pod on each node, whose log is the node's snapshot. Pipe it to `kubectl apply -f -`."""
    from retina_doctor.fleet import manifest

    Run.of(ctx).show(manifest.kubernetes(image, namespace, resources or (), where or ()))
