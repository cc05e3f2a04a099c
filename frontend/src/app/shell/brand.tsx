import { Group, Text } from "@mantine/core";
import { Link } from "react-router";

import { appText } from "@/shared/strings/app";

import classes from "./brand.module.css";

export function Brand() {
  return (
    <Link to="/" className={classes.brand}>
      <Group gap={10} wrap="nowrap">
        <img src="/favicon.svg" alt="" width={30} height={30} />
        <Text fw={800} fz={19} lts={-0.3}>
          {appText.name}
        </Text>
      </Group>
    </Link>
  );
}
