"""What each subcommand of `ttvos.cli.main` does: options in, result files out.

Each function takes the parsed options, imports what it needs (PyTorch takes seconds), writes
its result and says in a line what it found. A wrong name is refused before the slow imports.
"""

import argparse
from pathlib import Path
from typing import Any

from ttvos.cli.tracker_commands import (
    check_weights,
    chosen_tracker,
    refuse,
    show_speed,
    tracker_costs,
    tracker_speed,
)
from ttvos.core.errors import UserError
from ttvos.core.process import limit_threads


def train(options: argparse.Namespace) -> None:
    """`ttvos train`: one row through all stages."""
    from ttvos.config.experiments import Row, find_row, find_variant
    from ttvos.config.run import load_config

    if options.row and options.variant:
        raise UserError("a row names its variant: leave --variant out, or --row")
    if options.row:
        row = find_row(options.row)
    else:
        variant = find_variant(options.variant or "exp8")
        row = Row(variant.name, variant, options.backbone, ())
    config, out = load_config(options.config), Path(options.out)
    section = {"ttvos": config.train, "frtm": config.frtm}.get(row.tracker)
    if not row.trains:
        raise UserError(f"row {row.name}: its tracker is not trained here")
    if section is None:
        name = "train" if row.tracker == "ttvos" else row.tracker
        raise UserError(f"{options.config} has no {name} section")
    limit_threads()
    rest = (options.seed, out, options.device, config.profile)
    if row.tracker == "frtm":
        from ttvos.peers.frtm.training import train_frtm

        train_frtm(section, row.backbone, bool(row.transition_loss), *rest)
        return
    from ttvos.training.ttvos import train

    train(section, row.variant, row.backbone, *rest)


def backbone(options: argparse.Namespace) -> None:
    """`ttvos backbone`: a checkpoint's backbone alone."""
    from ttvos.core.provenance import file_hash, provenance
    from ttvos.model import weights as checkpoint

    origin = checkpoint.metadata(options.checkpoint).get("provenance")
    facts = {"checkpoint": file_hash(options.checkpoint), "checkpoint_provenance": origin}
    model = checkpoint.load(options.checkpoint)
    facts["trained_within"] = model.variant.name
    checkpoint.save_backbone(model, options.out, provenance(precision="float16", **facts))


def snapshot(options: argparse.Namespace) -> None:
    """`ttvos snapshot`: the weights of an unfinished training."""
    from ttvos.config.experiments import find_variant
    from ttvos.config.run import TrainConfig
    from ttvos.training.state import snapshot
    from ttvos.training.ttvos import TTVOSTask

    variant = find_variant(options.variant)
    task = TTVOSTask(TrainConfig(stages=()), variant, options.backbone)
    snapshot(options.state, task, options.out)


def predict(options: argparse.Namespace) -> None:
    """`ttvos predict`: masks of every sequence of a split."""
    from ttvos.tracking.predict import predict

    if options.maps_sequence and not options.maps:
        raise UserError("--maps-sequence says which sequence --maps shows: add --maps FILE.npz")
    check_weights(options)
    tracker, origin = chosen_tracker(options), None
    if options.tracker:
        from ttvos.tracking.registry import tracker_origin

        origin = tracker_origin(options.tracker, options.weights)
    predict(
        tracker,
        options.dataset,
        options.year,
        options.split,
        options.out,
        maps=options.maps,
        maps_sequence=options.maps_sequence,
        device=options.device,
        profile=options.profile,
        checkpoint=options.checkpoint,
        only=tuple(options.only),
        origin=origin,
    )


def evaluate(options: argparse.Namespace) -> None:
    """`ttvos evaluate`: J and F of a folder of masks."""
    from ttvos.records.store import write

    if options.fetched:
        if not options.out:
            raise UserError("--fetched says what stands in place of scores: add --out FILE.json")
        from ttvos.core.provenance import provenance
        from ttvos.data.published_fetch import not_fetched
        from ttvos.records.schema import NotScored

        if reason := not_fetched(options.fetched):
            write(options.out, NotScored(missing=reason, provenance=provenance()))
            print(f"not scored: {reason}")
            return
    from ttvos.evaluation.davis import evaluate
    from ttvos.evaluation.summary import per_sequence, summary

    scores = evaluate(
        options.masks,
        options.dataset,
        options.year,
        options.split,
        options.evaluator,
        options.workers,
        options.profile,
        tuple(options.only),
        truth=options.truth,
        ignore_void=options.ignore_void,
        objects=options.objects,
    )
    if options.out:
        write(options.out, scores)
    if options.per_sequence:
        print(per_sequence(scores))
    print(summary(scores))


