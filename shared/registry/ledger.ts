import type { LedgerEntry } from "./cluster-record";

export interface Intent {
  /** `<kind>/<planned key>`, such as `subnet/us-east-1a`. */
  key: string;
  token: string;
}

/**
 * What a cluster's steps intend, make and remove, fenced by the record's epoch.
 * An intent is written before its create call; ids are kept and written with the next intent or by `flush`,
 * which the step's wrapper calls at the end whether the step failed or not.
 */
export interface Ledger {
  entry(key: string): LedgerEntry | undefined;
  /** Id of a thing that is made and not gone. */
  id(key: string): string | undefined;
  /** Entries whose key starts with `<kind>/` and that are not gone. */
  ofKind(kind: string): [string, LedgerEntry][];
  /** One conditional write for all; throws EpochPassed when the record's epoch or uid is another. Known ids stay. */
  intend(...intents: Intent[]): Promise<void>;
  made(key: string, id: string, detail?: Record<string, string>): void;
  gone(key: string): void;
  flush(): Promise<void>;
}
