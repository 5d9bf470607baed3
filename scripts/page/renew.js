// Packs the libraries of the report page into one minified file, with their versions and licences beside it.
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const folder = "../../src/tspg/report/page/vendor";
const { metafile, outputFiles } = await build({
  entryPoints: ["libraries.js"],
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "libraries",
  legalComments: "none",
  target: "es2022",
  metafile: true,
  write: false,
});
const names = new Set(
  Object.keys(metafile.inputs).flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
);
const licences = [...names].sort().map((name) => {
  const { version, license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
  const text = readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
});
const text = `Libraries in libraries.min.js\n\n${licences.join(`\n${"-".repeat(80)}\n\n`)}`;
writeFileSync(`${folder}/LICENSES.txt`, text);
// A page may be passed on alone, so the licences are in it as well.
writeFileSync(`${folder}/libraries.min.js`, `/*!\n${text.replaceAll("*/", "* /")}*/\n${outputFiles[0].text}`);
