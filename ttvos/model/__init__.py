"""The TTVOS network.

Names used throughout: B clips or objects (one state each), N images, H and W frame height and
width in pixels (multiples of 16 here), h and w their size at the scale at hand. f4, f8, f16 are
backbone features at 1/4, 1/8 and 1/16; C4, C8, C16 their channels; c = min(128, C4).
A heatmap has two channels, background and foreground.
"""
