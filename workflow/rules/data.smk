"""The built-in clips, and the settings that other rules read."""


def section(name, *keys):
    """Write the part of the profile that one command reads; returns its path.

    A command depends on its own part only, so a change elsewhere in the profile leaves it alone.
    """
    kept = {key: as_plain(settings)[key] for key in ("profile", "results", *keys)}
    rest = {"title": "", "caution": "", "rows": [], "datasets": {}}
    return write_if_changed(f"{RESULTS}/settings/{name}.json", {**rest, **kept})


def data_of(roots):
    """Those of the folders that this workflow makes itself, as inputs."""
    made = f"{RESULTS}/data"
    return [made] if any(root.startswith(made) for root in roots) else []


rule mini_clips:
    input:
        settings=section("mini", "mini"),
    output:
        directory(f"{RESULTS}/data"),
    log:
        f"{RESULTS}/logs/mini_clips.log",
    params:
        source=source_hash("data", "video.py"),
    shell:
        "ttvos data mini --config {input.settings} --out {output} 2> {log}"
