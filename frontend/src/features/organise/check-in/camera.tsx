import { Alert, Text } from "@mantine/core";
import { useEffect, useEffectEvent, useRef, useState } from "react";

import classes from "./camera.module.css";
import { decodeQrCode, captureFrame } from "./decode-qr-code";
import { checkInText } from "./strings";

const text = checkInText;

/** The same code within this time is one ticket held in view. */
const SAME_MILLISECONDS = 4_000;
/** The pause between two decoded frames. */
const LOOK_MILLISECONDS = 100;

/** Decodes QR codes from the camera, preferably the rear one, while it is shown. */
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
    const film = picture.current;
    if (film === null) return undefined;
    const canvas = document.createElement("canvas");
    let stream: MediaStream | undefined;
    let timer: number | undefined;
    const over = new AbortController();

    function end() {
      over.abort();
      window.clearTimeout(timer);
      stream?.getTracks().forEach((track) => track.stop());
    }

    function look(film: HTMLVideoElement) {
      const shown = captureFrame(film, canvas);
      const code = shown && decodeQrCode(shown);
      if (code) see(code);
      timer = window.setTimeout(look, LOOK_MILLISECONDS, film);
    }

    async function start(film: HTMLVideoElement) {
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: "environment" } });
      if (!over.signal.aborted) {
        film.srcObject = stream;
        await film.play();
      }
      if (over.signal.aborted) end();
      else look(film);
    }

    start(film).catch((error: unknown) => {
      if (!over.signal.aborted) setProblem(reason(error));
      end();
    });
    return end;
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
