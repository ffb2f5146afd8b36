// Pages in light and dark: axe-core, requests, console, and whether a narrow screen has to be scrolled sideways.
// The address as argument, paths on standard input, faults on standard output.
import { readFileSync } from "node:fs";
import { end, launch, require, watch } from "./browser.mjs";

const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const address = process.argv[2];
const faults = [];
const paths = readFileSync(0, "utf8").split("\n").filter(Boolean).map((path) => path.replace(/(^|\/)index\.html$/, "$1"));
// The search page once more, with results on it.
for (const path of paths.filter((one) => /(^|\/)search\/$/.test(one))) paths.push(`${path}?q=e`);

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const browser = await launch();
const page = await browser.newPage();
watch(page, address, faults);

// What axe says of the page as it is shown now.
async function judge(path, colorScheme, rules) {
  await page.emulateMedia({ colorScheme });
  const { violations } = await page.evaluate((runOnly) => window.axe.run(document, { runOnly, resultTypes: ["violations"] }), rules);
  for (const one of violations) {
    for (const node of one.nodes) faults.push(`/${path} (${colorScheme}): ${one.id}: ${one.help}: ${node.target.join(" ")}`);
  }
}

for (const path of paths) {
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(`${address}/${path}`);
  if (path.includes("?q=")) await page.waitForSelector("#results .row");
  // evaluate() goes by the debugger, past the policy, so that the policy can stay as strict as it is.
  await page.evaluate(axe);
  await judge(path, "light", RULES);
  // The same document in the dark: only its colours are others.
  await judge(path, "dark", ["cat.color"]);
  await page.setViewportSize({ width: 320, height: 700 });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) faults.push(`/${path}: ${over} pixels wider than a screen of 320`);
}
await browser.close();
end(faults);
