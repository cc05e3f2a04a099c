import { Button, Center } from "@mantine/core";

import { tables } from "@/shared/strings/tables";

interface Paged {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
}

/** Under a list that goes on. */
export function More({ list }: { list: Paged }) {
  if (!list.hasNextPage) return null;
  return (
    <Center>
      <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
        {tables.more}
      </Button>
    </Center>
  );
}
