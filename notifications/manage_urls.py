"""Links to manage a booking without an account, as mails and answers have them: `/manage#{token}`. The token is in the fragment,
which browsers send to no server."""

from uuid import UUID

from ledger.mail_tokens import Issued, MailTokens

_PURPOSE = "manage"


class ManageUrls:
    def __init__(self, server_url: str, tokens: MailTokens) -> None:
        self._server_url, self._tokens = server_url, tokens

    def make(self, booking_id: UUID, issue: int = 0) -> str:
        return f"{self._server_url}/manage#{self.token(booking_id, issue)}"

    def token(self, booking_id: UUID, issue: int = 0) -> str:
        return self._tokens.token(_PURPOSE, booking_id, issue)

    def read(self, token: str) -> Issued:
        """The booking's id and the issue of a link's token. Raises TokenUnknown."""
        return self._tokens.read(_PURPOSE, token)
