import { EC2Client } from "@aws-sdk/client-ec2";
import { step } from "../../shared/lambda/step";
import { targetOf } from "../../shared/resources/blocker";
import { endWorker } from "../../shared/resources/instances";

const ec2 = new EC2Client();
/** Ends the machine that the replacement was asked for, and no other. */
export const handler = step("EndWorker", async (cluster) => {
  const { node: key, instanceId: id } = cluster.record.replacement!;
  await endWorker(ec2, cluster.plan, targetOf(cluster), { key, ...(id && { id }) });
});
