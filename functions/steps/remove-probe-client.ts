import { EC2Client } from "@aws-sdk/client-ec2";
import { step } from "../../shared/lambda/step";
import { deleteProbeClient } from "../../shared/resources/instances";
import { targetOf } from "../../shared/resources/blocker";

const ec2 = new EC2Client();
/** Asks EC2 once; that it is really gone is the delete's business. */
export const handler = step("RemoveProbeClient", async (cluster) => {
  await deleteProbeClient(ec2, targetOf(cluster));
});
