"""The domain and the adapters of `auth`, without a database."""
