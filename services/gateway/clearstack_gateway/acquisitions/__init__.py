"""What denoises new acquisitions without anybody asking: rules, and a ledger in which each one is handled once."""
