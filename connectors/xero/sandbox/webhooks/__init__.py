"""The sandbox's webhook: what changed in the books is told to the address that a person has subscribed."""
