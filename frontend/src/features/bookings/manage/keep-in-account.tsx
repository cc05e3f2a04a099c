import { Alert, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "react-router";

import { useClaimBookings } from "@/shared/api/generated/accounts/accounts";
import type { Booking } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { RETURN_PARAMETER, signInPath } from "@/shared/navigation/return-path";
import { queryKey } from "@/shared/queries/query-key";
import { useSession } from "@/shared/session/session";

import { manageText } from "./strings";

const text = manageText.account;
const SIGN_UP = `/sign-up?${new URLSearchParams({ [RETURN_PARAMETER]: "/manage" })}`;

interface Props {
  booking: Booking;
  email: string;
  /** Forgets the link, which has ended. */
  forget: () => void;
}

/** Offers to move the booking to an account. */
export function KeepInAccount({ booking, email, forget }: Props) {
  const { account } = useSession();
  return (
    <Stack gap="sm" align="flex-start">
      <Title order={2} size="h3" id="account">
        {text.title}
      </Title>
      {account === null ? (
        <>
          <Text style={{ overflowWrap: "anywhere" }}>{text.text(email)}</Text>
          <Group gap="xs">
            <Button component={Link} to={SIGN_UP} state={{ email }} variant="default">
              {text.signUp}
            </Button>
            <Button component={Link} to={signInPath("/manage")} variant="subtle">
              {text.signIn}
            </Button>
          </Group>
        </>
      ) : account.email !== email ? (
        <Text style={{ overflowWrap: "anywhere" }}>{text.otherAddress(account.email, email)}</Text>
      ) : account.is_email_proven ? (
        <Claim booking={booking} email={email} forget={forget} />
      ) : (
        <>
          <Text>{text.unverified}</Text>
          <Button component={Link} to="/account" variant="default">
            {text.toAccount}
          </Button>
        </>
      )}
    </Stack>
  );
}

function Claim({ booking, email, forget }: Props) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { mutate, isPending, error } = useClaimBookings({
    mutation: {
      onSuccess: () => {
        forget();
        void queries.invalidateQueries({ queryKey: queryKey("bookings") });
        void navigate(`/bookings/${booking.id}`, { replace: true });
      },
    },
  });
  return (
    <>
      <Text style={{ overflowWrap: "anywhere" }}>{text.textSignedIn(email)}</Text>
      {error !== null && (
        <Alert color="orange" role="alert">
          {isKind(error, "account-unverified") ? text.unverified : manageText.problems.other}
        </Alert>
      )}
      <Button variant="default" loading={isPending} onClick={() => mutate()}>
        {text.claim}
      </Button>
    </>
  );
}
