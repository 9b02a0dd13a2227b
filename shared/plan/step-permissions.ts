import { parse } from "yaml";
import type { Deployment } from "../spec/deployment";

/** What one statement of a step's role lets it change, as IAM's policy simulator is asked for it. */
export interface StepPermission {
  /** Key of the function, such as `createInstances`. */
  step: string;
  actions: string[];
  resources: string[];
  /** Condition keys with a value that the statement asks for. */
  context: Record<string, string>;
}

interface Statement {
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}
type Functions = Record<string, { iamRoleStatements: (Statement | string)[] }>;

const LOOKS = /^\w+:(Describe|Get|List|Head)/;
const asList = (value: string | string[]): string[] => [value].flat();
/** What only CloudFormation can fill in stays recognisable, so that its statement is left out. */
const customTags = ["!Sub", "!Ref", "!GetAtt"].map((tag) => ({ tag, resolve: (text: string) => (tag === "!Sub" ? text : `\${${text}}`) }));

/**
 * Everything that the steps of a create and of a delete may change, from the text of `functions/steps/functions.yml`: the
 * statements that are deployed are the ones that are asked for. Left out: looks, and what several functions share.
 */
export function stepPermissions(functionsYml: string, { partition, region, accountId, id }: Pick<Deployment, "partition" | "region" | "accountId" | "id">): StepPermission[] {
  const known: Record<string, string> = {
    "AWS::Partition": partition,
    "AWS::Region": region,
    "AWS::AccountId": accountId,
    "self:custom.deployment": id,
  };
  const filled = (text: string) => text.replace(/\$\{([^}]+)\}/g, (whole, name: string) => known[name] ?? whole);
  const functions = parse(functionsYml, { customTags, maxAliasCount: 1000 }) as Functions;
  return Object.entries(functions).flatMap(([step, { iamRoleStatements }]) =>
    iamRoleStatements.flatMap((statement): StepPermission[] => {
      if (typeof statement === "string") return [];
      const actions = asList(statement.Action).filter((action) => !LOOKS.test(action));
      const resources = asList(statement.Resource).map(filled);
      const keys = Object.values(statement.Condition ?? {}).flatMap((operator) => Object.entries(operator));
      const context = Object.fromEntries(keys.map(([key, values]) => [key, filled(asList(values)[0]!)]));
      const unknown = [...resources, ...Object.values(context)].some((text) => text.includes("${"));
      return actions.length === 0 || unknown ? [] : [{ step, actions, resources, context }];
    }),
  );
}

const ROLE_LIMIT = 64;
/** As serverless-iam-roles-per-function names roles: a name that is too long goes without its last part. */
export function stepRoleName(prefix: string, step: string, region: string): string {
  const name = `${prefix}${step}-${region}`;
  const whole = `${name}-lambdaRole`;
  return whole.length > ROLE_LIMIT ? name : whole;
}
