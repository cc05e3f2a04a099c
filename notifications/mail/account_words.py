"""What mails about an account say. Each is made by the template `account`."""

from collections.abc import Mapping
from typing import NamedTuple


class AccountWords(NamedTuple):
    """`title`: also the subject. `button`: the text of the link. `closing`: what the reader does if nobody of theirs did this."""

    title: str
    lead: str
    button: str
    closing: str


_IGNORE = "If you did not ask for this, you need not do anything: without the link nothing changes."
_NOT_YOU = "If this was not you, set a new password at once, and look at where you are signed in."

#: By the purpose of the link.
LINKS: Mapping[str, AccountWords] = {
    "reset-password": AccountWords(
        "Set a new password",
        "Somebody, most likely you, has asked for a new password. Open this link and choose one. All browsers are signed out then.",
        "Set new password",
        _IGNORE,
    ),
    "sign-in": AccountWords(
        "Your link to sign in",
        "Open this link in the browser in which you want to sign in. Nobody from Seatledger ever asks you for it.",
        "Sign in",
        _IGNORE,
    ),
    "verify-email": AccountWords(
        "Confirm your e-mail address",
        "Confirm that this is your address. Then you also see what was booked for you under it without your account.",
        "Confirm address",
        "If you have no account here, somebody has mistyped theirs. You need not do anything.",
    ),
}

#: By what the trail of accounts calls it.
NOTICES: Mapping[str, AccountWords] = {
    "password-changed": AccountWords(
        "Your password has been changed", "Your account has a new password. All other browsers have been signed out.",
        "Open your account", _NOT_YOU,
    ),
    "email-changed": AccountWords(
        "Your e-mail address has been changed", "Your account has another e-mail address now. No more mail is sent to this one.",
        "Open Seatledger", "If this was not you, tell the operator of this installation at once.",
    ),
    "role-changed": AccountWords(
        "Your role has been changed", "An admin has changed what your account may do.",
        "Open your account", "If you did not expect this, ask the operator of this installation.",
    ),
    "second-factor-set": AccountWords(
        "Second factor set", "Signing in to your account now needs a code of your authenticator app, too.",
        "Open your account", _NOT_YOU,
    ),
    "second-factor-removed": AccountWords(
        "Second factor removed", "Signing in to your account needs your password alone now.", "Open your account", _NOT_YOU,
    ),
    "recovery-code-used": AccountWords(
        "A recovery code was used", "Somebody has signed in with one of your recovery codes. Each is valid once.",
        "Open your account", _NOT_YOU,
    ),
    "webhook-paused": AccountWords(
        "A webhook is paused",
        "Nothing is sent to one of your webhooks any more: its receiver has failed for days, or wants no more.",
        "Open the webhook", "When the receiver works again, resume the webhook, and send again what it missed.",
    ),
}  # fmt: skip
