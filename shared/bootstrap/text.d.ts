/** Node scripts are real files, read by shellcheck and people; the bundler turns them into strings. */
declare module "*.sh" {
  const text: string;
  export default text;
}
declare module "*.py" {
  const text: string;
  export default text;
}
/** Which permissions a function has is written down once, for the deployment and for the check before a create. */
declare module "*.yml" {
  const text: string;
  export default text;
}
