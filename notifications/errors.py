"""The errors of notifications. `app/problems.py` maps each to the HTTP status that its docstring names."""

from datetime import datetime

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


class AudienceEmpty(RuleBroken):
    """409"""

    def __init__(self) -> None:
        super().__init__("Nobody would get this message: nobody of this audience has tickets and an address, and wants such mail.")


class TooManyAnnouncements(RuleBroken):
    """409. `next_at`: when the next one may be sent."""

    def __init__(self, limit: int, next_at: datetime) -> None:
        super().__init__(f"The event has had {limit} such messages within a day.", limit=limit, next_at=next_at.isoformat())
