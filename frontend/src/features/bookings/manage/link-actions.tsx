import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconRefresh } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";

import { revokeManageLink } from "@/shared/api/generated/bookings/bookings";
import { ApiError } from "@/shared/api/problem";
import { Dialog } from "@/shared/feedback/dialog";

import { bearer } from "./queries";
import { manageText } from "./strings";

const text = manageText;

interface Props {
  token: string;
  email: string;
  onRenewed: (email: string) => void;
}

/** Ends this link and mails another one, after a confirmation. */
export function LinkRenewal({ token, email, onRenewed }: Props) {
  const [isOpen, { open, close }] = useDisclosure(false);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => revokeManageLink(bearer(token)),
    onSuccess: () => onRenewed(email),
  });
  return (
    <>
      <Button
        variant="subtle"
        color="gray"
        w="fit-content"
        leftSection={<IconRefresh size={18} aria-hidden />}
        onClick={open}
        data-no-print
      >
        {text.renew.action}
      </Button>
      <Dialog isOpen={isOpen} onClose={close} title={text.renew.title} closeLabel={text.renew.keep}>
        <Stack gap="md">
          <Text>{text.renew.text(email)}</Text>
          {error !== null && (
            <Alert color="orange" role="alert">
              {sentence(error)}
            </Alert>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {text.renew.keep}
            </Button>
            <Button loading={isPending} onClick={() => mutate()}>
              {text.renew.confirm}
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </>
  );
}

function sentence(error: unknown): string {
  const kind = error instanceof ApiError ? error.kind : "other";
  return text.problems[kind] ?? text.problems.other ?? "";
}
