raise ImportError("made absent: benchmarks/gpu.sh takes it from the pack")
