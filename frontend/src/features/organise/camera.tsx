import { Alert, Text } from "@mantine/core";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { BrowserQRCodeReader, type IScannerControls } from "@zxing/browser";

import { organise } from "@/shared/strings/organise";

import classes from "./camera.module.css";

const text = organise.checkIn;

/** A ticket that stays in the picture is one ticket. */
const SAME_MILLISECONDS = 4_000;

/** Reads QR codes from the camera, the one at the back where there is one, for as long as it is shown. */
export function Camera({ onCode }: { onCode: (code: string) => void }) {
  const picture = useRef<HTMLVideoElement>(null);
  const last = useRef({ code: "", at: 0 });
  const [problem, setProblem] = useState<string | null>(null);

  const see = useEffectEvent((code: string) => {
    const now = Date.now();
    const isSame = code === last.current.code && now - last.current.at < SAME_MILLISECONDS;
    last.current = { code, at: now };
    if (!isSame) onCode(code);
  });

  useEffect(() => {
    let controls: IScannerControls | undefined;
    let isOver = false;
    const started = new BrowserQRCodeReader().decodeFromConstraints(
      { audio: false, video: { facingMode: "environment" } },
      picture.current ?? undefined,
      (result) => {
        if (result !== undefined && !isOver) see(result.getText());
      },
    );
    started.then(
      (running) => {
        controls = running;
        if (isOver) running.stop();
      },
      (error: unknown) => setProblem(reason(error)),
    );
    return () => {
      isOver = true;
      controls?.stop();
    };
  }, []);

  if (problem !== null) {
    return (
      <Alert color="yellow" role="alert">
        {problem}
      </Alert>
    );
  }
  return (
    <div>
      <video ref={picture} className={classes.picture} muted playsInline aria-label={text.camera.hint} />
      <Text size="sm" c="dimmed" mt="xs">
        {text.camera.hint}
      </Text>
    </div>
  );
}

function reason(error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError") return text.noCamera.denied;
  return name === "NotFoundError" || name === "OverconstrainedError" ? text.noCamera.missing : text.noCamera.failed;
}
