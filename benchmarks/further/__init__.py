"""Further measurements, beside the comparison: one module each."""
