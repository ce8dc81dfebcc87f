"""What is measured without a network: the structured-noise mask after stage 1, and what a stack's noise is like."""
