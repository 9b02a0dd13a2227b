import { DeleteVolumeCommand, type EC2Client, type Filter, type Instance, type Volume, paginateDescribeVolumes } from "@aws-sdk/client-ec2";
import { settleAll } from "../aws/settle";
import { tagOf, withTags } from "../aws/tags";
import { TryAgain } from "../errors";
import { TAG_UID } from "../plan/names";
import { clusterTag } from "../plan/tags";
import type { Blocker, DeleteTarget } from "./blocker";
import { claimOf } from "./claim";
import { heldByMachine, markGone, ownTags, remove, witness } from "./wave";

/** Ledger entries: `volume/<id>` is ours to delete, `suspected-volume/<id>` carries the cluster's name and nothing that proves it ours. */
const SUSPECTED = "suspected-volume";

/**
 * Notes the cluster's volumes that will outlive these machines: once they have ended nothing shows whose those were.
 * @throws TryAgain while EC2 shows one on its machine and not by itself: its tags are not known yet
 */
export async function noteVolumes(ec2: EC2Client, instances: Instance[], { ref, ledger }: DeleteTarget): Promise<void> {
  const lasting = new Map<string | undefined, string>();
  for (const { InstanceId = "", BlockDeviceMappings = [] } of instances)
    for (const { Ebs } of BlockDeviceMappings) if (Ebs?.DeleteOnTermination === false) lasting.set(Ebs.VolumeId, InstanceId);
  if (lasting.size === 0) return;
  const attached = await volumesWith(ec2, [{ Name: "attachment.instance-id", Values: [...new Set(lasting.values())] }]);
  const hidden = [...lasting].find(([id]) => !attached.some(({ VolumeId }) => VolumeId === id));
  if (hidden) throw new TryAgain(`EC2 does not show the volume ${hidden[0]} yet, which is on ${hidden[1]}`);
  for (const { VolumeId = "", Tags } of attached) {
    const instance = lasting.get(VolumeId);
    if (instance && isOwned(Tags, ref.name) && !claimOf(Tags, ref)) witness(ledger, "volume", VolumeId, { instance });
  }
}

/**
 * Deletes the volumes that carry the cluster's uid, and those owned by its name that were attached to its machines. One that has
 * only the name may be another cluster's: it is written down as suspected, never deleted, and keeps the certificate back.
 */
export async function deleteVolumes(ec2: EC2Client, target: DeleteTarget): Promise<Blocker[]> {
  const { ref, deployment, ledger } = target;
  const [tagged, named] = await Promise.all([
    volumesWith(ec2, withTags(ownTags(ref.uid, deployment))),
    volumesWith(ec2, withTags({ [clusterTag(ref.name)]: "owned" })),
  ]);
  const there = new Map([...tagged, ...named].filter(isThere).map((volume) => [volume.VolumeId!, volume]));
  const unclaimed = [...there].filter(([, { Tags }]) => !claimOf(Tags, ref));
  const own = unclaimed.filter(([id, volume]) => isOurs(volume, id, target));
  const suspects = unclaimed.filter(([id, volume]) => !isOurs(volume, id, target) && isSuspect(volume, target));
  for (const [id] of own) witness(ledger, "volume", id);
  const reason = `only tagged ${clusterTag(ref.name)}=owned, perhaps another cluster's: not deleted`;
  for (const [id] of suspects) witness(ledger, SUSPECTED, id, { reason });
  const left = own.map(([VolumeId, volume]) =>
    remove(`volume ${VolumeId}`, () => ec2.send(new DeleteVolumeCommand({ VolumeId })), holderOf(volume)).then(heldByMachine),
  );
  const blockers = (await settleAll(left)).flat();
  markGone(ledger, ["volume"], blockers);
  markGone(
    ledger,
    [SUSPECTED],
    suspects.map(([id]) => ({ resource: `volume ${id}`, reason })),
  );
  return blockers;
}

const isThere = ({ State }: Volume): boolean => State !== "deleting" && State !== "deleted";
const isOwned = (tags: Volume["Tags"], cluster: string): boolean => tagOf(tags, clusterTag(cluster)) === "owned";
const isOurs = ({ Tags }: Volume, id: string, { ref, ledger }: DeleteTarget): boolean =>
  tagOf(Tags, TAG_UID) === ref.uid || ledger.ofKind("volume").some(([, entry]) => entry.id === id);

/** In use elsewhere, or older than the cluster: somebody else's. */
const isSuspect = (volume: Volume, { createdAt }: DeleteTarget): boolean =>
  !holderOf(volume) && !(createdAt && volume.CreateTime && volume.CreateTime.getTime() < Date.parse(createdAt));

function holderOf({ Attachments = [] }: Volume): string | undefined {
  const instance = Attachments.find(({ State }) => State !== "detached")?.InstanceId;
  return instance && `instance ${instance}`;
}

async function volumesWith(ec2: EC2Client, Filters: Filter[]): Promise<Volume[]> {
  const found: Volume[] = [];
  for await (const { Volumes = [] } of paginateDescribeVolumes({ client: ec2 }, { Filters })) found.push(...Volumes);
  return found;
}
