"""What `ttvos live` prints: a line for each rate, scores in points."""

from ttvos.core.text import markdown_table
from ttvos.records.schema import Live, LiveLatency, LiveRate

HEADS = ("camera/s", "live J&F", "J", "F", "lost", "age frames", "age ms", "p90 ms", "taken")


def terminal_table(live: Live) -> str:
    """The latencies, the table, and notes; ends in a newline."""
    lines = [line_of(live, rate) for rate in live.rates]
    table = markdown_table(HEADS, lines, numbers=range(len(HEADS)), padded=True)
    told = (
        f"{live.tracker}: offline J&F {points(live.offline.jf_mean)}; {latency_text(live.latency)}"
    )
    notes = [f"note: {note}\n" for note in live.notes]
    return "".join([f"{told}\n", table, *notes])


def line_of(live: Live, rate: LiveRate) -> list[str]:
    """The cells of one rate, below HEADS."""
    means, age = rate.means, rate.age
    scores = (means.jf_mean, means.j_mean, means.f_mean, live.offline.jf_mean - means.jf_mean)
    return [
        f"{rate.rate:g}",
        *map(points, scores),
        f"{age.mean:.2f}",
        f"{age.mean_ms:.0f}",
        "" if age.p90_ms is None else f"{age.p90_ms:.0f}",
        f"{rate.processed:.0%}",
    ]


def points(share: float) -> str:
    """A fraction in points, one decimal."""
    return f"{100 * share:.1f}"


def latency_text(latency: LiveLatency) -> str:
    """Where latencies are from, in words."""
    size = f"{latency.height}x{latency.width}" if latency.height else ""
    how = {
        "measured": f"measured on the clips, {size}",
        "file": f"of {latency.file}" + (f", {size}" if size else ""),
        "given": "the same for each frame, of a speed that was given",
    }[latency.source]
    return f"latency {latency.p50_ms:.1f} ms in the median on {latency.device}, {how}"
