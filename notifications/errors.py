"""The errors of notifications. `app/problems.py` maps each to the HTTP status that its docstring names."""

from ledger.errors import NotFound, RuleBroken


class MailNotFound(NotFound):
    """404"""

    def __init__(self) -> None:
        super().__init__("There is no such mail. Only the demo on this machine, without MAIL_URL, has a mailbox.")


class WebhookNotFound(NotFound):
    """404"""

    def __init__(self) -> None:
        super().__init__("You have no webhook with this id.")


class WebhookPaused(RuleBroken):
    """409"""

    def __init__(self) -> None:
        super().__init__("The webhook is paused: set its state to active first.")


class TooManyWebhooks(RuleBroken):
    """409"""

    def __init__(self, limit: int) -> None:
        super().__init__(f"An account has at most {limit} webhooks: delete one first.", limit=limit)
