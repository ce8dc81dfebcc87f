"""Who calls, and whether they may: tokens, roles, limits, one interceptor."""
