const { readFileSync } = require("node:fs");

/**
 * The SDK writes XML names of its schemas as computed keys, `{ [_xN]: … }`, and whatever holds one counts as having a side effect:
 * esbuild then keeps all of EC2's schemas, half a megabyte. As plain keys they go where nothing uses them.
 */
module.exports = [
  {
    name: "schema-keys",
    setup: ({ onLoad }) =>
      onLoad({ filter: /@aws-sdk[\\/]client-[^\\/]+[\\/]dist-es[\\/]schemas[\\/]schemas_0\.js$/ }, ({ path }) => {
        const text = readFileSync(path, "utf8");
        const names = Object.fromEntries([...text.matchAll(/^const (_\w+) = ("[^"]*");$/gm)].map(([, name, value]) => [name, value]));
        return { contents: text.replace(/\[(_\w+)\]:/g, (key, name) => (names[name] ? `${names[name]}:` : key)), loader: "js" };
      }),
  },
];
