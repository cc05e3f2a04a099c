import { Anchor, AppShell, Burger, Center, Container, Group, Loader, NavLink, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Suspense, useEffect, useRef } from "react";
import { ErrorBoundary } from "react-error-boundary";
import { NavigationType, NavLink as RouterLink, Outlet, useLocation, useNavigationType } from "react-router";

import { useSession } from "@/shared/session/session";
import { appText } from "@/shared/strings/app";

import { CrashPage } from "../crash-page";
import { destinationsFor } from "../navigation";
import { shellText } from "../strings";
import { Brand } from "./brand";
import { ColourSwitch } from "./colour-switch";
import { SessionControl } from "./session-control";
import classes from "./shell.module.css";

export function Shell() {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const { account } = useSession();
  const { pathname } = useLocation();
  const navigationType = useNavigationType();
  const destinations = destinationsFor(account?.role);

  const seen = useRef(pathname);
  useEffect(() => {
    if (seen.current === pathname) return; // a filter or a choice in the address is no other page
    seen.current = pathname;
    close();
    if (navigationType !== NavigationType.Pop) window.scrollTo(0, 0);
  }, [pathname, navigationType, close]);

  return (
    <AppShell
      header={{ height: 64 }}
      navbar={{ width: 280, breakpoint: "md", collapsed: { desktop: true, mobile: !isOpen } }}
      padding={0}
    >
      <a href="#content" className={classes.skip}>
        {shellText.skipToContent}
      </a>
      <AppShell.Header data-no-print>
        <Container h="100%">
          <Group h="100%" justify="space-between" wrap="nowrap" gap="sm">
            <Group gap="sm" wrap="nowrap">
              <Burger
                opened={isOpen}
                onClick={toggle}
                hiddenFrom="md"
                size="sm"
                aria-label={isOpen ? shellText.closeNavigation : shellText.openNavigation}
                aria-expanded={isOpen}
              />
              <Brand />
              <Group component="nav" aria-label={shellText.mainNavigation} gap={4} ml="md" visibleFrom="md">
                {destinations.map(({ to, label }) => (
                  <RouterLink key={to} to={to} end={to === "/"} className={classes.link ?? ""}>
                    {label}
                  </RouterLink>
                ))}
              </Group>
            </Group>
            <Group gap="xs" wrap="nowrap">
              <ColourSwitch />
              <SessionControl />
            </Group>
          </Group>
        </Container>
      </AppShell.Header>
      <AppShell.Navbar
        p="md"
        aria-label={shellText.mainNavigation}
        hiddenFrom="md"
        display={isOpen ? undefined : "none"}
        data-no-print
      >
        <Stack gap={4}>
          {destinations.map(({ to, label, icon: Icon }) => (
            <NavLink
              key={to}
              component={RouterLink}
              to={to}
              end={to === "/"}
              active={to === "/" ? pathname === "/" : pathname.startsWith(to)}
              label={label}
              leftSection={<Icon size={20} stroke={1.5} aria-hidden />}
            />
          ))}
        </Stack>
      </AppShell.Navbar>
      <AppShell.Main id="content" className={classes.main ?? ""}>
        <Container w="100%" flex={1} py={{ base: "xl", sm: 48 }}>
          <ErrorBoundary FallbackComponent={CrashPage} resetKeys={[pathname]}>
            <Suspense
              fallback={
                <Center mih={240}>
                  <Loader aria-label={appText.loading} />
                </Center>
              }
            >
              <Outlet />
            </Suspense>
          </ErrorBoundary>
        </Container>
        <Container component="footer" w="100%" py="xl" data-no-print>
          <Group justify="space-between" gap="xs">
            <Text size="sm" c="dimmed">
              {shellText.footer}
            </Text>
            <Anchor href="/docs" size="sm" c="dimmed">
              {shellText.apiDocumentation}
            </Anchor>
          </Group>
        </Container>
      </AppShell.Main>
    </AppShell>
  );
}
