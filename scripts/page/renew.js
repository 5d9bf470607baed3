// Packs the libraries of the report page into one minified file, with their versions and licences beside it.
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const folder = "../../src/tspg/report/page/vendor";
const { metafile } = await build({
  entryPoints: ["libraries.js"],
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "libraries",
  legalComments: "none",
  target: "es2022",
  metafile: true,
  outfile: `${folder}/libraries.min.js`,
});
const names = new Set(
  Object.keys(metafile.inputs).flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
);
const licences = [...names].sort().map((name) => {
  const { version, license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
  const text = readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync(`${folder}/LICENSES.txt`, `Libraries in libraries.min.js\n\n${licences.join(`\n${"-".repeat(80)}\n\n`)}`);
