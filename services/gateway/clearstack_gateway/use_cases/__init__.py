"""What the gateway does when it is asked: one module for each resource, and the upkeep of runs."""
