"""The page's server: hands calls on to the gateway and bytes on to the object store, and knows nothing itself."""
