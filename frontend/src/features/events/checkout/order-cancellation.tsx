import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";

import { Dialog } from "@/shared/feedback/dialog";

import { checkoutText } from "./strings";
import type { useCheckout } from "./use-checkout";

const text = checkoutText.pay.cancel;

interface Props {
  cancellation: ReturnType<typeof useCheckout>["cancellation"];
  isDisabled: boolean;
}

/** Gives the seats back, after a confirmation: a payment may be under way. */
export function OrderCancellation({ cancellation, isDisabled }: Props) {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button variant="subtle" color="gray" disabled={isDisabled} onClick={open}>
        {text.action}
      </Button>
      <Dialog isOpen={isOpen} onClose={close} title={text.title} closeLabel={text.keep}>
        <Stack gap="md">
          <Text>{text.text}</Text>
          {cancellation.hasFailed && (
            <Alert color="orange" role="alert">
              {text.failed}
            </Alert>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {text.keep}
            </Button>
            <Button color="red" loading={cancellation.isSending} onClick={() => cancellation.cancel(close)}>
              {text.action}
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </>
  );
}
