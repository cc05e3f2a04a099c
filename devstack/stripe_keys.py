"""The keys of the stand-in for Stripe, which are nobody's."""

API_KEY, PUBLISHABLE_KEY, WEBHOOK_SECRET = "sk_test_local", "pk_test_local", "whsec_local"
