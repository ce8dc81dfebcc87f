"""The report of a result: measured, drawn, and put on one page that needs nothing else."""
