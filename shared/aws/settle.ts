import { TryAgain } from "../errors";
import { codeOf, isUnsettled } from "./translate";

/**
 * All of them, to the end: the first failure is thrown only when no call is in flight any more, so that
 * whatever was made meanwhile is known to the ledger.
 */
export async function settleAll<T>(work: Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(work);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed) throw failed.reason;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<T>).value);
}

/**
 * Runs the making of things. EC2 is eventually consistent: NotFound right after a create and Duplicate after a lost reply
 * mean that the next look will see more.
 * @throws TryAgain for those. https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
 */
export async function whileSettling<T>(make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (!isUnsettled(error)) throw error;
    throw new TryAgain(`${codeOf(error)}: ${(error as Error).message}`, { cause: error });
  }
}
