import { type Cidr, contains, looseCidr, nthAddress, nthBlock, overlaps, parseCidr } from "./cidr";
import type { Findings } from "./findings";
import type { Manifest, Subnet } from "./manifest";
import type { ClusterSpec } from "./shapes";

/** Blocks that EC2 refuses in a VPC: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html */
const RESERVED = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"].map((text) => parseCidr(text)!);

type Network = Pick<Manifest, "networkCidr" | "subnets" | "podCidr" | "serviceCidr" | "clusterDns">;

/** The VPC's block, its subnets, and the blocks of pods and services, each inside its own and apart from the others. */
export function readNetwork(spec: ClusterSpec, region: string, found: Findings): Network {
  const vpc = block(spec.networkCIDR, "spec.networkCIDR", found);
  if (vpc) checkSize(vpc, "spec.networkCIDR", "a VPC", found);
  return { networkCidr: vpc?.text ?? "", subnets: readSubnets(spec, vpc, region, found), ...readInnerBlocks(spec, vpc, found) };
}

/** A canonical IPv4 block, or the problem named at `path`. */
export function block(text: string | undefined, path: string, found: Findings): Cidr | undefined {
  if (text === undefined) return found.missing(path, "is required, such as 172.20.0.0/16");
  const read = parseCidr(text);
  if (read) return read;
  if (text.includes(":")) return found.refuse(path, "must be an IPv4 CIDR: IPv6 is not served");
  const meant = looseCidr(text);
  return found.refuse(
    path,
    meant
      ? `must be ${meant.text}: "${text}" has bits set behind its mask`
      : `must be an IPv4 CIDR such as 172.20.0.0/16, not "${text.slice(0, 60)}"`,
  );
}

function checkSize(cidr: Cidr, path: string, of: string, found: Findings): void {
  if (cidr.prefix < 16 || cidr.prefix > 28) found.refuse(path, `must be between /16 and /28: EC2 takes no /${cidr.prefix} for ${of}`);
  const reserved = RESERVED.find((other) => overlaps(other, cidr));
  if (reserved) found.refuse(path, `must not lie in ${reserved.text}, which EC2 refuses`);
}

function readSubnets(spec: ClusterSpec, vpc: Cidr | undefined, region: string, found: Findings): Subnet[] {
  const subnets = spec.subnets ?? [];
  if (subnets.length === 0) found.refuse("spec.subnets", "must have at least one subnet");
  const earlier: { name: string | undefined; cidr: Cidr | undefined }[] = [];
  return subnets.map((subnet, index) => {
    const path = `spec.subnets[${index}]`;
    const cidr = block(subnet?.cidr, `${path}.cidr`, found);
    if (cidr) checkPlace(cidr, vpc, earlier, path, found);
    const name = readName(subnet?.name, earlier, path, found);
    earlier.push({ name, cidr });
    return { name, zone: readZone(subnet?.zone, region, path, found), cidr: cidr?.text ?? "" };
  });
}

function checkPlace(cidr: Cidr, vpc: Cidr | undefined, earlier: { cidr: Cidr | undefined }[], path: string, found: Findings): void {
  checkSize(cidr, `${path}.cidr`, "a subnet", found);
  if (vpc && !contains(vpc, cidr)) found.refuse(`${path}.cidr`, `must lie inside spec.networkCIDR ${vpc.text}`);
  const other = earlier.findIndex((subnet) => subnet.cidr && overlaps(subnet.cidr, cidr));
  if (other >= 0) found.refuse(`${path}.cidr`, `overlaps spec.subnets[${other}].cidr ${earlier[other]!.cidr!.text}`);
}

function readName(name: string | undefined, earlier: { name: string | undefined }[], path: string, found: Findings): string {
  if (!name) found.missing(`${path}.name`, "is required: instance groups name their subnets by it");
  else if (!/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/.test(name))
    found.refuse(`${path}.name`, "must be lower-case letters, digits, hyphens and dots, at most 63");
  else if (earlier.some((subnet) => subnet.name === name)) found.refuse(`${path}.name`, `is the name of another subnet too: ${name}`);
  return name ?? "";
}

function readZone(zone: string | undefined, region: string, path: string, found: Findings): string {
  if (!zone) found.missing(`${path}.zone`, `is required, such as ${region}a`);
  else if (!/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/.test(zone)) found.refuse(`${path}.zone`, `must be an availability zone such as ${region}a`);
  else if (zone.slice(0, -1) !== region) found.refuse(`${path}.zone`, `must be in ${region}, the one region of this deployment`);
  return zone ?? "";
}

/** Services take the first /(mask+3) of nonMasqueradeCIDR, pods its second half, as kOps assigns them. */
function readInnerBlocks(
  spec: ClusterSpec,
  vpc: Cidr | undefined,
  found: Findings,
): Pick<Network, "podCidr" | "serviceCidr" | "clusterDns"> {
  const path = "spec.nonMasqueradeCIDR";
  const whole = block(spec.nonMasqueradeCIDR ?? "100.64.0.0/10", path, found);
  if (vpc && whole && overlaps(vpc, whole)) found.refuse(path, `must not overlap spec.networkCIDR ${vpc.text}`);
  // The API server takes no service range over /12, and controller-manager cuts a /24 of the pods' for each node.
  if (whole && (whole.prefix < 9 || whole.prefix > 20)) {
    found.refuse(path, "must be between /9 and /20, to hold the services (an eighth of it) and the pods (half of it)");
  }
  if (!whole || whole.prefix < 9 || whole.prefix > 20) return { podCidr: "", serviceCidr: "", clusterDns: "" };
  const services = inner(
    spec.serviceClusterIPRange,
    "spec.serviceClusterIPRange",
    whole,
    nthBlock(whole, whole.prefix + 3, 0),
    [12, 24],
    found,
  );
  const pods = inner(spec.podCIDR, "spec.podCIDR", whole, nthBlock(whole, whole.prefix + 1, 1), [10, 22], found);
  if (overlaps(services, pods)) found.refuse("spec.podCIDR", `overlaps the services' ${services.text}`);
  return { podCidr: pods.text, serviceCidr: services.text, clusterDns: nthAddress(services, Math.min(10, services.last - services.first)) };
}

function inner(
  text: string | undefined,
  path: string,
  whole: Cidr,
  assigned: Cidr,
  [widest, narrowest]: [number, number],
  found: Findings,
): Cidr {
  const asked = text === undefined ? assigned : (block(text, path, found) ?? assigned);
  if (!contains(whole, asked)) found.refuse(path, `must lie inside spec.nonMasqueradeCIDR ${whole.text}`);
  if (asked.prefix < widest || asked.prefix > narrowest) found.refuse(path, `must be between /${widest} and /${narrowest}`);
  return asked;
}

/** A list of client blocks for a security group's rules. EC2 refuses a block that is there twice. */
export function readAccess(list: readonly (string | undefined)[] | undefined, path: string, found: Findings): string[] {
  const texts = list ?? [];
  return texts.flatMap((text, index) => {
    const place = `${path}[${index}]`;
    if (text === undefined) return [];
    if (text.startsWith("pl-")) return found.refuse(place, "must be a CIDR: prefix lists are not served") ?? [];
    const cidr = block(text, place, found);
    if (cidr && texts.indexOf(text) < index) found.refuse(place, `is there twice: ${cidr.text}`);
    return cidr ? [cidr.text] : [];
  });
}
