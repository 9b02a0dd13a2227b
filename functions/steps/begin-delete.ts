import { SFNClient } from "@aws-sdk/client-sfn";
import { beginDelete } from "../../shared/registry/begin-delete";
import { readEnvironment } from "../../shared/lambda/environment";
import { step } from "../../shared/lambda/step";

const sfn = new SFNClient();
const { deleteMachineArn, deployment } = readEnvironment();
/** The create machine ends itself right after this: it is not stopped here. */
export const handler = step("BeginDelete", async ({ registry, record }) => {
  await beginDelete({ sfn, registry, deleteMachineArn, waits: deployment.waits }, record, { stopCreate: false });
});
