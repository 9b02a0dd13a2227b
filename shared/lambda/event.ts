import middy from "@middy/core";
import { translate } from "../aws/translate";
import { type Environment, readEnvironment } from "./environment";

/**
 * A handler that a clock starts. Whatever is thrown leaves as one of the classes in `shared/errors.ts`; who invoked it, EventBridge or
 * its Scheduler, sends the event again.
 */
export function onEvent<Event, Answer>(work: (event: Event, environment: Environment, now: Date) => Promise<Answer>) {
  return middy<Event, Answer, Error>().handler(async (event: Event) => {
    try {
      return await work(event, readEnvironment(), new Date());
    } catch (thrown) {
      const error = translate(thrown);
      console.error(JSON.stringify({ level: "error", error: error.name, message: error.message }));
      throw error;
    }
  });
}
