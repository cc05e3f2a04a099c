import { Paper, Table } from "@mantine/core";
import type { ReactNode } from "react";

import classes from "./stacked.module.css";

interface Props {
  /** The accessible name of the table. */
  label: string;
  columns: readonly (string | { label: string; isNumber?: boolean })[];
  isBusy?: boolean;
  children: ReactNode;
}

/** A table in a frame, which turns into cards on a phone. Its cells name their column in `data-label`. */
export function TableFrame({ label, columns, isBusy = false, children }: Props) {
  return (
    <Paper withBorder style={{ overflow: "hidden" }}>
      <Table
        aria-label={label}
        aria-busy={isBusy}
        verticalSpacing="sm"
        horizontalSpacing="md"
        highlightOnHover
        className={classes.table ?? ""}
      >
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => {
              const { label: text, isNumber = false } = typeof column === "string" ? { label: column } : column;
              return (
                <Table.Th key={text} scope="col" ta={isNumber ? "end" : "start"} c="dimmed" fz="sm" fw={600}>
                  {text}
                </Table.Th>
              );
            })}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </Paper>
  );
}
