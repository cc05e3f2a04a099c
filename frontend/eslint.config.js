import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

/** Files that may not import what fits the patterns. */
function wall(files, group) {
  const message = "app imports features, features import shared, and no feature another (ARCHITECTURE.md).";
  return {
    files: [`${files}.{ts,tsx}`],
    rules: { "no-restricted-imports": ["error", { patterns: [{ group, message }] }] },
  };
}

export default tseslint.config(
  { ignores: ["dist", "src/shared/api/generated"] },
  js.configs.recommended,
  { files: ["public/*.js"], languageOptions: { globals: globals.browser } },
  {
    files: ["**/*.{ts,tsx}"],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "no-console": "error",
      "max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  { files: ["**/*.tsx"], ...jsxA11y.flatConfigs.strict },
  { files: ["**/*.{ts,tsx}"], ...reactHooks.configs.flat.recommended },
  // app → features → shared; a feature never imports a feature, and its own files by their place in it.
  wall("src/shared/**/*", ["@/app/**", "@/features/**", "../../**"]),
  wall("src/features/*/*", ["@/app/**", "@/features/**", "../**"]),
  wall("src/features/*/*/**/*", ["@/app/**", "@/features/**", "../../**"]),
  prettier,
);
