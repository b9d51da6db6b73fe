"""What the page's explorer loads: curves, frames, masks and maps of each data set."""
