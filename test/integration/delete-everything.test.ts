import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingClient } from "@aws-sdk/client-elastic-load-balancing";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { S3Client } from "@aws-sdk/client-s3";
import { differenceFrom, inventory } from "../../local/emulators/inventory";
import { createEnded, follow, post, remove } from "../../local/life";
import { readManifest, renamed } from "../../local/manifest";
import { type LocalService, startService } from "../../local/service";
import { type Clients, crowd, neighbours, placeIn } from "../../local/crowd";

jest.setTimeout(300_000);
const seed = readManifest("test/cases/seed/manifest.yaml");
let service: LocalService;
let clients: Clients;
let s3: S3Client;

beforeAll(async () => {
  service = await startService({ name: "everything", speed: 3, scenario: () => ({ row: "healthy" }) });
  const { endpoint, credentials } = service.emulators;
  const options = { endpoint, credentials, region: "us-east-1" };
  const [classic, network] = [new ElasticLoadBalancingClient(options), new ElasticLoadBalancingV2Client(options)];
  clients = { ec2: new EC2Client(options), classic, network };
  s3 = new S3Client({ ...options, forcePathStyle: true });
});
afterAll(() => service?.stop());

async function create(manifest: string) {
  const posted = await post(service, manifest);
  const created = await follow(service, posted, createEnded, () => {});
  expect([created.status, created.failure]).toEqual(["Ready", undefined]);
  return { posted, created };
}

test("with IAM enforced, a delete takes what was made by hand in the VPC, leaves its neighbours alone, and certifies it", async () => {
  const other = await create(renamed(seed, "neighbour").text);
  await crowd(clients, await placeIn(clients.ec2, other.posted));
  // A cluster is ready a moment before its execution ends.
  const before = (await inventory(service.emulators)).filter((line) => !line.startsWith("running-execution "));
  const { posted, created } = await create(seed.text);
  const place = await placeIn(clients.ec2, posted);
  const withOurs = await inventory(service.emulators);
  // A create is refused beside a kOps cluster of its name: that one comes after it.
  await neighbours(clients, s3, posted.name, place.image);
  // Ours writes its evidence meanwhile, which goes with it.
  const added = (await inventory(service.emulators)).filter((line) => !withOurs.includes(line) && !line.includes("/evidence/"));
  const made = await crowd(clients, place);

  const deleted = await remove(service, posted, created, () => {});
  expect([deleted.status, deleted.failure]).toEqual(["Deleted", undefined]);
  const { left, missing } = await differenceFrom([...before, ...added], service.emulators);
  // The other cluster lives on, and writes its evidence.
  expect([left.filter((line) => !/^object .*-neighbour\/.*\/evidence\//.test(line)), missing]).toEqual([[], []]);

  const { document } = (await service.request("GET", `/clusters/${posted.name}/certificate`)).json<{ document: string }>();
  const { resources, looks } = JSON.parse(document) as { resources: { resource: string }[]; looks: { stage: string; at: string[] }[] };
  for (const [kind, count] of Object.entries(made))
    expect([kind, resources.filter(({ resource }) => resource.startsWith(`${kind}/`)).length]).toEqual([kind, count]);
  expect(looks.filter(({ at }) => at.length >= 2).map(({ stage }) => stage)).toEqual(
    expect.arrayContaining(["DeleteElb", "DeleteInstances", "DeleteLoadBalancers", "DeleteVolumes", "DeleteNetwork"]),
  );

  const gone = await remove(service, other.posted, other.created, () => {});
  expect([gone.status, gone.failure]).toEqual(["Deleted", undefined]);
});