def cost(options: argparse.Namespace) -> None:
    """`ttvos cost`: parameters and MACs, a file a model."""
    from ttvos.config.experiments import find_row, find_variant
    from ttvos.records.store import write

    check_weights(options)
    if options.tracker or options.trackers:
        return tracker_costs(options)
    refuse(options, ("objects", "kept"), "goes with --tracker")
    if options.rows and options.variant:
        raise UserError("a row names its variant: leave --variant out, or --rows")
    if options.rows:
        named = [(find_row(name), f"{options.out}/{name}.json") for name in options.rows]
        models = [(row.variant, row.backbone, out) for row, out in named]
    else:
        models = [(find_variant(options.variant or "exp8"), options.backbone, options.out)]
    limit_threads()
    from ttvos.measure.cost import cost

    for variant, backbone, out in models:
        result = cost(variant, backbone, options.height, options.width)
        if options.out:
            write(out, result)
        parameters, macs = result.parameters, result.macs
        print(
            f"{variant.name} {backbone}: {parameters.total:,} parameters  "
            f"{macs.frame / 1e9:.3f} GMAC a frame  "
            f"{macs.two_frame_clip / 1e9:.2f} GMAC by the paper's protocol"
        )


def speed(options: argparse.Namespace) -> None:
    """`ttvos speed`: frames a second by two protocols."""
    check_weights(options)
    if options.tracker:
        return tracker_speed(options)
    if not options.backbone and not options.checkpoint:
        raise UserError("name what to time: --backbone, --checkpoint or --tracker")
    from ttvos.config.experiments import find_variant

    # A checkpoint says its variant; random weights are by default of the full model.
    name = options.variant or (None if options.checkpoint else "exp8")
    variant = find_variant(name) if name else None
    limit_threads()
    from ttvos.measure.speed import speed

    result = speed(
        variant,
        options.backbone,
        options.device,
        options.height,
        options.width,
        frames=options.frames,
        repeats=options.repeats,
        objects=options.objects,
        checkpoint=options.checkpoint,
        precision=options.precision,
        compile=options.compile,
        engine=options.engine,
    )
    show_speed(result, options.out)


def steptime(options: argparse.Namespace) -> None:
    """`ttvos steptime`: seconds of a training step, and the hours of a whole profile."""
    from ttvos.config.run import load_config
    from ttvos.core.files import write_json

    config = load_config(options.config)
    limit_threads()
    from ttvos.measure.latency import doubts
    from ttvos.measure.steptime import steptime
    from ttvos.plan.needs import data_needs

    def keep(result: dict[str, Any]) -> None:
        if options.out:
            write_json(options.out, result)

    result = steptime(
        config,
        tuple(options.rows),
        options.device,
        options.steps,
        options.warmup,
        options.accumulate,
        options.seconds,
        keep,
        data_needs(config),
    )
    keep(result)
    if result["hours"] is not None:
        timed = sum(row["hours"] is not None for row in result["rows"])
        print(
            f"{result['hours']:.1f} hours for {timed} rows of "
            f"{result['rows_of_profile']}, {result['seeds']} seeds each, one after another"
        )
        for line in doubts(result):
            print(line)


# What `ttvos judge --kind` names, by the rule of `ttvos.evaluation.judge` that it is.
KINDS = {"accuracy": "accuracy", "masks": "masks", "count": "parameters", "macs": "macs"}


def judge(options: argparse.Namespace) -> None:
    """`ttvos judge`: whether a paper's number holds."""
    from ttvos.evaluation.judge import check_points, judge

    if options.kind in ("accuracy", "masks"):
        check_points(options.paper, options.values)
    found = judge(KINDS[options.kind], options.paper, options.values)
    print(f"{found.status}: {found.reason}")


def report(options: argparse.Namespace) -> None:
    """`ttvos report`: the page, its tables and its figures."""
    from ttvos.core.files import atomic_directory
    from ttvos.core.provenance import provenance
    from ttvos.report.inputs import load_inputs
    from ttvos.report.report import render

    inputs = load_inputs(options.manifest, rendered_by=provenance())
    with atomic_directory(options.out, marker="index.html") as folder:
        render(inputs, folder)
    print(Path(options.out) / "index.html")


def publish(options: argparse.Namespace) -> None:
    """`ttvos publish`: what the repository keeps of a run."""
    from ttvos.report.publication.publish import publish

    record = publish(options.manifest, options.out)
    missing = len(record["missing"])
    print(f"{options.out}: from {len(record['files'])} files, {missing} missing")


def card(options: argparse.Namespace) -> None:
    """`ttvos card`: weights to be shipped, with their model card."""
    from ttvos.report.card.make import make_card

    card = make_card(
        options.checkpoint, options.train, options.scores, options.references, options.out
    )
    print(f"{options.out}.safetensors: {card['weights']['bytes']:,} bytes; {options.out}.md")


def fill(options: argparse.Namespace) -> None:
    """`ttvos fill`: tables of published results inside Markdown pages."""
    from ttvos.report.publication.fill import fill

    for page in options.pages:
        print(f"{page}: {'written' if fill(page) else 'up to date'}")
