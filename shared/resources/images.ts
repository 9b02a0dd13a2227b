import { DescribeImagesCommand, type EC2Client, type Image } from "@aws-sdk/client-ec2";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { codeOf, isNotFound } from "../aws/translate";
import type { Problem } from "../errors";

export interface FoundImages {
  /** By reference as the manifest writes it; without those that have a problem. */
  images: Record<string, { imageId: string; rootDevice: string }>;
  /** `path` is the reference: the caller knows which groups name it. */
  problems: Problem[];
  warnings: Problem[];
}
interface Options {
  /** Account ids or EC2's aliases (`amazon`) whose images may be booted. */
  owners: string[];
  /** Take the nearest of the same family where the named one is gone. */
  substitute: boolean;
}
interface Clients {
  ec2: EC2Client;
  ssm?: SSMClient;
}

/** kOps' names for the accounts of distributions, https://kops.sigs.k8s.io/operations/images/#owner-aliases */
const accountOfAlias: Record<string, string> = {
  amazon: "137112412989",
  "amazon.com": "137112412989",
  debian10: "136693071363",
  debian11: "136693071363",
  debian12: "136693071363",
  flatcar: "075585003325",
  redhat: "309956199498",
  "redhat.com": "309956199498",
  ubuntu: "099720109477",
};

/**
 * Images by `owner/name` (newest of the name, deprecated ones included), `ami-…` or `ssm:/parameter`.
 * A missing one is a problem that names the nearest of its family, or with `substitute` a warning, and that is taken.
 */
export async function findImages(clients: Clients, references: string[], options: Options): Promise<FoundImages> {
  const found: FoundImages = { images: {}, problems: [], warnings: [] };
  await Promise.all(
    [...new Set(references)].map(async (reference) => {
      const { image, problem, warnings = [] } = await findImage(clients, reference, options);
      found.warnings.push(...warnings.map((message) => ({ path: reference, message })));
      if (problem) found.problems.push({ path: reference, message: problem });
      else if (image) found.images[reference] = { imageId: image.ImageId!, rootDevice: image.RootDeviceName! };
    }),
  );
  return found;
}

interface Outcome {
  image?: Image;
  problem?: string;
  warnings?: string[];
}

async function findImage({ ec2, ssm }: Clients, reference: string, options: Options): Promise<Outcome> {
  if (reference.startsWith("ami-")) return byId(ec2, reference, options.owners);
  if (reference.startsWith("ssm:")) return byParameter(ec2, ssm, reference.slice("ssm:".length), options.owners);
  const slash = reference.indexOf("/");
  const alias = reference.slice(0, slash);
  const owner = accountOfAlias[alias] ?? alias;
  if (slash < 1) return { problem: "must be owner/name, ami-… or ssm:/parameter" };
  if (![owner, alias].some((name) => options.owners.includes(name)))
    return { problem: `images of ${alias} are not allowed here; allowed owners: ${options.owners.join(", ")}` };
  return byName(ec2, { owner, alias, name: reference.slice(slash + 1) }, options.substitute);
}

async function byId(ec2: EC2Client, imageId: string, owners: string[]): Promise<Outcome> {
  const request = new DescribeImagesCommand({ ImageIds: [imageId], IncludeDeprecated: true });
  const { Images = [] } = await ec2.send(request).catch((error: unknown) => {
    if (!codeOf(error).startsWith("InvalidAMIID")) throw error;
    return { Images: [] };
  });
  const [image] = Images;
  if (!image) return { problem: `there is no image ${imageId} in this region` };
  const owner = [image.OwnerId, image.ImageOwnerAlias].find((name) => name && owners.includes(name));
  return owner ? fit(image) : { problem: `${imageId} is of ${image.OwnerId}; allowed owners: ${owners.join(", ")}` };
}

async function byParameter(ec2: EC2Client, ssm: SSMClient | undefined, Name: string, owners: string[]): Promise<Outcome> {
  const { Parameter } = await (ssm ?? new SSMClient()).send(new GetParameterCommand({ Name })).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    return { Parameter: undefined };
  });
  if (!Parameter?.Value) return { problem: `there is no SSM parameter ${Name} in this region` };
  if (!Parameter.Value.startsWith("ami-")) return { problem: `the SSM parameter ${Name} holds no AMI id` };
  return byId(ec2, Parameter.Value, owners);
}

interface Named {
  owner: string;
  /** As the manifest writes the owner. */
  alias: string;
  name: string;
}

async function byName(ec2: EC2Client, { owner, alias, name }: Named, substitute: boolean): Promise<Outcome> {
  const [newest] = await named(ec2, owner, name);
  if (newest) return fit(newest);
  const nearest = await nearestOf(ec2, owner, name);
  if (!nearest) return { problem: `there is no image of that name in this region, nor another of its family` };
  const reference = `${alias}/${nearest.Name}`;
  if (!substitute)
    return { problem: `there is no image of that name in this region; the nearest is ${reference} (?substituteImage=true takes it)` };
  const { warnings = [], ...rest } = fit(nearest);
  return { ...rest, warnings: [`there is no image of that name in this region: ${reference} is taken`, ...warnings] };
}

/** Available images of a name or pattern, newest first. */
async function named(ec2: EC2Client, owner: string, pattern: string): Promise<Image[]> {
  const { Images = [] } = await ec2.send(
    new DescribeImagesCommand({
      Owners: [owner],
      IncludeDeprecated: true,
      Filters: [
        { Name: "name", Values: [pattern] },
        { Name: "state", Values: ["available"] },
      ],
    }),
  );
  return Images.sort((one, other) => madeAt(other) - madeAt(one));
}
const madeAt = ({ CreationDate }: Image): number => Date.parse(CreationDate ?? "") || 0;

/** The one made nearest in time to the serial (`-20210119.1`) at the end of the name, in any folder of the owner's. */
async function nearestOf(ec2: EC2Client, owner: string, name: string): Promise<Image | undefined> {
  const serial = /-(\d{4})(\d{2})(\d{2})(\.\d+)?$/.exec(name);
  if (!serial) return undefined;
  const [ending, year, month, day] = serial;
  const wanted = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const family = name.slice(0, -ending.length);
  const anyFolder = `*/${family.slice(family.lastIndexOf("/") + 1)}`;
  const found = await named(ec2, owner, `${family}-*`);
  const candidates = found.length ? found : await named(ec2, owner, `${anyFolder}-*`);
  return candidates.sort((one, other) => Math.abs(madeAt(one) - wanted) - Math.abs(madeAt(other) - wanted))[0];
}

/** Whether a node can boot from it. */
function fit(image: Image): Outcome {
  const { State, RootDeviceType, RootDeviceName, Architecture, Platform, ImageId } = image;
  if (State !== "available") return { problem: `${ImageId} is ${State}, not available` };
  if (RootDeviceType !== "ebs" || !RootDeviceName) return { problem: `${ImageId} has no EBS root volume` };
  if (Platform) return { problem: `${ImageId} runs ${Platform}; nodes need Linux` };
  if (Architecture === "arm64")
    return { image, warnings: [`${ImageId} is arm64: its groups need a machine type with that processor, such as t4g`] };
  return Architecture === "x86_64" ? { image } : { problem: `${ImageId} is ${Architecture}; nodes need x86_64 or arm64` };
}
