"""The API: convert, call the use case, convert. Errors become statuses in one interceptor."""
