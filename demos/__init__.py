"""Networks with a hand-derived backprop, beside the same networks on `autograd` and `nn`."""

from pathlib import Path

OUT = Path(__file__).parent / "out"


def output_folder() -> Path:
    """Where demos write their pictures; made on first use."""
    OUT.mkdir(parents=True, exist_ok=True)
    return OUT
