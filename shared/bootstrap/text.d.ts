/** Node scripts are real files, read by shellcheck and people; the bundler turns them into strings. */
declare module "*.sh" {
  const text: string;
  export default text;
}
declare module "*.py" {
  const text: string;
  export default text;
}
