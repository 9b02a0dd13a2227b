import fc from "fast-check";
import { contains, looseCidr, nthAddress, nthBlock, overlaps, parseCidr } from "../../../shared/spec/cidr";

const block = fc
  .tuple(fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 }))
  .map(([address, prefix]) => looseCidr(`${[24, 16, 8, 0].map((bits) => (address >>> bits) & 255).join(".")}/${prefix}`)!);

test("a block's text reads back as the block", () => {
  fc.assert(fc.property(block, (cidr) => expect(parseCidr(cidr.text)).toEqual(cidr)));
});

test("two blocks overlap only where one contains the other", () => {
  const near = fc.tuple(fc.nat(15), fc.integer({ min: 28, max: 32 })).map(([host, prefix]) => looseCidr(`10.0.0.${host}/${prefix}`)!);

  fc.assert(fc.property(near, near, (one, other) => overlaps(one, other) === (contains(one, other) || contains(other, one))));
});

test("the halves of a block fill it and keep apart", () => {
  fc.assert(
    fc.property(
      block.filter(({ prefix }) => prefix < 32),
      (cidr) => {
        const [low, high] = [nthBlock(cidr, cidr.prefix + 1, 0), nthBlock(cidr, cidr.prefix + 1, 1)];

        expect(overlaps(low, high)).toBe(false);
        expect([low.first, high.last, high.first - low.last]).toEqual([cidr.first, cidr.last, 1]);
      },
    ),
  );
});

test("addresses are counted from the block's own, and end with it", () => {
  const cidr = parseCidr("255.255.255.248/29")!;

  expect([nthAddress(cidr, 0), nthAddress(cidr, 7)]).toEqual(["255.255.255.248", "255.255.255.255"]);
  expect(() => nthAddress(cidr, 8)).toThrow("255.255.255.248/29 has no address 8");
  expect(() => nthAddress(cidr, -1)).toThrow(RangeError);
});

test("blocks are counted inside their own, and end with it", () => {
  const cidr = parseCidr("100.64.0.0/10")!;

  expect(nthBlock(cidr, 11, 1).text).toBe("100.96.0.0/11");
  expect(() => nthBlock(cidr, 11, 2)).toThrow("100.64.0.0/10 has no /11 number 2");
  expect(() => nthBlock(cidr, 9, 0)).toThrow(RangeError);
});

test.each([
  "",
  "10.0.0.0",
  "10.0.0/8",
  "10.0.0.0/33",
  "10.0.0.0/08",
  "010.0.0.0/8",
  "256.0.0.0/8",
  "10.0.0.0/8/8",
  "0x0a.0.0.0/8",
  "::/0",
  "10.0.0.0/ 8",
])("%j is no block", (text) => {
  expect(looseCidr(text)).toBeUndefined();
});

test("an address inside its block is not canonical, but says which block is meant", () => {
  expect(parseCidr("10.1.2.3/8")).toBeUndefined();
  expect(looseCidr("10.1.2.3/8")?.text).toBe("10.0.0.0/8");
});
