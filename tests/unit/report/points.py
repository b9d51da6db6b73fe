"""Points whose correlation is known, for the tests of Figure 9."""

import numpy as np


def correlated(r: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two vectors of length n whose correlation is exactly r."""
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(np.column_stack([np.ones(n), rng.normal(size=(n, 2))]))
    x, other = basis[:, 1], basis[:, 2]
    return x, r * x + np.sqrt(1 - r * r) * other
