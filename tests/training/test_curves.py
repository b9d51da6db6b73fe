"""Loss curves."""

from ttvos.training.curves import COLUMNS, summarise


def test_summary_averages_the_last_steps():
    lines = [f"a,{n},{n},{n},,{n},0.1,2,0.5" for n in range(30)] + ["b,0,7,7,,7,0.1,1,0"]
    text = "\n".join([",".join(COLUMNS), *lines]) + "\n"
    first, second = summarise(text)
    assert first["steps"] == 30
    assert first["seconds"] == 60
    assert first["waiting_share"] == 0.25
    assert first["losses"] == {"total": 19.5, "heatmap": 19.5, "template": 19.5}
    assert second["losses_over_last_steps"] == 1
