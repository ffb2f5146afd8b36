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

const browser = await launch();
for (const colorScheme of ["light", "dark"]) {
  const context = await browser.newContext({ colorScheme, bypassCSP: false });
  const page = await context.newPage();
  watch(page, address, faults);
  for (const path of paths) {
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(`${address}/${path}`, { waitUntil: "load" });
    if (path.includes("?q=")) await page.waitForSelector("#results .row");
    // evaluate() goes by the debugger, past the policy, so that the policy can stay as strict as it is.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() =>
      window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
    );
    for (const one of violations) {
      for (const node of one.nodes) faults.push(`/${path} (${colorScheme}): ${one.id}: ${one.help}: ${node.target.join(" ")}`);
    }
    if (colorScheme === "light") {
      await page.setViewportSize({ width: 320, height: 700 });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (over > 0) faults.push(`/${path}: ${over} pixels wider than a screen of 320`);
    }
  }
  await context.close();
}
await browser.close();
end(faults);
