import { InvalidManifest } from "../errors";
import { nthAddress, parseCidr } from "../spec/cidr";
import type { Subnet } from "../spec/manifest";

/** EC2 keeps the first four addresses of a subnet and its last: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html */
const FIRST_OFFSET = 10;
export const PROBE_CLIENT_OFFSET = 9;

/** Private addresses that are known before anything runs. */
export interface AddressPool {
  /** The subnet's next free address, from its 10th on. @throws InvalidManifest when there is none left */
  next(subnet: string): string;
  at(subnet: string, offset: number): string;
}

export function addressPool(subnets: Subnet[]): AddressPool {
  const given = new Map<string, number>();
  const at = (name: string, offset: number): string => {
    const index = subnets.findIndex((subnet) => subnet.name === name);
    const block = parseCidr(subnets[index]?.cidr ?? "");
    if (block && block.first + offset < block.last) return nthAddress(block, offset);
    const message = `${block?.text ?? name} has no address ${offset} for a planned machine: take a wider block`;
    throw new InvalidManifest([{ path: `spec.subnets[${index}].cidr`, message }]);
  };
  return {
    at,
    next(name) {
      const offset = given.get(name) ?? FIRST_OFFSET;
      given.set(name, offset + 1);
      return at(name, offset);
    },
  };
}
