import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules", ".cache", ".build", ".serverless"] },
  ...tseslint.configs.recommended,
  {
    rules: {
      "max-lines": ["error", 300],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true, varsIgnorePattern: "^_" }],
    },
  },
  { files: ["**/*.cjs"], rules: { "@typescript-eslint/no-require-imports": "off" } },
);
