"""The pure core: what to do, decided from values. No await, clock, randomness, environment or logging in here."""
