export default [
  {
    files: ["**/js/*.js"],
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: "module",
      globals: Object.fromEntries(
        ["Blob", "DecompressionStream", "Response", "URL", "atob", "document", "getComputedStyle", "libraries", "location", "matchMedia", "navigator", "window"]
          .map((name) => [name, "readonly"]),
      ),
    },
    rules: {
      "max-lines": ["error", 150],
      "no-undef": "error",
      "no-unused-vars": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-shadow": "error",
      "prefer-const": "error",
      eqeqeq: ["error", "always", { null: "ignore" }],
    },
  },
];
