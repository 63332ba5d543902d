"""``kling-mock probe-receiver``: a battery of deliveries against a user's own receiver of callbacks."""
