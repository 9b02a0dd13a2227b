/** As much of ASN.1's distinguished encoding (X.690) as a certificate needs. */
const tagged = (tag: number, ...content: Uint8Array[]): Buffer => {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(body.length)]), body]);
};

function lengthOf(size: number): number[] {
  if (size < 0x80) return [size];
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return [0x80 | bytes.length, ...bytes];
}

export const sequence = (...items: Uint8Array[]): Buffer => tagged(0x30, ...items);
export const setOf = (item: Uint8Array): Buffer => tagged(0x31, item);
export const octets = (content: Uint8Array): Buffer => tagged(0x04, content);
export const utf8 = (text: string): Buffer => tagged(0x0c, Buffer.from(text));
export const yes = tagged(0x01, Buffer.from([0xff]));
/** `[n]`, explicit. */
export const explicit = (n: number, content: Uint8Array): Buffer => tagged(0xa0 | n, content);
/** `[n]`, implicit and primitive. */
export const implicit = (n: number, content: Uint8Array): Buffer => tagged(0x80 | n, content);
/** `unused` counts the bits at the end that say nothing. */
export const bits = (content: Uint8Array, unused = 0): Buffer => tagged(0x03, Buffer.from([unused]), content);

/** Never negative. */
export function integer(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const shortest = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  return tagged(0x02, ...(shortest[0]! >= 0x80 ? [Buffer.from([0])] : []), shortest);
}

export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let rest = arc >>> 7; rest > 0; rest >>>= 7) bytes.unshift(0x80 | (rest & 0x7f));
  return bytes;
}

/** Whole seconds. RFC 5280, 4.1.2.5: UTCTime until 2049, GeneralizedTime after. */
export function time(moment: Date): Buffer {
  const digits = `${moment.toISOString().replace(/\.\d+Z$|[-:T]/g, "")}Z`;
  return moment.getUTCFullYear() < 2050 ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
}
