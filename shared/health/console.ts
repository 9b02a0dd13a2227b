import { type EC2Client, GetConsoleOutputCommand } from "@aws-sdk/client-ec2";

/**
 * What a machine printed, at most the 64 KB that EC2 keeps, secrets still in it. `Latest` works on Nitro instances only; others keep what
 * was printed up to some minutes after the start.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html
 */
export async function readConsole(ec2: EC2Client, InstanceId: string, abortSignal?: AbortSignal): Promise<string> {
  const read = (Latest: boolean) => ec2.send(new GetConsoleOutputCommand({ InstanceId, Latest }), { ...(abortSignal && { abortSignal }) });
  const { Output = "" } = await read(true).catch(() => read(false));
  return Buffer.from(Output, "base64").toString("utf8");
}

/** What `beacon.py` and the stub print before they tell it to the bucket: the only word of a node that has no way there. */
const FAILED_LINE = /clowder: node \S+ failed at stage ([\w-]+): (\w+): (.*)/;

export function failureInConsole(console: string): { stage: string; reason: string; message: string } | undefined {
  const [, stage, reason, message] = [...console.matchAll(new RegExp(FAILED_LINE, "g"))].at(-1) ?? [];
  return stage && reason ? { stage, reason, message: message?.trim() ?? "" } : undefined;
}
