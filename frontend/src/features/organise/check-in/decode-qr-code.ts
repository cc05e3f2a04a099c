import jsQR from "jsqr";

/** A picture is looked at this large at most, in pixels of its longer side: enough for a code that fills a quarter of it. */
const LONGER_SIDE = 640;

/** What the QR code in the picture says; undefined where there is none. */
export function decodeQrCode(picture: ImageData): string | undefined {
  return jsQR(picture.data, picture.width, picture.height)?.data;
}

/** What the film shows at this moment, drawn on that canvas; undefined before its first picture. */
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
