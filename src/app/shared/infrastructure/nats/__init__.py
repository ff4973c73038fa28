"""NATS JetStream as the broker; imported only where BROKER_URL is set."""
