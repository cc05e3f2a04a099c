import { Group, Modal } from "@mantine/core";
import type { ReactNode } from "react";

interface Props {
  isOpen: boolean;
  onClose: () => void;
  title: string;
  /** What the cross in the corner does. */
  closeLabel: string;
  /** It may open over another dialog. */
  isOnTop?: boolean;
  /** Neither Escape nor a click beside it closes it: what it shows is shown once. */
  isClosedByButtonsOnly?: boolean;
  children: ReactNode;
}

const ON_TOP = 300;

/** Mantine's modal with its title inside the body: its own header counts as a second banner of the page to a screen reader. */
export function Dialog(props: Props) {
  const { isOpen, onClose, title, closeLabel, isOnTop = false, isClosedByButtonsOnly = false, children } = props;
  return (
    <Modal.Root
      opened={isOpen}
      onClose={onClose}
      centered
      closeOnEscape={!isClosedByButtonsOnly}
      closeOnClickOutside={!isClosedByButtonsOnly}
      {...(isOnTop ? { zIndex: ON_TOP } : {})}
    >
      <Modal.Overlay />
      <Modal.Content radius="lg">
        <Modal.Body p="lg">
          <Group justify="space-between" wrap="nowrap" mb="md">
            <Modal.Title fz="h3" fw={750}>
              {title}
            </Modal.Title>
            <Modal.CloseButton aria-label={closeLabel} m={0} />
          </Group>
          {children}
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
