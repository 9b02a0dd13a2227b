/** An IPv4 block in canonical form: `first` and `last` are its addresses as unsigned numbers. */
export interface Cidr {
  text: string;
  prefix: number;
  first: number;
  last: number;
}

/** Reads an IPv4 CIDR. Undefined where the text is none, or has bits set behind its mask (RFC 4632, 3.1). */
export function parseCidr(text: string): Cidr | undefined {
  const block = looseCidr(text);
  return block?.text === text ? block : undefined;
}

/** Reads a CIDR whose address may lie inside the block and gives the block: `10.0.0.9/24` is `10.0.0.0/24`. */
export function looseCidr(text: string): Cidr | undefined {
  const [address = "", mask = "", ...rest] = text.split("/");
  const start = parseAddress(address);
  if (start === undefined || rest.length > 0 || !/^(0|[1-9]\d?)$/.test(mask) || Number(mask) > 32) return undefined;
  return blockAt(start, Number(mask));
}

export const contains = (outer: Cidr, inner: Cidr): boolean => outer.first <= inner.first && inner.last <= outer.last;

export const overlaps = (one: Cidr, other: Cidr): boolean => one.first <= other.last && other.first <= one.last;

/** The `n`th address of a block, counted from 0. @throws RangeError past its end. */
export function nthAddress(block: Cidr, n: number): string {
  if (n < 0 || block.first + n > block.last) throw new RangeError(`${block.text} has no address ${n}`);
  return formatAddress(block.first + n);
}

/** The `n`th block of size `/prefix` inside `block`, counted from 0. @throws RangeError past its end. */
export function nthBlock(block: Cidr, prefix: number, n: number): Cidr {
  const first = block.first + n * 2 ** (32 - prefix);
  if (n < 0 || prefix < block.prefix || first > block.last) throw new RangeError(`${block.text} has no /${prefix} number ${n}`);
  return blockAt(first, prefix);
}

/** Dotted quads only: no octal, hexadecimal or short forms, which programs read differently. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

const formatAddress = (address: number): string => [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join(".");

function blockAt(address: number, prefix: number): Cidr {
  const size = 2 ** (32 - prefix);
  const first = address - (address % size);
  return { text: `${formatAddress(first)}/${prefix}`, prefix, first, last: first + size - 1 };
}
