// What an ESP32 application says of itself: the descriptor behind its headers (docs/formats.md 1).

const AT = 32; // 24 bytes of image header, 8 of the first segment's
const LENGTH = 80;
const MAGIC = 0xabcd5432;

const text = (view, at, length) => {
  const all = new Uint8Array(view.buffer, at, length);
  const end = all.indexOf(0);
  return new TextDecoder().decode(all.subarray(0, end < 0 ? length : end));
};

// {version, project}, or null when it is no such image. Only a proposal: the server reads it anew.
export async function readImage(file) {
  const buffer = await file.slice(0, AT + LENGTH).arrayBuffer();
  if (buffer.byteLength < AT + LENGTH) return null;
  const view = new DataView(buffer);
  if (view.getUint8(0) !== 0xe9 || view.getUint32(AT, true) !== MAGIC) return null;
  return { version: text(view, AT + 16, 32), project: text(view, AT + 48, 32) };
}
