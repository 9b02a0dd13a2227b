import { step, type StepInput } from "../../shared/lambda/step";
import { readEnvironment } from "../../shared/lambda/environment";
import { type ClusterEvent, notify } from "../../shared/notify/notify";

const environment = readEnvironment();
/** A receiver that fails is recorded and never fails the cluster. */
export const handler = step("Notify", async ({ record, change }, { event }: StepInput & { event: ClusterEvent }) => {
  change.notifications = [...(record.notifications ?? []), ...(await notify(record, event, environment))];
});
