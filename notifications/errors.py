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


class NotificationNotFound(NotFound):
    """404"""

    def __init__(self) -> None:
        super().__init__("There is no notification with this id, or it is about another organizer's event.")


class NotificationWaiting(RuleBroken):
    """409. `is_held`: an operator decides about it, since it was due when a backup was made that was restored."""

    def __init__(self, *, is_held: bool) -> None:
        held = "It is held since a restore: the operator releases or drops it."
        super().__init__(held if is_held else "It was not sent yet: it is tried again by itself.")


class NoTicketsLeft(RuleBroken):
    """409"""

    def __init__(self) -> None:
        super().__init__("All tickets of this booking are cancelled: there is nothing to send.")


class NoRecipient(RuleBroken):
    """409"""

    def __init__(self) -> None:
        super().__init__("Nobody's e-mail address belongs to this: it was sold to a walk-in, or the customer was erased.")


class AudienceEmpty(RuleBroken):
    """409"""

    def __init__(self) -> None:
        super().__init__("Nobody would get this message: nobody of this audience has tickets and an address, and wants such mail.")


class TooManyAnnouncements(RuleBroken):
    """409. `next_at`: when the next one may be sent."""

    def __init__(self, limit: int, next_at: datetime) -> None:
        super().__init__(f"The event has had {limit} such messages within a day.", limit=limit, next_at=next_at.isoformat())
