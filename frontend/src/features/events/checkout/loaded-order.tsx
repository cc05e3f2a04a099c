import { Skeleton } from "@mantine/core";
import type { ReactNode } from "react";

import type { Hold } from "@/shared/api/generated/model";
import { isKind } from "@/shared/api/problem";
import { LoadError } from "@/shared/feedback/load-error";
import { Page } from "@/shared/navigation/page";

import { checkoutText } from "./strings";
import type { useCheckout } from "./use-checkout";

interface Props {
  checkout: ReturnType<typeof useCheckout>;
  /** Instead of an order that this browser can't open. */
  gone: ReactNode;
  /** What is cached is not shown: it is being read again. */
  isOutdated?: boolean;
  children: (hold: Hold) => ReactNode;
}

/** An order once it has loaded. */
export function LoadedOrder({ checkout, gone, isOutdated = false, children }: Props) {
  const { data: hold, error, refetch } = checkout;
  if (checkout.isNobodys) return gone;
  if (hold !== undefined && !isOutdated) return children(hold);
  if (isKind(error, "hold-not-found", "not-signed-in", "link-superseded", "malformed", "forbidden")) return gone;
  return (
    <Page title={checkoutText.title}>
      {error !== null && <LoadError error={error} onRetry={refetch} />}
      {(error === null || isKind(error, "unreachable")) && <Skeleton height={320} radius="lg" />}
    </Page>
  );
}
