"""The keys of an account at Stripe, which say by their beginning what they are for and whether they take money."""

import re

#: By setting: what a key begins with, and its form, with `live` or `test` as its group.
_FORMS = {
    "STRIPE_API_KEY": ("sk_ or rk_", r"[sr]k_(live|test)_\S+"),
    "STRIPE_PUBLISHABLE_KEY": ("pk_", r"pk_(live|test)_\S+"),
    "STRIPE_WEBHOOK_SECRET": ("whsec_", r"whsec_()\S+"),
}


def check_stripe_keys(api_key: str, publishable_key: str, webhook_secret: str, *, is_test: bool) -> None:
    """All three, or none; test keys only where that is meant. Raises ValueError, with a sentence that repeats no key."""
    keys = dict(zip(_FORMS, (api_key, publishable_key, webhook_secret), strict=True))
    missing = [name for name, key in keys.items() if not key]
    if len(missing) == len(keys):
        return
    if missing:
        raise ValueError(f"Stripe needs {' and '.join(missing)}, too.")
    for name, key in keys.items():
        beginning, form = _FORMS[name]
        match = re.fullmatch(form, key, re.ASCII)
        if match is None:
            raise ValueError(f"{name} is no such key of Stripe: it does not begin with {beginning}.")
        if match[1] == "test" and not is_test:
            raise ValueError(f"{name} is a test key, with which nobody pays: set STRIPE_TEST=1 if that is meant.")
        if match[1] == "live" and is_test:
            raise ValueError(f"{name} takes money: STRIPE_TEST=1 is for test keys.")
