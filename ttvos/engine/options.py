"""The values of the engine's options (no import of PyTorch, which takes seconds)."""

ENGINES = ("fast", "reference")
COMPILE = ("auto", "on", "off")
PRECISIONS = ("auto", "float32", "tf32", "bfloat16", "float16")
