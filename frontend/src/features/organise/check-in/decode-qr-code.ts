import jsQR from "jsqr";

/** The longer side of a decoded frame in pixels at most: enough for a code that fills a quarter of it. */
const LONGER_SIDE = 640;

/** The text of the QR code in the picture; undefined if there is none. */
export function decodeQrCode(picture: ImageData): string | undefined {
  return jsQR(picture.data, picture.width, picture.height)?.data;
}

/** The current frame of the video, drawn on that canvas; undefined before the first frame. */
export function captureFrame(film: HTMLVideoElement, canvas: HTMLCanvasElement): ImageData | undefined {
  const longer = Math.max(film.videoWidth, film.videoHeight);
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  if (longer === 0 || drawing === null) return undefined;
  const scale = Math.min(1, LONGER_SIDE / longer);
  canvas.width = Math.round(film.videoWidth * scale);
  canvas.height = Math.round(film.videoHeight * scale);
  drawing.drawImage(film, 0, 0, canvas.width, canvas.height);
  return drawing.getImageData(0, 0, canvas.width, canvas.height);
}
