"""From Python: train a small adder, take it apart, and print what its one nonlinear unit does."""

import sys

import alrnn_cli as alrnn

epochs = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
run = alrnn.train("addition", task_options={"T": 20}, M=20, P=1, epochs=epochs, out="gate.safetensors", overwrite=True)
report = alrnn.analyze("gate.safetensors")
print("test", run.checkpoint.meta.metrics["test"])
print("shares of states by phase, steps after its input:", report.lag)
for region in report.regions:
    shares = {k: round(v, 3) for k, v in region.frequency_after_phase.items() if v is not None}
    print("subregion", region.bitcode, shares, "largest |eigenvalue|", round(region.spectral_radius, 4))
alrnn.plot("phase", report, out="gate.png", width="full")
