import { Button, type ButtonProps } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconDownload } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";

import { download } from "@/shared/api/download";
import { tablesText } from "@/shared/strings/tables";

interface Props extends ButtonProps {
  label?: string;
  path: string;
  /** Media type. */
  accept?: string;
  parameters?: object;
  headers?: Record<string, string>;
  fileName: string;
}

/** Downloads an API response as a file. */
export function DownloadButton(props: Props) {
  const { label, path, accept = "text/csv", parameters = {}, headers = {}, fileName, ...button } = props;
  const { mutate, isPending } = useMutation({
    mutationFn: () => download(path, accept, parameters, fileName, headers),
    onError: () => notifications.show({ color: "red", message: tablesText.download.failed }),
  });
  return (
    <Button
      variant="default"
      leftSection={<IconDownload size={18} aria-hidden />}
      loading={isPending}
      onClick={() => mutate()}
      {...button}
    >
      {label ?? tablesText.download.csv}
    </Button>
  );
}
