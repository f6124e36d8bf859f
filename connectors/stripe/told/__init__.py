"""What Stripe tells, by what it is about. Pure."""
