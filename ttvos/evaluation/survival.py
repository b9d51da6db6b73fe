"""The share of objects whose J was never yet below 0.5, by frame (docs/failures.md)."""

from collections.abc import Iterable, Sequence

BELOW = 0.5  # of J


def survival(series: Iterable[Sequence[float]]) -> list[tuple[float, int]]:
    """Share that survives each frame, and the number of objects that were followed into it.

    series: J of each object in its scored frames, 0 to 1; not of the given one, which is the list's
    first entry: all survive it. An object whose frames end leaves the count from then on (the
    estimate of Kaplan and Meier). The list is as long as the longest series, and one.
    """
    known = [list(values) for values in series]
    fell = [next((t for t, j in enumerate(values) if j < BELOW), None) for values in known]
    shares = [(1.0, len(known))]
    for t in range(max(map(len, known), default=0)):
        pairs = zip(fell, known, strict=True)
        followed = sum(len(values) > t and (at is None or at >= t) for at, values in pairs)
        failed = fell.count(t)
        last = shares[-1][0]
        shares.append((last * (1 - failed / followed) if followed else last, followed))
    return shares
