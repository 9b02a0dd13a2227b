import { DeleteScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { scheduleName } from "../shared/plan/names";
import type { ClusterView } from "../shared/registry/cluster-view";
import { region } from "./emulators/emulators";
import { type Posted, deleteEnded, follow } from "./life";
import type { Printer } from "./printer";
import type { LocalService } from "./service";

/** The sweeper comes so often in this mode; what is over for three minutes is a finding of its. */
export const SWEEPING = { sweepRate: "1 minute" };
const LIMIT_MS = 8 * 60_000;

/**
 * Takes the schedule of a ready cluster away, as somebody with a console might, and waits: nothing here starts the sweeper, the packaged
 * function is started by its own rule of EventBridge.
 */
export async function loseSchedule(service: LocalService, posted: Posted, ready: ClusterView, print: Printer): Promise<ClusterView> {
  const { endpoint, credentials } = service.emulators;
  const armed = ({ timeline }: ClusterView) => timeline.some(({ stage }) => stage === "ScheduleTeardown");
  const known = await follow(service, posted, armed, print.happening, ready);
  const Name = scheduleName(posted.uid);
  await new SchedulerClient({ endpoint, credentials, region }).send(new DeleteScheduleCommand({ Name, GroupName: `clowder-${service.deployed.stage}` }));
  print.line(`\nThe schedule ${Name} was deleted by hand; the cluster should end at ${known.expiresAt} and now nothing says so`);
  print.line("Waiting for the sweeper, which its rule starts every minute here and which gives a late schedule three minutes");
  const ended = await follow(service, posted, deleteEnded, print.happening, known, LIMIT_MS);
  const sweeps = service.emulators.calls().filter(({ caller, action }) => caller.includes("-sweep-") && action === "dynamodb:Scan").length;
  if (sweeps === 0) throw new Error(`${ended.name} is ${ended.status}, and not by the sweeper, which never ran`);
  print.line(`The sweeper ran ${sweeps} times before the cluster was gone`);
  return ended;
}
