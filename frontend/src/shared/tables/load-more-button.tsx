import { Button, Center } from "@mantine/core";

import { tablesText } from "@/shared/strings/tables";

interface Paged {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
}

/** Loads the next page of a list; hidden on the last page. */
export function LoadMoreButton({ list }: { list: Paged }) {
  if (!list.hasNextPage) return null;
  return (
    <Center>
      <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
        {tablesText.more}
      </Button>
    </Center>
  );
}
