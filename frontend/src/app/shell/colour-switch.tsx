import { ActionIcon, useMantineColorScheme, type MantineColorScheme } from "@mantine/core";
import { IconDeviceDesktop, IconMoon, IconSun, type Icon } from "@tabler/icons-react";

import { shellText } from "../strings";

const NEXT: Record<MantineColorScheme, MantineColorScheme> = { light: "dark", dark: "auto", auto: "light" };
const ICONS: Record<MantineColorScheme, Icon> = { light: IconSun, dark: IconMoon, auto: IconDeviceDesktop };

export function ColourSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const SchemeIcon = ICONS[colorScheme];

  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={shellText.colours[colorScheme]}
      title={shellText.colours[colorScheme]}
      onClick={() => setColorScheme(NEXT[colorScheme])}
    >
      <SchemeIcon size={20} stroke={1.6} aria-hidden />
    </ActionIcon>
  );
}
